/** Fixed validation patches from clean photos, in darkness that no training draws. */

import { invert } from '../../develop/colour.ts';
import { Refusal } from '../../base/refusal.ts';
import { PatchMaker } from '../photos/patches.ts';
import type { DrawDarkness } from '../../darkness/drawn-darkness.ts';
import { loadLinearPhoto } from '../photos/photos.ts';
import { Random } from '../../darkness/random.ts';
import type { ValidationPatch } from './validation.ts';

/** First key of every validation patch, so that no training ever draws the same. */
const validationKey = 0x7661_6c69;

/** Enough for a mean that tells a tenth of a decibel, and few enough for a second's work. */
export const validationPatchCount = 12;
const sidePacked = 128;

/**
 * Cuts the patches: where, how coloured and how dark follows from the photos alone, not from the
 * run's seed, so that runs can be compared.
 * @param darkness whose; all cameras' if not given
 * @param onSkipped told of photos that cannot be read
 */
export async function photoValidation(
  files: readonly string[],
  darkness: DrawDarkness | undefined,
  onSkipped: (account: string) => void,
): Promise<ValidationPatch[]> {
  const maker = new PatchMaker(sidePacked, darkness);
  const patches = new Map<number, ValidationPatch>();
  for (const [index, file] of files.slice(0, validationPatchCount).entries()) {
    try {
      const photo = await loadLinearPhoto(file);
      for (let patch = index; patch < validationPatchCount; patch += files.length) {
        const input = new Float32Array(4 * sidePacked ** 2);
        const target = new Float32Array(12 * sidePacked ** 2);
        const { look } = maker.make(photo, new Random(validationKey, patch), 0, input, target);
        const cameraToSrgb = invert(look.toBalancedCamera);
        patches.set(patch, { name: photo.name, sidePacked, input, target, cameraToSrgb });
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      onSkipped(error.message);
    }
  }
  return [...patches].sort(([a], [b]) => a - b).map(([, patch]) => patch);
}
