/**
 * The viewing process. It reads and shows photos without the network, and so is never blocked by
 * it.
 */

import { appFolder } from '../base/app-folder.ts';
import { Log } from '../base/log.ts';
import { aboutPhoto } from '../process/failure.ts';
import { joinParent } from '../process/parent.ts';
import { Turns } from '../process/turns.ts';
import { keepDecoderReady } from '../raw/decode.ts';
import { viewCalls } from './protocol.ts';
import { Viewer } from './viewer.ts';

/**
 * Thumbnails and descriptions wait in a queue, and this many run at once, each decoding in a thread
 * of its own.
 */
const background = new Turns(2);
/** Headers take a few reads each, and wait for no decoding. */
const headers = new Turns(8);
/** Cameras' thumbnails go before facts for which a photo must be decoded. */
const describedRank = 1;
const viewer = new Viewer();
new Log(appFolder()).watchProcess('child');
const app = joinParent();

async function about<T>(photo: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw aboutPhoto(error, photo);
  }
}

app.answer(viewCalls.header, async ({ photo }, { signal }) => {
  const facts = await headers.take(0, signal, () => viewer.header(photo));
  return facts === undefined ? {} : { facts };
});

app.answer(viewCalls.describe, ({ photo }, { signal }) =>
  about(
    photo,
    background.take(describedRank, signal, () => viewer.describe(photo, signal)),
  ),
);

app.answer(viewCalls.open, ({ photo }, { signal }) => about(photo, viewer.open(photo, signal)));

app.answer(viewCalls.picture, (job, { signal }) => {
  // Photos on screen don't wait for the library's pictures.
  const isBackground = job.kind === 'thumb' || job.kind === 'small';
  const look = () => viewer.picture(job, signal);
  return about(job.photo, isBackground ? background.take(0, signal, look) : look());
});

keepDecoderReady();
