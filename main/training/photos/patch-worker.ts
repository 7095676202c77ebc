/** A thread that cuts batches while the network trains on earlier ones. */

import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { cameraProfileSchema } from '../../../preload/contract/camera-profile.ts';
import { failureOf } from '../../engine/protocol.ts';
import { cameraDarkness } from '../../darkness/camera-darkness.ts';
import { emptyBatch, PatchMaker, randomOf, type Batch } from './patches.ts';
import { drawDarkness, type DrawDarkness } from '../../darkness/drawn-darkness.ts';
import type { LinearPhoto } from '../../darkness/linear-photo.ts';
import type { Random } from '../../darkness/random.ts';
import { drawPhoto, oldestPlace, photosOfPlace, type Shelf } from './shelf.ts';

const orders = z.object({
  seed: z.number(),
  batch: z.number().int().positive(),
  patchPacked: z.number().int().positive(),
  deepDark: z.number(),
  camera: cameraProfileSchema.optional(),
  shelf: z.custom<Shelf>((value) => value instanceof Object),
  loader: z.custom<MessagePort>((value) => value instanceof Object),
});
const answers = z.object({
  request: z.number(),
  photo: z.custom<LinearPhoto>((value) => value instanceof Object).optional(),
});

/** Places of the shelf that are filled before they are drawn from. */
const placesAhead = 2;

/** Photos as the loading thread has them. */
class Photos {
  readonly #loader: MessagePort;
  readonly #asked = new Map<number, (photo: LinearPhoto | undefined) => void>();
  #nextRequest = 1;

  constructor(loader: MessagePort) {
    this.#loader = loader;
    loader.on('message', (unknown: unknown) => {
      const { request, photo } = answers.parse(unknown);
      this.#asked.get(request)?.(photo);
      this.#asked.delete(request);
    });
  }

  get(photo: number): Promise<LinearPhoto | undefined> {
    const request = this.#nextRequest++;
    return new Promise((resolve) => {
      this.#asked.set(request, resolve);
      this.#loader.postMessage({ kind: 'get', request, photo });
    });
  }

  hint(photo: number): void {
    this.#loader.postMessage({ kind: 'hint', photo });
  }
}

class Cutter {
  readonly #orders: z.infer<typeof orders>;
  readonly #photos: Photos;
  readonly #maker: PatchMaker;
  #hinted = -1;

  constructor(given: z.infer<typeof orders>) {
    this.#orders = given;
    this.#photos = new Photos(given.loader);
    const { patchPacked, camera, deepDark } = given;
    const darkness: DrawDarkness =
      camera === undefined
        ? (random) => drawDarkness(random, deepDark)
        : cameraDarkness(camera, deepDark);
    this.#maker = new PatchMaker(patchPacked, darkness);
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
      this.#maker.make(photo, random, index, made.input, made.target);
    }
    return made;
  }

  async #draw(step: number, random: Random): Promise<LinearPhoto> {
    const { shelf, seed } = this.#orders;
    for (const candidate of drawPhoto(shelf, seed, step, random)) {
      const photo = await this.#photos.get(candidate);
      if (photo !== undefined) return photo;
    }
    throw new Error('expected a photo of a shelf of all photos to be in memory');
  }

  /** Photos are read before they are drawn from: the first time all of the shelf, then what comes. */
  #fillShelf(step: number): void {
    const { shelf, seed } = this.#orders;
    if (shelf.kind === 'all') return;
    const oldest = oldestPlace(step);
    const end = oldest + shelf.slots + placesAhead;
    for (let place = Math.max(oldest, this.#hinted); place < end; place++) {
      const [photo] = photosOfPlace(shelf.photos, seed, place);
      if (photo !== undefined) this.#photos.hint(photo);
    }
    this.#hinted = end;
  }
}

if (parentPort !== null) {
  const port = parentPort;
  const cutter = new Cutter(orders.parse(workerData));
  // One after the other, in the order they are asked for.
  let work = Promise.resolve();
  port.on('message', (unknown: unknown) => {
    const step = z.number().int().parse(unknown);
    work = work
      .then(async () => {
        const made = await cutter.make(step);
        port.postMessage({ kind: 'batch', ...made }, [made.input.buffer, made.target.buffer]);
      })
      .catch((error: unknown) => {
        port.postMessage({ kind: 'failed', failure: failureOf(error) });
      });
  });
}
