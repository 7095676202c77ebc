/** A graphics card that calculates wrong is found out before it trains anything. */

import { expect, it } from 'vitest';
import { unetParameters } from '../../../main/network/unet.ts';
import { defaultRecipe, type Recipe } from '../../../main/training/recipe.ts';
import { freshState } from '../../../main/training/run/run.ts';
import { expectSameGradient } from '../../../main/training/step/card-check.ts';
import { openStep } from '../../../main/training/step/step-session.ts';
import type { StepSession } from '../../../main/training/step/step-tensors.ts';

const recipe: Recipe = {
  ...defaultRecipe,
  unet: { ...defaultRecipe.unet, baseChannels: 4, levels: 3 },
  batch: 2,
  patchPacked: 32,
};

const open = (): Promise<StepSession> => openStep(recipe, freshState(recipe), { threads: 1 });

/** A card whose gradient has something wrong with it. */
async function openWrong(spoil: (gradient: Float32Array) => void): Promise<StepSession> {
  const session = await open();
  return {
    ...session,
    async state() {
      const state = await session.state();
      spoil(state.momentum);
      return state;
    },
  };
}

async function compare(card: StepSession): Promise<void> {
  const processor = await open();
  try {
    await expectSameGradient(recipe, card, processor);
  } finally {
    await card.release();
    await processor.release();
  }
}

it('takes what differs by rounding', async () => {
  const card = await openWrong((gradient) => {
    gradient.forEach((value, at) => (gradient[at] = value * (1 + (at % 2 === 0 ? 1e-3 : -1e-3))));
  });
  await expect(compare(card)).resolves.toBeUndefined();
});

const faults: [string, (gradient: Float32Array) => void][] = [
  ['a gradient of nothing', (gradient) => gradient.fill(0)],
  ['numbers that are none', (gradient) => gradient.fill(Number.NaN, 7, 8)],
  ['a gradient that is a twentieth too long', (gradient) => scale(gradient, 1.05)],
  ...unetParameters(recipe.unet).map(({ name, offset, size }): (typeof faults)[number] => [
    `${name} alone the wrong way round`,
    (gradient) => scale(gradient.subarray(offset, offset + size), -1),
  ]),
];

function scale(numbers: Float32Array, factor: number): void {
  numbers.forEach((value, at) => (numbers[at] = value * factor));
}

it.each(faults)('refuses %s', async (_, spoil) => {
  await expect(openWrong(spoil).then(compare)).rejects.toMatchObject({ code: 'device' });
});
