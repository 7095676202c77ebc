/** The name by which a photo is spoken of between the app and its window. */

import { createHash } from 'node:crypto';

/** The same photo has the same id at every start, so that thumbnails and marks find it again. */
export function photoIdOf(file: string): string {
  return createHash('sha256').update(file).digest('hex').slice(0, 24);
}

/** Identifies one version of a file. */
export function stampOf(modifiedMs: number, bytes: number): string {
  return `${modifiedMs}-${bytes}`;
}
