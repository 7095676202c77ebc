/** Entry of a thread that loads the decoder, decodes one RAW file on request, and is then ended. */

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

// Loaded in advance, so that the file does not have to wait for the decoder.
await prepareLibRaw();
