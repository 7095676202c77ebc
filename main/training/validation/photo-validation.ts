/** Fixed validation patches from clean photos, in darkness that training never draws. */

import { invert } from '../../develop/colour.ts';
import { Refusal } from '../../base/refusal.ts';
import { PatchMaker } from '../photos/patches.ts';
import type { DrawDarkness } from '../../darkness/drawn-darkness.ts';
import { loadLinearPhoto } from '../photos/photos.ts';
import { Random } from '../../darkness/random.ts';
import type { ValidationPatch } from './validation.ts';

/** First key of the random numbers of every validation patch, which training never uses. */
const validationKey = 0x7661_6c69;

/** Enough to determine the mean to a tenth of a decibel, and few enough to take a second. */
export const validationPatchCount = 12;
const sidePacked = 128;

/**
 * Cuts the patches. Their place, colour and darkness depend only on the photos, not on the run's
 * seed, so that runs can be compared.
 * @param darkness how darkness is drawn; as for all cameras if not given
 * @param onSkipped called for photos that cannot be read
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
