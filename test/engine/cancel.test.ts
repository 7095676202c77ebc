/** Photos that are called off, and names that are taken meanwhile. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { Engine } from '../../main/engine/supervisor.ts';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import { canSignal, enginePid, openSmallEngine, order } from './processes.ts';
import {
  smallShape,
  smallOnnx,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
} from './small.ts';

const folder = temporaryFolder();
// Wide enough for a tile to take a while.
const shape = { ...smallShape, baseChannels: 16 };
const model = writeSmallModel(path.join(folder, 'model'), {
  onnx: smallOnnx(shape),
  manifest: { unet: shape },
});
const [large = ''] = writeSmallDngs(path.join(folder, 'large'), 1, { width: 800, height: 600 });
const [small = ''] = writeSmallDngs(path.join(folder, 'small'), 1);
const cancelled = { name: 'Refusal', code: 'cancelled' };
/** Small tiles, so that a photo has many. */
const windowAreaMax = 300 * 300;

it('is refused as cancelled in each stage, and leaves no file and a working engine', async () => {
  const out = temporaryFolder();
  const { engine, troubles, starts } = await openSmallEngine(model, { windowAreaMax });
  for (const wanted of ['decode', 'network', 'encode'] as const) {
    const controller = new AbortController();
    let tilesLeft = Number.POSITIVE_INFINITY;
    const enhancing = engine.enhance(order(large, path.join(out, `${wanted}.tif`)), {
      signal: controller.signal,
      onProgress: ({ stage, tilesDone, tilesTotal }) => {
        if (controller.signal.aborted) tilesLeft = tilesTotal - tilesDone;
        if (stage === wanted && (stage !== 'network' || tilesDone > 0)) controller.abort();
      },
    });
    await expect(enhancing).rejects.toMatchObject(cancelled);
    // What is told after the call to stop is a tile's time at most, not the rest of the photo.
    if (wanted === 'network') expect(tilesLeft).toBeGreaterThan(0);
    expect(readdirSync(out)).toEqual([]);
  }
  await engine.enhance(order(small, path.join(out, 'after.tif')));
  expect(readdirSync(out)).toEqual(['after.tif']);
  expect(troubles).toEqual([]);
  expect(starts()).toBe(1);
});

it('does not wait for the photos before it', async () => {
  const out = temporaryFolder();
  const { engine } = await openSmallEngine(model, { windowAreaMax });
  const controller = new AbortController();
  let areFirstDone = false;
  const first = Promise.all(
    ['a.tif', 'b.tif'].map((name) => engine.enhance(order(large, path.join(out, name)))),
  ).then(() => {
    areFirstDone = true;
  });
  const second = engine.enhance(order(small, path.join(out, 'second.tif')), {
    signal: controller.signal,
    onProgress: ({ stage }) => {
      // Its windows stand behind those of the others.
      if (stage === 'network') controller.abort();
    },
  });
  await expect(second).rejects.toMatchObject(cancelled);
  expect(areFirstDone).toBe(false);
  await first;
  expect(readdirSync(out).sort()).toEqual(['a.tif', 'b.tif']);
});

it('is refused at once where it is called off before it begins, or the engine is closed', async () => {
  const out = temporaryFolder();
  const { engine } = await openSmallEngine(model);
  const controller = new AbortController();
  controller.abort();
  const { signal } = controller;
  await expect(
    engine.enhance(order(small, path.join(out, 'a.tif')), { signal }),
  ).rejects.toMatchObject(cancelled);
  const underWay = engine.enhance(order(small, path.join(out, 'b.tif')));
  engine.close();
  await expect(underWay).rejects.toMatchObject(cancelled);
  await expect(engine.enhance(order(small, path.join(out, 'c.tif')))).rejects.toMatchObject(
    cancelled,
  );
  const opening = Engine.open(
    { model, device: 'cpu', windowAreaMax, spawn: spawnNodeEngine },
    { signal: AbortSignal.timeout(1) },
  );
  await expect(opening).rejects.toMatchObject(cancelled);
  expect(readdirSync(out)).toEqual([]);
});

it.skipIf(!canSignal)(
  'is not begun again where the engine dies after the call to stop',
  async () => {
    const out = temporaryFolder();
    const { engine, troubles, starts } = await openSmallEngine(model, { windowAreaMax });
    const controller = new AbortController();
    const enhancing = engine.enhance(order(large, path.join(out, 'a.tif')), {
      signal: controller.signal,
      onProgress: () => {
        if (controller.signal.aborted) return;
        process.kill(enginePid(), 'SIGKILL');
        controller.abort();
      },
    });
    await expect(enhancing).rejects.toMatchObject(cancelled);
    expect(troubles).toEqual([]);
    expect(starts()).toBe(1);
  },
);

it('a name that is taken meanwhile is told, and what has it stays', async () => {
  const out = temporaryFolder();
  const { engine } = await openSmallEngine(model);
  const target = path.join(out, 'a.tif');
  let isTaken = false;
  const outcome = await engine.enhance(order(small, target), {
    onProgress: () => {
      if (isTaken) return;
      isTaken = true;
      writeFileSync(target, 'another program');
    },
  });
  expect(outcome).toBe('taken');
  expect(readFileSync(target, 'utf8')).toBe('another program');
  expect(readdirSync(out)).toEqual(['a.tif']);
});
