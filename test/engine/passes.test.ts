/**
 * The engine runs what a manifest may describe: a network whose first level is at half size, and one
 * that looks twice, though once for the view, where time counts.
 */

import path from 'node:path';
import { expect, it } from 'vitest';
import { differenceMax, largestDifference } from './pictures.ts';
import { openSmallEngine, order } from './processes.ts';
import {
  smallShape,
  smallOnnx,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
} from './small.ts';

it('shows once what it writes twice', async () => {
  const folder = temporaryFolder();
  const once = writeSmallModel(path.join(folder, 'once'));
  const twice = writeSmallModel(path.join(folder, 'twice'), {
    onnx: smallOnnx(smallShape, 2),
    manifest: { passes: 2 },
  });
  const [photo = ''] = writeSmallDngs(path.join(folder, 'photos'), 1);
  const tile = { kind: 'tile', photo, ratio: 4, level: 0, x: 0, y: 0 } as const;
  const [{ engine: quick }, { engine: thorough }] = [
    await openSmallEngine(once),
    await openSmallEngine(twice),
  ];
  const [shown, expected] = [await thorough.preview(tile), await quick.preview(tile)];
  expect(Buffer.from(shown.bytes).equals(Buffer.from(expected.bytes))).toBe(true);

  const { engine: hasty } = await openSmallEngine(twice, { isQuick: true });
  const written = ['once.tif', 'twice.tif', 'quick.tif'].map((name) => path.join(folder, name));
  const [first = '', second = '', third = ''] = written;
  await quick.enhance(order(photo, first));
  await thorough.enhance(order(photo, second));
  await hasty.enhance(order(photo, third));
  expect(await largestDifference(first, second)).toBeGreaterThan(differenceMax);
  expect(await largestDifference(first, third)).toBe(0);
});

it('develops with a network whose first level is at half size, the same in many tiles as in one', async () => {
  const folder = temporaryFolder();
  const shape = { ...smallShape, levels: 4, firstLevel: 'half' } as const;
  const model = writeSmallModel(path.join(folder, 'half'), {
    onnx: smallOnnx(shape, 2),
    manifest: { unet: shape, passes: 2 },
  });
  const [photo = ''] = writeSmallDngs(path.join(folder, 'photos'), 1, { width: 640, height: 96 });
  const written = ['whole.tif', 'tiles.tif'].map((name) => path.join(folder, name));
  const [whole = '', tiles = ''] = written;
  const { engine } = await openSmallEngine(model);
  const { engine: frugal } = await openSmallEngine(model, { windowAreaMax: 1 });
  await engine.enhance(order(photo, whole));
  const cut = await frugal.enhance(order(photo, tiles));
  expect(cut).toMatchObject({ result: { tiles: 8 } });
  expect(await largestDifference(whole, tiles)).toBeLessThan(differenceMax);
});
