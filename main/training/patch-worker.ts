/** The thread that holds the photos and cuts batches while the network trains on the last one. */

import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { describeError, Refusal } from '../refusal.ts';
import { makeBatch, PatchMaker, poolOf } from './patches.ts';
import { loadLinearPhoto, type LinearPhoto } from './photos.ts';

const orders = z.object({
  files: z.array(z.string()),
  seed: z.number(),
  batch: z.number().int().positive(),
  patchPacked: z.number().int().positive(),
});

async function serve(port: NonNullable<typeof parentPort>): Promise<void> {
  const { files, seed, batch, patchPacked } = orders.parse(workerData);
  const photos: LinearPhoto[] = [];
  const skipped: string[] = [];
  for (const [index, file] of files.entries()) {
    try {
      photos.push(await loadLinearPhoto(file));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      skipped.push(error.message);
    }
    port.postMessage({ kind: 'loading', loaded: index + 1, total: files.length });
  }
  if (photos.length === 0) {
    throw new Refusal(
      'dataset',
      `expected at least one readable photo among ${files.length} files`,
    );
  }
  const pool = poolOf(photos);
  const maker = new PatchMaker(patchPacked);
  port.on('message', (step: unknown) => {
    const made = makeBatch({ pool, seed, step: z.number().int().parse(step), batch, maker });
    port.postMessage({ kind: 'batch', ...made }, [made.input.buffer, made.target.buffer]);
  });
  port.postMessage({ kind: 'ready', photos: photos.length, skipped });
}

if (parentPort !== null) {
  const port = parentPort;
  serve(port).catch((error: unknown) => {
    const code = error instanceof Refusal ? error.code : undefined;
    if (code === undefined) throw error;
    port.postMessage({ kind: 'refused', code, message: describeError(error) });
  });
}
