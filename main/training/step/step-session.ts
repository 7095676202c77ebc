/** One training step after another on ONNX Runtime: it keeps weights and moments between them. */

import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import { stateOf, type TrainingState } from '../run/checkpoint.ts';
import type { Recipe } from '../recipe.ts';
import { blockedParameters, fillsBlocks, toBlocked, toPlain } from './blocked-order.ts';
import { expectSameGradient } from './card-check.ts';
import { defaultLoss } from './loss.ts';
import { Random } from '../../darkness/random.ts';
import { gradientModel, stepModel, stepRate, stepSegments, type StepShape } from './step.ts';
import { floats, number, patchTensors, type StepSession } from './step-tensors.ts';
import { firstWeights } from './weights.ts';
import { openWebgpuStep } from './webgpu-step.ts';

/** Where steps are made. */
export type TrainingDevice = 'cpu' | 'webgpu';

export interface StepOptions {
  /** Processor threads; all of the machine's if not given. */
  readonly threads?: number | undefined;
  /** The processor if not given. */
  readonly device?: TrainingDevice | undefined;
}

/**
 * Opens the recipe's step; its first step follows on `from`.
 * @throws Refusal `device` if there is no such device, or it calculates wrong
 */
export async function openStep(
  recipe: Recipe,
  from: TrainingState,
  { threads, device }: StepOptions,
): Promise<StepSession> {
  return device === 'webgpu'
    ? openTrustedCard(recipe, from, threads)
    : openProcessorStep(recipe, from, threads);
}

/** A graphics card that has made a step as the processor did. */
async function openTrustedCard(
  recipe: Recipe,
  from: TrainingState,
  threads: number | undefined,
): Promise<StepSession> {
  const start = stateOf(from.weights);
  const card = await openWebgpuStep(recipe, start);
  try {
    const processor = await openProcessorStep(recipe, start, threads);
    try {
      await expectSameGradient(recipe, card, processor);
    } finally {
      await processor.release();
    }
    await card.restore(from);
    return card;
  } catch (error) {
    await card.release();
    throw error;
  }
}

async function openProcessorStep(
  recipe: Recipe,
  from: TrainingState,
  threads: number | undefined,
): Promise<StepSession> {
  const block = await blockOf(recipe);
  const shape = { ...recipe, block };
  const segments = stepSegments(shape);
  const order = block === undefined ? undefined : blockedParameters(recipe.unet, block);
  const inside = (plain: Float32Array): Float32Array[] => {
    const ordered = order === undefined ? plain : toBlocked(order, plain);
    return segments.map(({ offset, size }) => ordered.subarray(offset, offset + size));
  };
  const outside = (parts: readonly Float32Array[]): Float32Array => {
    const joined = concatenated(parts);
    return order === undefined ? joined : toPlain(order, joined, from.weights.length);
  };
  const enter = ({ step, weights, momentum, variance }: TrainingState) => ({
    step,
    tensors: {
      weights: inside(weights),
      momentum: inside(momentum),
      variance: inside(variance),
    },
  });
  const session = await openSession(stepModel(shape), threads);
  const patches = patchTensors(recipe);
  let state = enter(from);
  /** What the last step made, and the next one will have used up. */
  let made: readonly Float32Array[] = [];
  return {
    async step(batch, learningRate) {
      const step = state.step + 1;
      const feeds = patches(batch);
      feeds['rate'] = new ort.Tensor('float32', Float32Array.of(stepRate(learningRate, step)), []);
      for (const kind of kinds) {
        segments.forEach(({ suffix }, index) => {
          const data = state.tensors[kind][index] ?? new Float32Array();
          feeds[kind + suffix] = new ort.Tensor('float32', data, [data.length]);
        });
      }
      const result = await session.run(feeds);
      const after = (kind: Kind): Float32Array[] =>
        segments.map(({ suffix }) => floats(result, `${kind}2${suffix}`));
      const tensors = {
        weights: after('weights'),
        momentum: after('momentum'),
        variance: after('variance'),
      };
      giveBack(made);
      made = kinds.flatMap((kind) => tensors[kind]);
      state = { step, tensors };
      return { loss: number(result, 'loss'), norm: number(result, 'norm') };
    },
    state: () =>
      Promise.resolve({
        step: state.step,
        weights: outside(state.tensors.weights),
        momentum: outside(state.tensors.momentum),
        variance: outside(state.tensors.variance),
      }),
    restore(earlier) {
      state = enter(earlier);
      return Promise.resolve();
    },
    release: () => session.release(),
  };
}

/**
 * Frees arrays that nobody will read any more. Left to be collected, dozens of megabytes gather from
 * steps long gone, and each step's results lie in pages that the system must make first: longer than
 * copying them.
 */
function giveBack(arrays: readonly Float32Array[]): void {
  for (const { buffer } of arrays) {
    if (buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
}

const kinds = ['weights', 'momentum', 'variance'] as const;
type Kind = (typeof kinds)[number];

async function openSession(
  model: Uint8Array,
  threads: number | undefined,
): Promise<InferenceSession> {
  return ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    // How long a thread without work looks for some before it sleeps, µs. Most operators of a step take
    // as long as waking one; but whatever is waited longer is taken from the thread that cuts patches,
    // and from the rest of the app.
    extra: { session: { intra_op: { spin_duration_us: '20' } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
}

/**
 * The block in which this processor's fast convolutions train the network, if they can: undefined
 * where channels do not fill blocks, or where no block gives the plain graph's gradients.
 */
export async function blockOf({ unet }: Pick<StepShape, 'unet'>): Promise<number | undefined> {
  const block = await agreedBlock();
  return block !== undefined && fillsBlocks(unet, block) ? block : undefined;
}

let agreed: Promise<number | undefined> | undefined;

/** Asked once in a process: it takes a moment. */
async function agreedBlock(): Promise<number | undefined> {
  agreed ??= findBlock();
  return agreed;
}

async function findBlock(): Promise<number | undefined> {
  for (const block of [16, 8]) {
    // Operators that are missing throw; those that mean something else by their weights disagree.
    const difference = await blockedDifference(block).catch(() => Infinity);
    if (difference < 1e-3) return block;
  }
  return undefined;
}

/** Length of the difference between a small network's blocked and plain gradient, as a share of it. */
async function blockedDifference(block: number): Promise<number> {
  const unet = { inputChannels: 4, outputChannels: 12, baseChannels: block, levels: 2 };
  const shape: StepShape = { unet, batch: 2, patchPacked: 16, loss: defaultLoss, clipNorm: 1 };
  const order = blockedParameters(unet, block);
  const weights = firstWeights(unet, 1);
  const random = new Random(2);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random.unit());
  const batch = { input: numbers(2 * 4 * 256), target: numbers(2 * 12 * 256) };
  const gradient = async (of: StepShape, flat: Float32Array): Promise<Float32Array> => {
    const session = await openSession(gradientModel(of), 1);
    const feeds = patchTensors(of)(batch);
    const segments = stepSegments(of);
    for (const { suffix, offset, size } of segments) {
      const data = flat.subarray(offset, offset + size);
      feeds[`weights${suffix}`] = new ort.Tensor('float32', data, [size]);
    }
    const result = await session.run(feeds);
    await session.release();
    return concatenated(segments.map(({ suffix }) => floats(result, `gradient${suffix}`)));
  };
  const plain = await gradient(shape, weights);
  const blocked = await gradient({ ...shape, block }, toBlocked(order, weights));
  const found = toPlain(order, blocked, plain.length);
  const differences = plain.map((value, at) => value - (found[at] ?? Number.NaN));
  return lengthOf(differences) / lengthOf(plain);
}

function lengthOf(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
