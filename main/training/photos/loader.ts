/** The thread that reads photos for the threads that cut patches from them. */

import { joinParent } from '../../process/parent.ts';
import { Peer } from '../../process/peer.ts';
import { joinPort } from '../../process/thread.ts';
import { Refusal } from '../../base/refusal.ts';
import {
  awayNote,
  clientNote,
  hintNote,
  loadPhotosCall,
  photoCall,
  skippedNote,
} from './batch-calls.ts';
import { byName, shelfOfAll } from './patches.ts';
import { PhotoCache } from './cache.ts';
import type { LinearPhoto } from '../../darkness/linear-photo.ts';
import type { Shelf } from './shelf.ts';

/** Number of photos read at once during the first pass. */
const lookahead = 2;
/**
 * A shelf leaves memory for the next photos, and for later ones that may be larger than the first.
 */
const shelfShare = 0.9;
const shelfSpare = 2;

interface Found {
  readonly shelf: Shelf;
  /** Index in the list of files for each photo number of the shelf. */
  readonly places: readonly number[];
}

/** Reads photos until all are read or the memory limit is reached; the others are read later. */
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

const owner = joinParent();

owner.answer(loadPhotosCall, async ({ files, bytesMax }, { onProgress }) => {
  const cache = new PhotoCache({
    files,
    bytesMax,
    onSkipped: (account) => {
      owner.tell(skippedNote, account);
    },
    onAway: (account) => {
      owner.tell(awayNote, account);
    },
  });
  const { shelf, places } = await look(cache, files, bytesMax, (loaded) => {
    onProgress({ loaded, total: files.length });
  });
  cache.begin();
  const placeOf = (photo: number): number => places[photo] ?? -1;
  owner.listen(clientNote, (port) => {
    const client = new Peer('a thread that cuts patches', joinPort(port));
    client.answer(photoCall, (photo) => cache.get(placeOf(photo)));
    client.listen(hintNote, (photo) => {
      cache.hint(placeOf(photo));
    });
  });
  return { photos: places.length, shelf };
});
