/** Reads the files of pairs, one at a time. */

import path from 'node:path';
import { decodeRaw } from '../../raw/decode.ts';
import type { Mosaic, Shot } from '../../raw/mosaic.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Pair } from './pairs.ts';
import type { FinishedPicture } from './picture.ts';

/** What a short exposure should look like. */
export type PairTarget =
  | { readonly kind: 'raw'; readonly mosaic: Mosaic }
  | { readonly kind: 'picture'; readonly picture: FinishedPicture };

/**
 * The mosaic of one exposure.
 * @throws Refusal as `decodeRaw`; `unsupported-file` for a RAW file without a mosaic
 */
export async function loadExposure(file: string, signal: AbortSignal | undefined): Promise<Mosaic> {
  const decoded = await decodeRaw(file, signal === undefined ? {} : { signal });
  if (decoded.kind === 'mosaic') return decoded.mosaic;
  throw new Refusal(
    'unsupported-file',
    `expected the sensor's mosaic in ${path.basename(file)} but its colours were already put together`,
  );
}

/**
 * The long exposure or finished picture of a pair; a picture that is upright comes turned as the
 * sensor stores its rows, if it is of the short exposure's size.
 * @throws Refusal as `loadExposure` and `readFinishedPicture`
 */
export async function loadTarget(
  { long, target }: Pick<Pair, 'long' | 'target'>,
  short: Pick<Mosaic, 'width' | 'height' | 'orientation'>,
  signal: AbortSignal | undefined,
): Promise<PairTarget> {
  if (target === 'raw') return { kind: 'raw', mosaic: await loadExposure(long, signal) };
  // On demand: sharp is wanted by few datasets, and by no process but a child.
  const { laidOverSensor, readFinishedPicture } = await import('./picture.ts');
  const picture = await readFinishedPicture(long);
  return { kind: 'picture', picture: laidOverSensor(picture, short) ?? picture };
}

/** What EXIF says of how a loaded target was taken. */
export async function shotOfTarget(long: string, target: PairTarget): Promise<Shot> {
  if (target.kind === 'raw') return target.mosaic.shot;
  const { readPictureShot } = await import('./picture.ts');
  return readPictureShot(long);
}
