/** The worker thread that decodes pairs and cuts batches while the network trains on the last batch. */

import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { describeError, Refusal } from '../../../base/refusal.ts';
import { PairPatchMaker } from './patches.ts';
import { PairSchedule } from './schedule.ts';
import { Away, bytesOf, PairStore } from './store.ts';
import { usablePairSchema } from '../pairs.ts';
import { Random } from '../../../darkness/random.ts';
import { recipeSchema } from '../../recipe.ts';

/** Interval between attempts to find missing files. */
const RETRY_MS = 2000;

const orders = z.object({
  pairs: z.array(usablePairSchema).min(1),
  recipe: recipeSchema,
  /** Number of the batch that the first patches belong to. */
  firstStep: z.number().int(),
});

async function serve(port: NonNullable<typeof parentPort>): Promise<void> {
  const { pairs, recipe, firstStep } = orders.parse(workerData);
  const { seed, batch, patchPacked } = recipe;
  const store = new PairStore(pairs, (account) => {
    port.postMessage({ kind: 'skipped', account });
  });
  const schedule = new PairSchedule(pairs.map(bytesOf), seed);
  const maker = new PairPatchMaker(recipe);
  const area = patchPacked * patchPacked;

  const make = async (step: number): Promise<void> => {
    const input = new Float32Array(batch * 4 * area);
    const target = new Float32Array(batch * 12 * area);
    for (let index = 0; index < batch; index++) {
      // Batches are numbered from 1. After a rewind, a batch may be earlier than the first requested.
      const { pair, group, next } = schedule.turnOf((step - 1) * batch + index);
      store.hold([...group, ...next]);
      const loaded = await present(() => store.get(pair, group));
      maker.make(loaded, new Random(seed, step, index), index, input, target);
    }
    port.postMessage({ kind: 'batch', step, input, target }, [input.buffer, target.buffer]);
  };
  /** Waits for files whose disk is missing. */
  const present = async <T>(get: () => Promise<T>): Promise<T> => {
    for (let isAway = false; ;) {
      try {
        const found = await get();
        if (isAway) port.postMessage({ kind: 'back' });
        return found;
      } catch (error) {
        if (!(error instanceof Away)) throw error;
        if (!isAway) port.postMessage({ kind: 'away', account: error.message });
        isAway = true;
        await sleep(RETRY_MS);
      }
    }
  };
  const refuse = (error: unknown): void => {
    if (!(error instanceof Refusal)) throw error;
    port.postMessage({ kind: 'refused', code: error.code, message: describeError(error) });
  };

  // Unreadable pairs are reported before the first step.
  const { group } = schedule.turnOf((firstStep - 1) * batch);
  store.hold(group);
  for (const [index, pair] of group.entries()) {
    await present(() => store.get(pair, group));
    port.postMessage({ kind: 'loading', loaded: index + 1, total: group.length });
  }
  let queue = Promise.resolve();
  port.on('message', (step: unknown) => {
    const number = z.number().int().parse(step);
    queue = queue.then(() => make(number)).catch(refuse);
  });
  port.postMessage({ kind: 'ready' });
}

if (parentPort !== null) {
  const port = parentPort;
  serve(port).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    port.postMessage({ kind: 'refused', code: error.code, message: describeError(error) });
  });
}
