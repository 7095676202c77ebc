/**
 * Decides whether this processor's fast convolutions can train a network, and with which block
 * size.
 */

import { Random } from '../../darkness/random.ts';
import {
  blockedParameters,
  fillsBlocks,
  gathered,
  gradientRuns,
  toBlocked,
  toPlain,
} from './blocked-order.ts';
import { openGradient, tensorsOf } from './gradient-session.ts';
import { defaultLoss } from './loss.ts';
import type { StepShape } from './step.ts';
import { lengthOf, patchTensors } from './step-tensors.ts';
import { firstWeights } from './weights.ts';

/**
 * The block size with which this processor's fast convolutions can train the network. Undefined if
 * its channels do not fill whole blocks, or if no block size reproduces the plain graph's
 * gradients.
 */
export async function blockOf({ unet }: Pick<StepShape, 'unet'>): Promise<number | undefined> {
  const block = await agreedBlock();
  return block !== undefined && fillsBlocks(unet, block) ? block : undefined;
}

let agreed: Promise<number | undefined> | undefined;

/** Determined once per process, because it takes a moment. */
async function agreedBlock(): Promise<number | undefined> {
  agreed ??= findBlock();
  return agreed;
}

async function findBlock(): Promise<number | undefined> {
  for (const block of [16, 8]) {
    // Missing operators throw; operators with another weight layout produce a difference.
    const difference = await blockedDifference(block).catch(() => Infinity);
    if (difference < 1e-3) return block;
  }
  return undefined;
}

/**
 * Length of the difference between a small network's blocked and plain gradients, relative to the
 * plain one.
 */
async function blockedDifference(block: number): Promise<number> {
  const unet = { inputChannels: 4, outputChannels: 12, baseChannels: block, levels: 2 };
  const shape: StepShape = { unet, batch: 2, patchPacked: 16, loss: defaultLoss, clipNorm: 1 };
  const order = blockedParameters(unet, block);
  const weights = firstWeights(unet, 1);
  const random = new Random(2);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random.unit());
  const batch = { input: numbers(2 * 4 * 256), target: numbers(2 * 12 * 256) };
  const gradient = async (of: StepShape, vector: Float32Array): Promise<Float32Array> => {
    const session = await openGradient(of, 1);
    const found = new Float32Array(vector.length);
    const feeds = { ...patchTensors(of)(batch), ...tensorsOf(of, 'weights', vector) };
    await session.run(feeds, tensorsOf(of, 'gradient', found));
    await session.release();
    return found;
  };
  const plain = await gradient(shape, weights);
  const blocked = await gradient({ ...shape, block }, toBlocked(order, weights));
  const found = toPlain(order, gathered(gradientRuns(order, block), blocked), plain.length);
  const differences = plain.map((value, at) => value - (found[at] ?? Number.NaN));
  return lengthOf(differences) / lengthOf(plain);
}
