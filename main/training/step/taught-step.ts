/**
 * Steps that learn from a trained model as well as from the truth. The truth contains details that
 * a noisy patch cannot reveal, and similar patches have different ones, so their gradients mostly
 * cancel. A larger network's answers contain only what can be known (Hinton et al. 2015).
 */

import { testDevice } from '../../network/device.ts';
import { onePassOf } from '../../network/one-pass.ts';
import type { Model } from '../../network/manifest.ts';
import { openNetwork, type Network } from '../../network/session.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import type { Recipe } from '../recipe.ts';
import { openStep, type StepOptions } from './step-session.ts';
import type { Batch, StepSession } from './step-tensors.ts';

/**
 * Opens steps whose targets are partly a teacher's answers.
 * @param model its input and output match the recipe's; it makes one pass, whatever it was made for
 * @param share weight of the answers, 0–1; the rest is the truth
 * @returns an `openStep` that also throws Refusal `model` for an invalid network file
 */
export function openTaughtStep(model: Model, share: number): typeof openStep {
  return async (recipe, from, options) => {
    const network = await openTeacher(model, recipe, options);
    try {
      return taughtStep(await openStep(recipe, from, options), network, recipe, share);
    } catch (error) {
      await network.release();
      throw error;
    }
  };
}

/** A card's answers are first compared with the processor's, at the patches' own size. */
async function openTeacher(
  model: Model,
  { patchPacked }: Recipe,
  { threads, device = 'cpu' }: StepOptions,
): Promise<Network> {
  const once = onePassOf(model) ?? model;
  if (device !== 'cpu') {
    const { isTrusted, account } = await testDevice(once, device, patchPacked);
    if (!isTrusted) throw new Refusal('device', `the teacher cannot work on ${device}: ${account}`);
  }
  return openNetwork(once, { device, ...(threads === undefined ? {} : { threads }) });
}

/** @param teacher released with the session */
export function taughtStep(
  session: StepSession,
  teacher: Pick<Network, 'run' | 'release' | 'device'>,
  recipe: Recipe,
  share: number,
): StepSession {
  return {
    ...session,
    async step(batch, learningRate) {
      return session.step(
        { ...batch, target: await taughtTarget(batch, teacher, recipe, share) },
        learningRate,
      );
    },
    async release() {
      try {
        await session.release();
      } finally {
        await teacher.release();
      }
    },
  };
}

/**
 * The mix of truth and answer. Negative light, which a network may well answer, counts as zero.
 * Patches with stars or hot pixels use only the truth: a teacher that never saw any takes stars for
 * noise, and hot pixels for light.
 * @returns [batch, 12, p, p]
 * @throws Refusal `device` for a card that fails, as steps do
 */
async function taughtTarget(
  { input, target, isNight }: Batch,
  teacher: Pick<Network, 'run' | 'device'>,
  { batch, patchPacked, unet }: Recipe,
  share: number,
): Promise<Float32Array> {
  const patch = patchPacked * patchPacked;
  const [taken, given] = [unet.inputChannels * patch, unet.outputChannels * patch];
  const mixed = new Float32Array(target.length);
  for (let index = 0; index < batch; index++) {
    if (isNight?.[index] === true) {
      mixed.set(target.subarray(index * given, (index + 1) * given), index * given);
      continue;
    }
    const own = input.subarray(index * taken, (index + 1) * taken);
    const answer = await answerOf(teacher, own, patchPacked);
    for (let at = 0, out = index * given; at < given; at++, out++) {
      mixed[out] = Math.max(0, target[out]! + share * (answer[at]! - target[out]!));
    }
  }
  return mixed;
}

async function answerOf(
  teacher: Pick<Network, 'run' | 'device'>,
  input: Float32Array,
  side: number,
): Promise<Float32Array> {
  try {
    return await teacher.run(input, side, side);
  } catch (error) {
    if (teacher.device === 'cpu') throw error;
    // Reported as a device failure, because training can continue on the processor whatever is
    // wrong with the card.
    throw new Refusal('device', `the teacher failed: ${describeError(error)}`, { cause: error });
  }
}
