/** Moves photos to the system's trash, with what belongs to them. */

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describeError, Refusal } from '../base/refusal.ts';
import { isRawName } from '../raw/endings.ts';
import { sidecarEnding } from './folder.ts';

/** Moves one file to the trash. @throws whatever the system says */
export type TrashFile = (file: string) => Promise<void>;

/**
 * Each photo as `trashPhoto`.
 * @throws Refusal `disk` for the first one that stays; those before it are moved
 */
export async function trashPhotos(photos: readonly string[], trash: TrashFile): Promise<void> {
  for (const photo of photos) {
    await trashPhoto(photo, trash).catch((error: unknown) => {
      const why = describeError(error);
      throw new Refusal('disk', `${path.basename(photo)} stays: the trash says: ${why}`);
    });
  }
}

/**
 * The photo first: if it stays, so does all that belongs to it.
 * @throws what `trash` throws
 */
async function trashPhoto(photo: string, trash: TrashFile): Promise<void> {
  const belonging = await belongingsOf(photo);
  await trash(photo);
  for (const file of belonging) await trash(file);
}

/**
 * Its edits, other programs' sidecars, and the camera's JPEG of the same name. What another RAW photo
 * of that name could claim as well stays.
 */
async function belongingsOf(photo: string): Promise<readonly string[]> {
  const { dir, base, name } = path.parse(photo);
  const names = await readdir(dir).catch(() => []);
  const isShared = names.some(
    (other) => other !== base && isRawName(other) && path.parse(other).name === name,
  );
  const own = new Set([base + sidecarEnding, `${base}.xmp`, `${base}.XMP`]);
  return names
    .filter((other) => {
      const { name: stem, ext } = path.parse(other);
      const isPair = stem === name && /^\.(jpe?g|xmp)$/i.test(ext);
      return own.has(other) || (isPair && !isShared);
    })
    .map((other) => path.join(dir, other));
}
