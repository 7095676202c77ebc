/** A camera has one name, whoever asks, and its spellings are known for the same camera. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic } from '../../main/darkness/simulate.ts';
import { calibratedFrame } from '../../main/calibration/kept.ts';
import { bareModel, cameraKey, cameraName, isSameCamera } from '../../main/raw/camera-name.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import { Cameras } from '../../main/runs/cameras.ts';
import { checkPairs } from '../../main/training/pairs/check/check.ts';
import { usablePairs } from '../../main/training/pairs/usable.ts';
import { profileOf } from '../calibration/made-camera.ts';
import { pairOf, sceneOf, writePair } from '../training/pairs/made-pairs.ts';
import { nightglass } from '../training/nightglass.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-names-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the name that is shown', () => {
  it.each([
    [{ make: 'NIKON CORPORATION', model: 'NIKON D850' }, 'NIKON D850'],
    [{ make: 'Nikon', model: 'D850' }, 'Nikon D850'],
    [{ make: 'Canon', model: 'Canon EOS 70D' }, 'Canon EOS 70D'],
    [{ make: 'SONY', model: 'ILCE-7SM2' }, 'SONY ILCE-7SM2'],
    [{ model: 'IMX686' }, 'IMX686'],
    [{ make: 'Sony' }, 'Sony'],
    [{ make: ' ', model: '' }, undefined],
    [{}, undefined],
  ])('of %o is %s', (shot, name) => {
    expect(cameraName(shot)).toBe(name);
  });
});

describe('spellings', () => {
  const spellings = ['NIKON D850', 'Nikon D850', 'nikon  d850', 'NIKON CORPORATION NIKON D850'];

  it.each(spellings)('%s is the same camera as the others', (spelling) => {
    expect(cameraKey(spelling)).toBe('nikon d850');
  });

  it('of other models are other cameras', () => {
    const d850 = { make: 'NIKON CORPORATION', model: 'NIKON D850' };
    expect(isSameCamera(d850, { make: 'Nikon', model: 'D850' })).toBe(true);
    expect(isSameCamera(d850, { make: 'Nikon', model: 'D750' })).toBe(false);
    expect(isSameCamera(d850, {})).toBe(false);
    expect(isSameCamera({}, {})).toBe(true);
  });

  it('give the model alone for tables of published noise', () => {
    expect(bareModel({ make: 'NIKON CORPORATION', model: 'NIKON D850' })).toBe('d850');
    expect(bareModel({ make: 'Nikon', model: 'D850' })).toBe('d850');
  });
});

it('info, pairs, profiles and files that are written give the same name', async () => {
  const pairs = [1, 2].map((seed) =>
    pairOf(sceneOf(seed, [96, 64]), { camera: 'nikon-d850', ratio: 10, seed }),
  );
  const files = await Promise.all(pairs.map((pair, at) => writePair(folder, `0000${at}`, pair)));
  const [file] = files;
  if (file === undefined) throw new Error('no pair was written');
  const { stdout } = await nightglass(['info', file.short]);
  const said = /^camera +(.*)$/m.exec(stdout)?.[1] ?? '';
  expect(said).toBe('NIKON D850');

  const decoded = await decodeRaw(file.short);
  expect(decoded.kind === 'mosaic' && cameraName(decoded.mosaic.shot)).toBe(said);

  const reports = [];
  const found = files.map(({ short, long }, at) => ({
    ...{ id: `${at}`, scene: `${at}`, short, long },
    target: 'raw' as const,
  }));
  for await (const report of checkPairs(found)) reports.push(report);
  expect(reports.map(({ facts }) => facts?.camera)).toEqual([said, said]);
  // What info prints and what pairs were called before are taken alike.
  for (const camera of [said, 'NIKON CORPORATION NIKON D850', 'Nikon D850']) {
    expect(usablePairs(reports, { camera }), camera).toHaveLength(2);
  }

  const profile = profileOf({ make: 'NIKON CORPORATION', model: 'NIKON D850' });
  const { camera } = await new Cameras(path.join(folder, 'measured')).add(profile);
  expect(camera).toBe(said);
});

it('a profile is used for its camera’s photos, however the file spells it', async () => {
  const before = process.env['NIGHTGLASS_DATA'];
  process.env['NIGHTGLASS_DATA'] = path.join(folder, 'data');
  try {
    const cameras = new Cameras(path.join(folder, 'data', 'cameras'));
    await cameras.add(profileOf({ make: 'NIKON CORPORATION', model: 'NIKON D850' }));
    const { mosaic } = simulateMosaic(sceneOf(1, [96, 64]), {
      camera: 'sony-a7s2',
      iso: 1600,
      ratio: 10,
      random: new Random(1),
    });
    const as = (make: string, model: string) => ({
      ...mosaic,
      shot: { ...mosaic.shot, make, model },
    });
    for (const spelled of [as('NIKON CORPORATION', 'NIKON D850'), as('Nikon', 'D850')]) {
      expect((await calibratedFrame(spelled)).cameraNoise).toBeDefined();
    }
    const other = as('Nikon', 'D750');
    expect(await calibratedFrame(other)).toBe(other);
  } finally {
    if (before === undefined) delete process.env['NIGHTGLASS_DATA'];
    else process.env['NIGHTGLASS_DATA'] = before;
  }
});
