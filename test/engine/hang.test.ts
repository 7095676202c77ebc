/** An engine that hangs in the middle of a photo is ended, and the photo finished by another. */

import path from 'node:path';

import { expect, it } from 'vitest';

import { differenceMax, largestDifference } from './pictures.ts';
import { canSignal, enginePid, openSmallEngine, order } from './processes.ts';
import { temporaryFolder, writeSmallDngs, writeSmallModel } from './small.ts';

it.skipIf(!canSignal)('is noticed by its silence', async () => {
  const folder = temporaryFolder();
  const model = writeSmallModel(path.join(folder, 'model'));
  const [photo = ''] = writeSmallDngs(path.join(folder, 'in'), 1);
  // Long enough for an engine to start in, on a busy machine.
  const { engine, troubles } = await openSmallEngine(model, { stallMs: 8000 });
  const [whole, resumed] = [path.join(folder, 'whole.tif'), path.join(folder, 'resumed.tif')];
  await engine.enhance(order(photo, whole));
  let isStopped = false;
  await engine.enhance(order(photo, resumed), {
    onProgress: () => {
      if (isStopped) return;
      isStopped = true;
      process.kill(enginePid(), 'SIGSTOP');
    },
  });
  expect(troubles[0]).toBe('the engine ended after 8 s of silence; starting it again');
  expect(await largestDifference(whole, resumed)).toBeLessThan(differenceMax);
});
