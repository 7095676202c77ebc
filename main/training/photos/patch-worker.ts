/** A worker thread that cuts batches while the network trains on earlier ones. */

import { workerData, type MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { cameraProfileSchema } from '../../../preload/contract/camera-profile.ts';
import { joinParent } from '../../process/parent.ts';
import { Peer } from '../../process/peer.ts';
import { joinPort } from '../../process/thread.ts';
import { Turns } from '../../process/turns.ts';
import { cameraDarkness } from '../../darkness/camera-darkness.ts';
import { drawDarkness, type DrawDarkness } from '../../darkness/drawn-darkness.ts';
import type { LinearPhoto } from '../../darkness/linear-photo.ts';
import { batchCall, hintNote, photoCall, shelfSchema } from './batch-calls.ts';
import { nightSharesSchema } from './night.ts';
import { emptyBatch, PatchMaker, randomOf, type Batch } from './patches.ts';
import type { Random } from '../../darkness/random.ts';
import { drawPhoto, oldestPlace, photosOfPlace } from './shelf.ts';

const orders = z.object({
  seed: z.number(),
  batch: z.number().int().positive(),
  patchPacked: z.number().int().positive(),
  deepDark: z.number(),
  night: nightSharesSchema,
  camera: cameraProfileSchema.optional(),
  shelf: shelfSchema,
  loader: z.custom<MessagePort>((value) => value instanceof Object),
});
/** Number of places on the shelf that are filled before patches are drawn from them. */
const placesAhead = 2;

class Cutter {
  readonly #orders: z.infer<typeof orders>;
  /** The thread that holds the photos in memory. */
  readonly #loader: Peer;
  readonly #maker: PatchMaker;
  #hinted = -1;

  constructor(given: z.infer<typeof orders>) {
    this.#orders = given;
    this.#loader = new Peer('the thread that reads photos', joinPort(given.loader));
    const { patchPacked, camera, deepDark, night } = given;
    const darkness: DrawDarkness =
      camera === undefined
        ? (random) => drawDarkness(random, deepDark)
        : cameraDarkness(camera, deepDark);
    this.#maker = new PatchMaker(patchPacked, darkness, night);
  }

  async make(step: number): Promise<Batch> {
    const { seed, batch } = this.#orders;
    this.#fillShelf(step);
    const drawn = await Promise.all(
      Array.from({ length: batch }, async (_, index) => {
        const random = randomOf(seed, step, index);
        return { random, photo: await this.#draw(step, random) };
      }),
    );
    const made = emptyBatch(step, batch, this.#maker);
    for (const [index, { random, photo }] of drawn.entries()) {
      const { isNight } = this.#maker.make(photo, random, index, made.input, made.target);
      made.isNight[index] = isNight;
    }
    return made;
  }

  async #draw(step: number, random: Random): Promise<LinearPhoto> {
    const { shelf, seed } = this.#orders;
    for (const candidate of drawPhoto(shelf, seed, step, random)) {
      const photo = await this.#loader.ask(photoCall, candidate);
      if (photo !== undefined) return photo;
    }
    throw new Error('expected a photo of a shelf of all photos to be in memory');
  }

  /**
   * Requests photos before patches are drawn from them: at first the whole shelf, then each new
   * place.
   */
  #fillShelf(step: number): void {
    const { shelf, seed } = this.#orders;
    if (shelf.kind === 'all') return;
    const oldest = oldestPlace(step);
    const end = oldest + shelf.slots + placesAhead;
    for (let place = Math.max(oldest, this.#hinted); place < end; place++) {
      const [photo] = photosOfPlace(shelf.photos, seed, place);
      if (photo !== undefined) this.#loader.tell(hintNote, photo);
    }
    this.#hinted = end;
  }
}

const cutter = new Cutter(orders.parse(workerData));
// One at a time, in the order of the requests.
const turns = new Turns(1);
joinParent().answer(batchCall, async (step, { signal, move }) => {
  const made = await turns.take(0, signal, () => cutter.make(step));
  move(made.input.buffer);
  move(made.target.buffer);
  return made;
});
