/** Makes a small JPEG of a training photo that is not a RAW file; for child processes only. */

import { encode, rollOff } from '../../develop/tone.ts';
import { smallPicture } from '../../export/thumbnail.ts';
import { loadLinearPhoto } from './photos.ts';
import { lightOfCode } from '../../darkness/linear-photo.ts';

let table: Uint16Array | undefined;

/**
 * Reads the photo as training does, so that every photo shown can also be trained on.
 * @throws Refusal as `loadLinearPhoto`
 */
export async function smallPhoto(file: string, longSide: number): Promise<Uint8Array> {
  const { width, height, codes } = await loadLinearPhoto(file);
  const toned = (table ??= Uint16Array.from({ length: 65_536 }, (_, code) =>
    Math.round(65_535 * encode(rollOff(lightOfCode(code)), 'srgb')),
  ));
  const samples = codes.map((code) => toned[code]!);
  return smallPicture({ width, height, samples, space: 'srgb' }, longSide);
}
