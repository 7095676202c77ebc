/**
 * Steps that learn from a trained model as well as from the truth. What a noisy patch does not tell,
 * the truth holds all the same, and another patch like it holds something else: gradients that mostly
 * undo each other. A larger network answers with what can be known (Hinton et al. 2015).
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
 * Opens steps whose targets are a teacher's answers in part.
 * @param model takes and gives the light that the recipe does; it looks once, whatever it was made for
 * @param share of the answers, 0–1; the rest is the truth
 * @returns an `openStep`; it throws Refusal `model` for a file that is no network besides
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

/** A card's answers are held to the processor's first, at the patches' own size. */
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
 * Truth and answer, mixed. Light below nothing, which a network may well answer, is none. Where a
 * patch has stars or hot pixels the truth alone counts: a teacher that never saw any takes stars for
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
    // Whatever a card's trouble is, the processor can go on.
    throw new Refusal('device', `the teacher failed: ${describeError(error)}`, { cause: error });
  }
}
