/**
 * Decides whether a graphics card's training steps can be trusted, by comparing its gradient with
 * the processor's.
 */

import { unetParameters } from '../../network/unet.ts';
import { Random } from '../../darkness/random.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Recipe } from '../recipe.ts';
import { lengthOf, type Batch, type StepSession } from './step-tensors.ts';

/**
 * Largest difference of the gradients, relative to the processor's: of all parameters, and of a
 * single tensor. Rounding, which can also push a value across a kink of a function, was seen to
 * cause 1e-4 and 1e-2. A wrong operator causes a difference near 1 in all tensors before it.
 */
const differenceMax = 0.01;
const tensorDifferenceMax = 0.1;

/**
 * Makes one step of the recipe's own size and learning rate zero on both devices, and compares the
 * gradients. The full size matters, because drivers have been seen to return noise at some sizes,
 * without any error. Both sessions have made a step afterwards.
 * @param card at step 0 with zero moments, as is `processor`
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
    // After the first step, the momentum equals the clipped gradient.
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
  // NaN fails these comparisons.
  if (whole <= differenceMax && worst <= tensorDifferenceMax) return;
  throw new Refusal(
    'device',
    'expected the graphics card to calculate a training step as the processor does but its gradient ' +
      `differs by ${percent(whole)}, in one layer by ${percent(worst)}: train on the processor, or try another driver`,
  );
}

/** Signed noise as input and light as target, as in training. */
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
