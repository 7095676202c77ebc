/** The thread that prepares and finishes the view's pictures around the network. */

import { workerData } from 'node:worker_threads';
import { aboutPhoto } from '../../process/failure.ts';
import { joinParent } from '../../process/parent.ts';
import { Turns } from '../../process/turns.ts';
import { keepDecoderReady } from '../../raw/decode.ts';
import { Previewer } from './preview.ts';
import type { PreviewJob } from '../protocol.ts';
import { previewCall, runCall, termsSchema } from '../window-request.ts';

/** One picture is in the network while another is prepared or finished. */
const turns = new Turns(2);
const engine = joinParent();

const previewer = new Previewer(async (packed, width, height) => {
  const shared = new Float32Array(new SharedArrayBuffer(packed.byteLength));
  shared.set(packed);
  const output = new Float32Array(new SharedArrayBuffer(3 * packed.byteLength));
  await engine.ask(runCall, { packed: shared, output, width, height });
  return output;
}, termsSchema.parse(workerData));

/** Visible tiles come first, then thumbnails, then photos that may be looked at next. */
function rankOf(job: PreviewJob): number {
  if (job.kind === 'tile') return 0;
  if (job.kind === 'bright') return 2;
  return job.isAhead ? 3 : 1;
}

engine.answer(previewCall, async (job, { signal }) => {
  try {
    return await turns.take(rankOf(job), signal, () => previewer.make(job, signal));
  } catch (error) {
    throw aboutPhoto(error, job.photo);
  }
});

keepDecoderReady();
