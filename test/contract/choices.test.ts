/** What can be chosen stands once: the pixel rooms, which may not read the contract, agree with it. */

import { expect, expectTypeOf, it } from 'vitest';
import { enhanceCommand } from '../../main/commands/enhance.ts';
import { ratioMax, ratioMin } from '../../main/develop/amplify.ts';
import { stepsOfRange } from '../../main/develop/black.ts';
import type { Framing } from '../../main/develop/crop.ts';
import type { ToneEdits } from '../../main/develop/look.ts';
import {
  kelvinMax,
  kelvinMin,
  tintMax,
  type WhiteBalance,
} from '../../main/develop/white-balance.ts';
import { editSchema, type Edit, type Output } from '../../main/engine/protocol.ts';
import type { OutputSpace } from '../../main/raw/image.ts';
import {
  compressions,
  conflictPolicies,
  deviceChoices,
  formats,
  spaces,
} from '../../preload/contract/choices.ts';
import { blackSteps, ranges, type WhiteBalanceChoice } from '../../preload/contract/edits.ts';
import type { OutputChoice } from '../../preload/contract/settings.ts';

it('develops within the limits of the sliders', () => {
  expect({ min: ratioMin, max: ratioMax }).toMatchObject({
    min: ranges.ratio.min,
    max: ranges.ratio.max,
  });
  expect([kelvinMin, kelvinMax]).toEqual([ranges.kelvin.min, ranges.kelvin.max]);
  expect(stepsOfRange).toBe(blackSteps);
  expect([-tintMax, tintMax]).toEqual([ranges.tint.min, ranges.tint.max]);
});

it('develops into the spaces and balances of the contract, and no others', () => {
  expectTypeOf<OutputSpace>().toEqualTypeOf<(typeof spaces)[number]>();
  expectTypeOf<WhiteBalanceChoice>().toExtend<WhiteBalance>();
  expectTypeOf<Edit['space']>().toEqualTypeOf<OutputSpace>();
  expectTypeOf<NonNullable<Edit['tone']>>().toExtend<ToneEdits>();
  expectTypeOf<NonNullable<Edit['framing']>>().toExtend<Framing>();
  expectTypeOf<Output>().toEqualTypeOf<OutputChoice>();
  expect(spaces).toHaveLength(3);
});

it('the engine refuses what the sliders cannot say', () => {
  const edit = { ratio: 'auto', strength: 1, whiteBalance: 'as-shot', space: 'srgb' };
  expect(editSchema.safeParse(edit).success).toBe(true);
  for (const wrong of [
    { ratio: ranges.ratio.max + 1 },
    { strength: ranges.strength.max + 0.1 },
    { black: ranges.black.min - 1 },
    { whiteBalance: { kelvin: ranges.kelvin.min - 1, tint: 0 } },
    { whiteBalance: { kelvin: 5500, tint: ranges.tint.max + 1 } },
    { space: 'cmyk' },
  ]) {
    expect(editSchema.safeParse({ ...edit, ...wrong }).success, JSON.stringify(wrong)).toBe(false);
  }
});

it('the command line offers the same choices', () => {
  const { options } = enhanceCommand();
  const choicesOf = (flag: string): readonly string[] | undefined =>
    options.find(({ long }) => long === flag)?.argChoices;
  expect(choicesOf('--format')).toEqual(formats);
  expect(choicesOf('--compression')).toEqual(compressions);
  expect(choicesOf('--space')).toEqual(spaces);
  expect(choicesOf('--on-conflict')).toEqual(conflictPolicies);
  expect(choicesOf('--device')).toEqual(deviceChoices);
});
