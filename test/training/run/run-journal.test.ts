/** What a run says of its time. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../../main/training/run/events.ts';
import { createRun, readRun } from '../../../main/training/run/folder.ts';
import { RunJournal } from '../../../main/training/run/journal.ts';
import { smallPlan } from './small-run.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-run-journal-'));
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('counts no rest and no wait as training, nor into the time left', async () => {
  const steps = 100;
  const description = await createRun(folder, smallPlan(folder, steps));
  vi.useFakeTimers({ toFake: ['performance'] });
  const told: RunEvent[] = [];
  const journal = new RunJournal(folder, description, (event) => told.push(event));
  const numbers = { steps, batchLoss: 1, loss: 1, norm: 1, learningRate: 1, stepMs: 1, waitMs: 1 };
  const stepAt = (step: number): void => {
    vi.advanceTimersByTime(10_000);
    journal.progress({ step, ...numbers }, 1);
  };
  stepAt(1);
  stepAt(2);
  for (const reason of ['asked', 'disk'] as const) {
    journal.tell({ event: 'paused', step: 2, reason, account: '' });
    vi.advanceTimersByTime(3_600_000);
    journal.tell({ event: 'resumed', step: 2 });
  }
  stepAt(3);
  expect(told.at(-1)).toMatchObject({ step: 3, elapsedSeconds: 30, leftSeconds: 970 });

  journal.tell({ event: 'paused', step: 3, reason: 'asked', account: '' });
  vi.advanceTimersByTime(3_600_000);
  await journal.note({ state: { kind: 'stopped' } });
  expect((await readRun(folder)).description.trainedSeconds).toBe(30);
  await journal.end();
});
