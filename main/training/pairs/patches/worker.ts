/** The worker thread that decodes pairs and cuts batches while the network trains on the last batch. */

import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { z } from 'zod';
import { joinParent } from '../../../process/parent.ts';
import { Turns } from '../../../process/turns.ts';
import { awayNote, batchCall, loadPairsCall, skippedNote } from '../../photos/batch-calls.ts';
import type { Batch } from '../../photos/patches.ts';
import { PairPatchMaker } from './patches.ts';
import { PairSchedule } from './schedule.ts';
import { Away, bytesOf, PairStore } from './store.ts';
import { usablePairSchema } from '../pairs.ts';
import { Random } from '../../../darkness/random.ts';
import { recipeSchema } from '../../recipe.ts';

/** Interval between attempts to find missing files. */
const retryMs = 2000;

const orders = z.object({
  pairs: z.array(usablePairSchema).min(1),
  recipe: recipeSchema,
  /** Number of the batch that the first patches belong to. */
  firstStep: z.number().int(),
});

const owner = joinParent();
const { pairs, recipe, firstStep } = orders.parse(workerData);
const { seed, batch, patchPacked } = recipe;
const store = new PairStore(pairs, (account) => {
  owner.tell(skippedNote, account);
});
const schedule = new PairSchedule(pairs.map(bytesOf), seed);
const maker = new PairPatchMaker(recipe);
const area = patchPacked * patchPacked;

/** Waits for files whose disk is missing. */
async function present<T>(get: () => Promise<T>): Promise<T> {
  for (let isAway = false; ;) {
    try {
      const found = await get();
      if (isAway) owner.tell(awayNote, undefined);
      return found;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      if (!isAway) owner.tell(awayNote, error.message);
      isAway = true;
      await sleep(retryMs);
    }
  }
}

async function make(step: number): Promise<Batch> {
  const input = new Float32Array(batch * 4 * area);
  const target = new Float32Array(batch * 12 * area);
  for (let index = 0; index < batch; index++) {
    // Batches are numbered from 1. After a rewind, a batch may be earlier than the first requested.
    const { pair, group, next } = schedule.turnOf((step - 1) * batch + index);
    store.hold([...group, ...next]);
    const loaded = await present(() => store.get(pair, group));
    maker.make(loaded, new Random(seed, step, index), index, input, target);
  }
  return { step, input, target, isNight: [] };
}

// Unreadable pairs are reported before the first step.
owner.answer(loadPairsCall, async (_, { onProgress }) => {
  const { group } = schedule.turnOf((firstStep - 1) * batch);
  store.hold(group);
  for (const [index, pair] of group.entries()) {
    await present(() => store.get(pair, group));
    onProgress({ loaded: index + 1, total: group.length });
  }
  return undefined;
});

// One after the other, in the order they are asked for.
const turns = new Turns(1);
owner.answer(batchCall, async (step, { signal, move }) => {
  const made = await turns.take(0, signal, () => make(step));
  move(made.input.buffer);
  move(made.target.buffer);
  return made;
});
