/** Whether a graphics card's training steps can be trusted: its gradient is held to the processor's. */

import { unetParameters } from '../../network/unet.ts';
import { Random } from '../../darkness/random.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Recipe } from '../recipe.ts';
import { lengthOf, type Batch, type StepSession } from './step-tensors.ts';

/**
 * Largest difference of the gradients, as a share of the processor's: of all parameters, and of a single
 * tensor's. Rounding, and kinks that it falls on either side of, were seen to leave 1e-4 and 1e-2; an operator that
 * is wrong leaves a share near 1 in all tensors before it.
 */
const differenceMax = 0.01;
const tensorDifferenceMax = 0.1;

/**
 * Makes one step of the recipe's own size on both, of no length, and compares the gradients: drivers have been
 * seen to answer with noise, without any error, at sizes they do not like.
 * @param card at step 0 with moments of nothing, as `processor` is; both have made a step after it
 * @throws Refusal `device` if they differ by more than rounding
 */
export async function expectSameGradient(
  recipe: Recipe,
  card: StepSession,
  processor: StepSession,
): Promise<void> {
  const batch = someBatch(recipe);
  const gradientOf = async (session: StepSession): Promise<Float32Array> => {
    await session.step(batch, 0);
    // After the first step the momentum is the clipped gradient.
    return (await session.state()).momentum;
  };
  const expected = await gradientOf(processor);
  const found = await gradientOf(card);
  const difference = found.map((value, at) => value - (expected[at] ?? Number.NaN));
  const share = (start: number, end: number): number =>
    lengthOf(difference.subarray(start, end)) / lengthOf(expected.subarray(start, end));
  const whole = share(0, expected.length);
  const worst = Math.max(
    ...unetParameters(recipe.unet).map(({ offset, size }) => share(offset, offset + size)),
  );
  // Comparisons that NaN fails.
  if (whole <= differenceMax && worst <= tensorDifferenceMax) return;
  throw new Refusal(
    'device',
    'expected the graphics card to calculate a training step as the processor does but its gradient ' +
      `differs by ${percent(whole)}, in one layer by ${percent(worst)}: train on the processor, or try another driver`,
  );
}

/** Signed noise in, light out, as in training. */
function someBatch({ batch, patchPacked, unet }: Recipe): Batch {
  const random = new Random(1);
  const numbers = (channels: number, draw: () => number): Float32Array =>
    Float32Array.from({ length: batch * channels * patchPacked ** 2 }, draw);
  return {
    input: numbers(unet.inputChannels, () => 0.3 + 0.4 * random.gaussian()),
    target: numbers(unet.outputChannels, () => random.unit() ** 3),
  };
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toPrecision(2)} %` : 'more than can be told';
}
