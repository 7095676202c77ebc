/** Camera profiles on disk: what is written is read again, and nothing else is. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  parseCameraProfile,
  readCameraProfile,
  writeCameraProfile,
} from '../../main/darkness/camera-file.ts';
import { darkOf, profileOf } from '../calibration/made-camera.ts';
import { refusalOf } from '../training/refusal-of.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-camera-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('reads what it wrote', async () => {
  const file = path.join(folder, 'owl.json');
  await writeCameraProfile(file, profileOf());
  expect(await readCameraProfile(file)).toEqual(profileOf());
});

it('refuses a file that is not there, another file, and a profile that was tampered with', async () => {
  const missing = await refusalOf(() => readCameraProfile(path.join(folder, 'none.json')));
  expect(missing.code).toBe('disk');
  const file = path.join(folder, 'photo.json');
  await writeFile(file, 'not JSON');
  const wrong = await refusalOf(() => readCameraProfile(file));
  expect(wrong.code).toBe('bad-argument');
  expect(wrong.message).toContain('expected a camera profile');

  const bad = (change: unknown): string =>
    JSON.stringify({ ...profileOf(), ...Object(change) }).replaceAll('"infinite"', '1e999');
  const shading = { columns: 2, rows: 1, sites: [[0], [0], [0], [0]], errorDn: 0 };
  for (const change of [
    { version: 2 },
    { isos: [] },
    { width: 'infinite' },
    {
      isos: [
        {
          ...profileOf().isos[0],
          dark: [darkOf({ shading: { ...shading, sites: [[], [], [], []] } })],
        },
      ],
    },
    { hotPixels: [-1, 3] },
  ]) {
    const refusal = await refusalOf(() => parseCameraProfile(bad(change), 'owl.json'));
    expect(refusal.code).toBe('bad-argument');
    expect(refusal.message).toContain('owl.json');
  }
});
