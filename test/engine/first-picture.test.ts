/** On a fresh start the processor develops at once, and other devices take over once they are proved. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { knownDevice } from '../../main/engine/devices.ts';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import { defaultWindowArea, testSide } from '../../main/engine/window-area.ts';
import { EngineHost } from '../../main/jobs/engine-host.ts';
import { offeredDevices } from '../../main/network/device.ts';
import { readModel } from '../../main/network/manifest.ts';
import { Models } from '../../main/network/models.ts';
import type { Connect } from '../../main/process/port.ts';
import { defaultSettings } from '../../preload/contract/settings.ts';
import { temporaryFolder, writeSmallModel } from './small.ts';

it.skipIf(offeredDevices().length < 2)('nobody waits for the test of devices', async () => {
  const folder = temporaryFolder();
  const manifestFile = writeSmallModel(path.join(folder, 'models'));
  const { manifest } = await readModel(manifestFile);
  const memory = path.join(folder, 'data');
  let starts = 0;
  const spawn: Connect = (listener) => {
    starts += 1;
    return spawnNodeEngine(listener);
  };
  const host = new EngineHost({
    spawn,
    models: new Models(path.join(folder, 'own'), path.join(folder, 'models'), () =>
      Promise.resolve(),
    ),
    folder: memory,
    settings: () => ({ ...defaultSettings, device: 'auto', threads: 1 }),
    onTrouble: () => undefined,
  });
  try {
    const first = await host.use('small', ({ device }) => Promise.resolve(device));
    expect(first).toBe('cpu');
    // Nothing is known of any device yet, and still there is an engine.
    const file = path.join(memory, 'devices.json');
    expect(existsSync(file)).toBe(false);
    await expect.poll(() => existsSync(file), { timeout: 60_000 }).toBe(true);
    const proved = await knownDevice({
      model: manifestFile,
      modelSha256: manifest.sha256,
      side: testSide(defaultWindowArea(manifest)),
      spawn,
      memory,
    });
    expect(proved).toBeDefined();
    await expect
      .poll(() => host.use('small', ({ device }) => Promise.resolve(device)), { timeout: 10_000 })
      .toBe(proved);
    // Devices are tested once, however often the engine is used.
    expect(starts).toBeLessThanOrEqual(offeredDevices().length + 2);
  } finally {
    host.close();
  }
});
