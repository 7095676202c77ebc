/** Engines that crash or hang in the middle of a photo: the photo is finished, or refused by name. */

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { Engine } from '../../main/engine/supervisor.ts';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import { canSignal, enginePid, openSmallEngine, order } from './processes.ts';
import {
  SMALL_SHAPE,
  smallOnnx,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
} from './small.ts';

const folder = temporaryFolder();
// Wide enough for a tile to take a while.
const shape = { ...SMALL_SHAPE, baseChannels: 8 };
const model = writeSmallModel(path.join(folder, 'model'), {
  onnx: smallOnnx(shape),
  manifest: { unet: shape },
});
const [large = ''] = writeSmallDngs(path.join(folder, 'large'), 1, { width: 1000, height: 700 });
/** The large photo is one tile of this, and several of its half. */
const windowAreaMax = 215_000;
const small = writeSmallDngs(path.join(folder, 'small'), 2);

function samplesOf(file: string): Promise<Uint16Array> {
  return sharp(file)
    .toColourspace('rgb16')
    .raw({ depth: 'ushort' })
    .toBuffer()
    .then((bytes) => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
}

async function largestDifference(a: string, b: string): Promise<number> {
  const [first, second] = [await samplesOf(a), await samplesOf(b)];
  expect(first.length).toBe(1000 * 700 * 3);
  expect(second.length).toBe(first.length);
  return first.reduce((largest, value, i) => Math.max(largest, Math.abs(value - second[i]!)), 0);
}

describe.skipIf(!canSignal)('an engine', () => {
  it('that is killed, aborts or hangs under a photo finishes it with smaller tiles', async () => {
    const out = temporaryFolder();
    // Long enough for an engine to start in, on a busy machine.
    const { engine, troubles, starts } = await openSmallEngine(model, {
      stallMs: 8000,
      windowAreaMax,
    });
    const whole = path.join(out, 'whole.tif');
    const undisturbed = await engine.enhance(order(large, whole));
    expect(undisturbed).toMatchObject({ result: { tiles: 1, path: whole } });

    const endings = [
      ['SIGKILL', 'by SIGKILL'],
      ['SIGABRT', 'by SIGABRT'],
      ['SIGSTOP', 'of silence'],
    ] as const;
    for (const [signal, account] of endings) {
      const target = path.join(out, `${signal}.tif`);
      let isDone = false;
      const enhanced = await engine.enhance(order(large, target), {
        onProgress: ({ stage }) => {
          if (stage !== 'network' || isDone) return;
          isDone = true;
          process.kill(enginePid(), signal);
        },
      });
      expect(troubles.at(-1)).toContain(account);
      if (enhanced === 'taken') throw new Error('expected a picture');
      expect(enhanced.result.tiles).toBeGreaterThan(1);
      // 1e-4 of full scale in linear light; the tone curve is up to 13 times as steep in the dark.
      expect(await largestDifference(whole, target)).toBeLessThan(65_535 * 13e-4);
    }
    expect(troubles).toHaveLength(endings.length);
    expect(starts()).toBe(1 + endings.length);
    expect(readdirSync(out).sort()).toEqual([
      'SIGABRT.tif',
      'SIGKILL.tif',
      'SIGSTOP.tif',
      'whole.tif',
    ]);
  });

  it('that dies under the same photo three times refuses that one only', async () => {
    const out = temporaryFolder();
    const { engine, troubles } = await openSmallEngine(model);
    const guilty = engine.enhance(order(large, path.join(out, 'guilty.tif')), {
      onProgress: ({ stage }) => {
        if (stage === 'network') process.kill(enginePid(), 'SIGKILL');
      },
    });
    const innocent = small.map((photo) =>
      engine.enhance(order(photo, path.join(out, `${path.basename(photo)}.tif`))),
    );
    await expect(guilty).rejects.toMatchObject({
      name: 'Refusal',
      code: 'out-of-memory',
      message: expect.stringMatching(/^1\.dng: the engine ended 3 times/) as unknown,
    });
    for (const outcome of await Promise.all(innocent))
      expect(outcome).toMatchObject({ result: { tiles: 1 } });
    expect(troubles).toHaveLength(3);
    expect(readdirSync(out).sort()).toEqual(['1.dng.tif', '2.dng.tif']);
  });

  it('that dies while it has nothing to do is started for the next photo', async () => {
    const out = temporaryFolder();
    const { engine, troubles } = await openSmallEngine(model);
    const pid = enginePid();
    process.kill(pid, 'SIGKILL');
    while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 10));
    await engine.enhance(order(small[0]!, path.join(out, 'a.tif')));
    expect(troubles).toEqual([]);
    expect(readdirSync(out)).toEqual(['a.tif']);
  });

  it('that cannot start again refuses what waits, and does not keep anyone waiting', async () => {
    const out = temporaryFolder();
    let mayStart = true;
    const { engine } = await openSmallEngine(model, {
      spawn: (listener) => {
        if (mayStart) return spawnNodeEngine(listener);
        setImmediate(() => {
          listener.exit('with status 127: no such program');
        });
        return { send: () => undefined, kill: () => undefined };
      },
    });
    mayStart = false;
    process.kill(enginePid(), 'SIGKILL');
    for (const name of ['a.tif', 'b.tif']) {
      await expect(engine.enhance(order(small[0]!, path.join(out, name)))).rejects.toMatchObject({
        code: 'device',
        message: expect.stringContaining('no such program') as unknown,
      });
    }
    expect(readdirSync(out)).toEqual([]);
  });

  it('that dies while it opens a model is refused, and not tried for ever', async () => {
    let starts = 0;
    const opening = Engine.open({
      model,
      device: 'cpu',
      windowAreaMax: 1_000_000,
      spawn: (listener) => {
        starts += 1;
        const engine = spawnNodeEngine(listener);
        engine.kill();
        return engine;
      },
    });
    await expect(opening).rejects.toMatchObject({
      code: 'device',
      message: expect.stringContaining('small.json') as unknown,
    });
    expect(starts).toBe(1);
  });
});
