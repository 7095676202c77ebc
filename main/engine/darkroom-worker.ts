/**
 * A thread that enhances one photo at a time. It does everything but run the network, which it asks
 * of the engine's main thread, because the network blocks its thread while it runs.
 */

import { workerData } from 'node:worker_threads';
import { aboutPhoto } from '../process/failure.ts';
import { joinParent } from '../process/parent.ts';
import { enhancePhoto } from './photo.ts';
import { Rotation } from './rotation.ts';
import { enhanceCall, runCall, termsSchema } from './window-request.ts';

const terms = termsSchema.parse(workerData);
// One window is being made or run while another is being finished.
const windows = new Rotation(2);
const outputs = new Rotation(2);
const cores = new Rotation(1);
const engine = joinParent();

/**
 * A finished photo leaves some hundred megabytes behind a few small objects. The collector does not
 * count that memory, so an idle thread would keep it until the next photo.
 */
function letGo(): void {
  globalThis.gc?.();
}

engine.answer(enhanceCall, async (job, { signal, onProgress }) => {
  let networkMs = 0;
  try {
    return await enhancePhoto(job, {
      run: async (packed, width, height) => {
        const output = outputs.next(packed.length * 3);
        const window = { packed, output, width, height };
        const { ms } = await engine.ask(runCall, window, { signal });
        networkMs += ms;
        return output;
      },
      terms,
      allocate: (length) => windows.next(length),
      allocateCore: (length) => cores.next(length),
      networkMs: () => networkMs,
      signal,
      onProgress: (progress) => {
        if (progress.stage === 'encode') {
          windows.clear();
          outputs.clear();
          cores.clear();
          letGo();
        }
        onProgress(progress);
      },
    });
  } catch (error) {
    throw aboutPhoto(error, job.photo);
  } finally {
    setImmediate(letGo);
  }
});
