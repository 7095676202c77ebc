/** Reads the files of pairs, one at a time. */

import path from 'node:path';
import { calibratedFrame } from '../../calibration/kept.ts';
import { decodeRaw } from '../../raw/decode.ts';
import type { Mosaic, Shot } from '../../raw/mosaic.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Pair } from './pairs.ts';
import type { FinishedPicture } from './picture.ts';

/** The target of a short exposure. */
export type PairTarget =
  | { readonly kind: 'raw'; readonly mosaic: Mosaic }
  | { readonly kind: 'picture'; readonly picture: FinishedPicture };

/**
 * The mosaic of one exposure, calibrated as it is for a picture if its camera was measured.
 * @throws Refusal as `decodeRaw`; `unsupported-file` for a RAW file without a mosaic
 */
export async function loadExposure(file: string, signal: AbortSignal | undefined): Promise<Mosaic> {
  const decoded = await decodeRaw(file, signal === undefined ? {} : { signal });
  if (decoded.kind === 'mosaic') return calibratedFrame(decoded.mosaic);
  throw new Refusal(
    'unsupported-file',
    `expected the sensor's mosaic in ${path.basename(file)} but its colours were already put together`,
  );
}

/**
 * The long exposure or finished picture of a pair. An upright picture of the short exposure's size is
 * turned to the sensor's row order.
 * @throws Refusal as `loadExposure` and `readFinishedPicture`
 */
export async function loadTarget(
  { long, target }: Pick<Pair, 'long' | 'target'>,
  short: Pick<Mosaic, 'width' | 'height' | 'orientation'>,
  signal: AbortSignal | undefined,
): Promise<PairTarget> {
  if (target === 'raw') return { kind: 'raw', mosaic: await loadExposure(long, signal) };
  // Loaded on demand: few datasets need sharp, and it may run only in child processes.
  const { laidOverSensor, readFinishedPicture } = await import('./picture.ts');
  const picture = await readFinishedPicture(long);
  return { kind: 'picture', picture: laidOverSensor(picture, short) ?? picture };
}

/** The EXIF facts of a loaded target's exposure. */
export async function shotOfTarget(long: string, target: PairTarget): Promise<Shot> {
  if (target.kind === 'raw') return target.mosaic.shot;
  const { readPictureShot } = await import('./picture.ts');
  return readPictureShot(long);
}
