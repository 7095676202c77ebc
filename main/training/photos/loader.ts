/** The thread that reads photos for the threads that cut patches out of them. */

import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { failureOf } from '../../engine/protocol.ts';
import { Refusal } from '../../base/refusal.ts';
import { byName, shelfOfAll } from './patches.ts';
import { PhotoCache } from './cache.ts';
import type { LinearPhoto } from '../../darkness/linear-photo.ts';
import type { Shelf } from './shelf.ts';

const orders = z.object({ files: z.array(z.string()), bytesMax: z.number().positive() });
const requests = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('get'), request: z.number(), photo: z.number() }),
  z.object({ kind: z.literal('hint'), photo: z.number() }),
]);
const clients = z.object({ client: z.custom<MessagePort>((value) => value instanceof Object) });

/** Photos read at once for the first time. */
const lookahead = 2;
/** A shelf leaves room for the next photos, and for some that are larger than the first were. */
const shelfShare = 0.9;
const shelfSpare = 2;

interface Found {
  readonly shelf: Shelf;
  /** Places in the list of files, as the shelf counts photos. */
  readonly places: readonly number[];
}

/** Reads photos until all are read or the memory is full: then the others have to wait. */
async function look(
  cache: PhotoCache,
  files: readonly string[],
  bytesMax: number,
  onLoaded: (count: number) => void,
): Promise<Found> {
  const read: { place: number; name: string; width: number; height: number }[] = [];
  const ahead: Promise<LinearPhoto | undefined>[] = [];
  let bytes = 0;
  for (const place of files.keys()) {
    while (ahead.length < lookahead && place + ahead.length < files.length) {
      ahead.push(cache.get(place + ahead.length));
    }
    const photo = await ahead.shift();
    onLoaded(place + 1);
    if (photo === undefined) continue;
    bytes += photo.codes.byteLength;
    if (bytes > bytesMax) {
      const slots = Math.max(1, Math.floor(read.length * shelfShare) - shelfSpare);
      const places = files.map((_, index) => index);
      return { shelf: { kind: 'rolling', photos: files.length, slots }, places };
    }
    const { name, width, height } = photo;
    read.push({ place, name, width, height });
  }
  if (read.length === 0) {
    throw new Refusal(
      'dataset',
      `expected at least one readable photo among ${files.length} files`,
    );
  }
  read.sort(byName);
  return { shelf: shelfOfAll(read), places: read.map(({ place }) => place) };
}

async function serve(port: MessagePort): Promise<void> {
  const { files, bytesMax } = orders.parse(workerData);
  const cache = new PhotoCache({
    files,
    bytesMax,
    onSkipped: (account) => {
      port.postMessage({ kind: 'skipped', account });
    },
    onAway: (account) => {
      port.postMessage({ kind: 'away', account });
    },
  });
  const { shelf, places } = await look(cache, files, bytesMax, (loaded) => {
    port.postMessage({ kind: 'loading', loaded, total: files.length });
  });
  cache.begin();
  const placeOf = (photo: number): number => places[photo] ?? -1;
  const answer = async (client: MessagePort, request: number, photo: number): Promise<void> => {
    client.postMessage({ request, photo: await cache.get(placeOf(photo)) });
  };
  port.on('message', (unknown: unknown) => {
    const { client } = clients.parse(unknown);
    client.on('message', (asked: unknown) => {
      const order = requests.parse(asked);
      if (order.kind === 'hint') cache.hint(placeOf(order.photo));
      else answer(client, order.request, order.photo).catch(fail);
    });
  });
  port.postMessage({ kind: 'ready', photos: places.length, shelf });
}

function fail(error: unknown): void {
  parentPort?.postMessage({ kind: 'failed', failure: failureOf(error) });
}

if (parentPort !== null) serve(parentPort).catch(fail);
