/** Engines that crash or hang in the middle of a photo: the photo is finished, or refused by name. */

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { Engine } from '../../main/engine/supervisor.ts';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import { differenceMax, largestDifference } from './pictures.ts';
import { canSignal, enginePid, openSmallEngine, order } from './processes.ts';
import { containing } from '../raw/written.ts';
import {
  smallShape,
  smallOnnx,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
} from './small.ts';

const folder = temporaryFolder();
// Wide enough for a tile to take a while.
const shape = { ...smallShape, baseChannels: 8 };
const model = writeSmallModel(path.join(folder, 'model'), {
  onnx: smallOnnx(shape),
  manifest: { unet: shape },
});
const [large = ''] = writeSmallDngs(path.join(folder, 'large'), 1, { width: 800, height: 600 });
/** The large photo is one tile of this, and several of its half. */
const windowAreaMax = 150_000;
const small = writeSmallDngs(path.join(folder, 'small'), 2);

describe.skipIf(!canSignal)('an engine', () => {
  it('that is killed or aborts under a photo finishes it with smaller tiles', async () => {
    const out = temporaryFolder();
    const { engine, troubles, starts } = await openSmallEngine(model, { windowAreaMax });
    const whole = path.join(out, 'whole.tif');
    const undisturbed = await engine.enhance(order(large, whole));
    expect(undisturbed).toMatchObject({ result: { tiles: 1, path: whole } });

    const endings = [
      ['SIGKILL', 'by SIGKILL'],
      ['SIGABRT', 'by SIGABRT'],
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
      expect(await largestDifference(whole, target)).toBeLessThan(differenceMax);
    }
    expect(troubles).toHaveLength(endings.length);
    expect(starts()).toBe(1 + endings.length);
    expect(readdirSync(out).sort()).toEqual(['SIGABRT.tif', 'SIGKILL.tif', 'whole.tif']);
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
      message: containing('1.dng: the engine ended 3 times'),
    });
    for (const outcome of await Promise.all(innocent))
      expect(outcome).toMatchObject({ result: { tiles: 1 } });
    // The third end is told of only if another photo still waits.
    expect(troubles.length).toBeGreaterThanOrEqual(2);
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
        message: containing('no such program'),
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
      message: containing('small.json'),
    });
    expect(starts).toBe(1);
  });
});
