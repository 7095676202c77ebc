/** Entry of the thread that gets ready, decodes one RAW file when it is asked to, and is ended. */

import { joinParent } from '../process/parent.ts';
import { decodeCalls } from './decode-calls.ts';
import { decodeBytes, extractPreview } from './decode-file.ts';
import { prepareLibRaw } from './libraw.ts';
import { summariseBytes } from './summary.ts';

const owner = joinParent();

owner.answer(decodeCalls.raw, async ({ name, bytes, beside }, { move }) => {
  const raw = await decodeBytes(bytes, name, beside);
  const { buffer } = raw.kind === 'mosaic' ? raw.mosaic.samples : raw.frame.samples;
  if (buffer instanceof ArrayBuffer) move(buffer);
  return raw;
});

owner.answer(decodeCalls.preview, async ({ name, bytes }, { move }) => {
  const jpeg = await extractPreview(bytes, name);
  if (jpeg?.buffer instanceof ArrayBuffer) move(jpeg.buffer);
  return jpeg;
});

owner.answer(decodeCalls.summary, ({ name, bytes }) => summariseBytes(bytes, name));

// The first file need not wait for the decoder's own code.
await prepareLibRaw();
