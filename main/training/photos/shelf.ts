/** Decides which photos each step draws from, so that a dataset need not fit into memory. */

import { Random } from '../../darkness/random.ts';

/**
 * `all`: every photo is in memory; photo i is drawn if i is the first entry above a uniform random
 * number (entries ascend, the last is 1). `rolling`: a shelf that holds some of many photos; at
 * regular intervals the next photo replaces the oldest.
 */
export type Shelf =
  | { readonly kind: 'all'; readonly drawnBelow: Float64Array }
  | { readonly kind: 'rolling'; readonly photos: number; readonly slots: number };

/**
 * Steps after which the oldest photo is replaced. With eight patches per step, each photo yields
 * some 128 patches while on the shelf. Decoding a photo takes a few percent of the time of 16
 * steps.
 */
const stepsPerChange = 16;
/**
 * First key of the order of photos on the shelf, which makes its random numbers distinct from those
 * of patches.
 */
const shelfKey = 0x7368_656c;

/** Number of the oldest place on the shelf in a step, counted from the start of the run. */
export function oldestPlace(step: number): number {
  return Math.floor(step / stepsPerChange);
}

/**
 * Candidate photos for a patch, best first; if one cannot be read, the next is used. They depend
 * only on seed, step and `random`, not on what is in memory.
 */
export function* drawPhoto(
  shelf: Shelf,
  seed: number,
  step: number,
  random: Random,
): Generator<number> {
  if (shelf.kind === 'all') {
    const drawn = random.unit();
    yield Math.max(
      0,
      shelf.drawnBelow.findIndex((below) => drawn < below),
    );
    return;
  }
  yield* photosOfPlace(shelf.photos, seed, oldestPlace(step) + random.integer(shelf.slots));
}

/** Candidate photos for a place on the shelf, best first. */
export function* photosOfPlace(photos: number, seed: number, place: number): Generator<number> {
  const random = new Random(shelfKey, seed, place);
  for (;;) yield random.integer(photos);
}
