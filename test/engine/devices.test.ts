/** Verdicts on devices: asked for once, remembered, and not where they would be wrong. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { chooseDevice, deviceVerdicts, type DeviceQuestion } from '../../main/engine/devices.ts';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import { offeredDevices } from '../../main/network/device.ts';
import { readModel } from '../../main/network/manifest.ts';
import { smallShape, temporaryFolder, writeSmallModel } from './small.ts';

const folder = temporaryFolder();
const model = writeSmallModel(path.join(folder, 'model'));

async function question(
  which = model,
): Promise<{ readonly asked: DeviceQuestion; readonly starts: () => number }> {
  const { manifest } = await readModel(which);
  let starts = 0;
  return {
    asked: {
      model: which,
      modelSha256: manifest.sha256,
      side: 64,
      memory: temporaryFolder(),
      spawn: (listener) => {
        starts += 1;
        return spawnNodeEngine(listener);
      },
    },
    starts: () => starts,
  };
}

it('are asked for once, and again when told to or when what is remembered is damaged', async () => {
  const { asked, starts } = await question();
  const offered = offeredDevices().length;
  const first = await deviceVerdicts(asked);
  expect(starts()).toBe(offered);
  expect(first.map(({ device }) => device)).toEqual(offeredDevices());
  expect(first[0]).toMatchObject({ device: 'cpu', isTrusted: true });
  expect(await deviceVerdicts(asked)).toEqual(first);
  expect(await chooseDevice(asked)).toBeTypeOf('string');
  expect(starts()).toBe(offered);
  const file = path.join(asked.memory, 'devices.json');
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20));
  await deviceVerdicts(asked);
  expect(starts()).toBe(2 * offered);
});

it('are not remembered where the model was to blame', async () => {
  const lying = writeSmallModel(path.join(folder, 'lying'), {
    manifest: { unet: { ...smallShape, baseChannels: 32 } },
  });
  const { asked } = await question(lying);
  const verdicts = await deviceVerdicts(asked);
  expect(verdicts.some(({ isTrusted }) => isTrusted)).toBe(false);
  expect(existsSync(path.join(asked.memory, 'devices.json'))).toBe(false);
});

it('are not remembered where the test was called off', async () => {
  const { asked } = await question();
  const controller = new AbortController();
  const testing = deviceVerdicts({
    ...asked,
    signal: controller.signal,
    spawn: (listener) => {
      setImmediate(() => {
        controller.abort();
      });
      return spawnNodeEngine(listener);
    },
  });
  await expect(testing).rejects.toMatchObject({ code: 'cancelled' });
  expect(existsSync(path.join(asked.memory, 'devices.json'))).toBe(false);
});

it('a device whose driver crashes is a verdict like others', async () => {
  const { asked } = await question();
  const verdicts = await deviceVerdicts({
    ...asked,
    spawn: (listener) => {
      const engine = spawnNodeEngine(listener);
      engine.kill();
      return engine;
    },
  });
  for (const { isTrusted, account } of verdicts) {
    expect(isTrusted).toBe(false);
    expect(account).toContain('SIGKILL');
  }
  expect(await chooseDevice({ ...asked, spawn: spawnNodeEngine })).toBeTypeOf('string');
});
