/** Which photos are drawn from in which step, so that a dataset need not fit the memory. */

import { Random } from '../../darkness/random.ts';

/**
 * `all`: every photo is in memory; photo i is drawn when a uniform number first falls below entry i
 * (ascending, the last is 1). `rolling`: a shelf with room for some photos of many; every so many
 * steps the oldest makes room for the next.
 */
export type Shelf =
  | { readonly kind: 'all'; readonly drawnBelow: Float64Array }
  | { readonly kind: 'rolling'; readonly photos: number; readonly slots: number };

/**
 * Steps for which a photo is the shelf's youngest. With eight patches a step each photo gives some
 * 128 while it is there, and decoding one takes a few percent of the time of 16 steps.
 */
const stepsPerChange = 16;
/** First key of the order in which photos come to the shelf, so that no patch draws the same. */
const shelfKey = 0x7368_656c;

/** The number, counted from the run's begin, of the oldest place on the shelf in a step. */
export function oldestPlace(step: number): number {
  return Math.floor(step / stepsPerChange);
}

/**
 * Photos for one patch, best first: whoever cannot read one takes the next. It depends on seed, step
 * and what `random` draws alone, not on what is in memory.
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

/** Photos for one place of the shelf, best first. */
export function* photosOfPlace(photos: number, seed: number, place: number): Generator<number> {
  const random = new Random(shelfKey, seed, place);
  for (;;) yield random.integer(photos);
}
