/**
 * Our DNGs as darktable and RawTherapee open them, compared with our own TIFF. Both are Debian
 * packages; where one is not installed, its tests are skipped.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import { Finisher } from '../../main/develop/finish.ts';
import { encodeDng } from '../../main/export/dng.ts';
import { encodeTiff } from '../../main/export/tiff.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import type { CameraLinearImage } from '../../main/raw/image.ts';
import { linearBaselineStops } from '../../main/raw/linear-tiles.ts';
import { matrixOf } from '../../main/raw/matrix.ts';
import type { CameraColour, Orientation } from '../../main/raw/mosaic.ts';
import { boxes, burstOf, merged } from '../burst/scene.ts';
import { editors, meanOf, readLight, type Editor, type LightPicture } from './editors.ts';
import { joined, noise, sampleColour, sampleShot, temporaryFolder } from './samples.ts';

const [width, height] = [300, 280];
const patchSide = 20;

interface Scene {
  readonly name: string;
  readonly orientation: Orientation;
  readonly colour: CameraColour;
  /** Brightest patch, before colour. */
  readonly brightest: number;
}

const scenes: readonly Scene[] = [
  { name: 'a street', orientation: 1, colour: sampleColour, brightest: 0.6 },
  {
    name: 'a bar in lamp light',
    orientation: 6,
    brightest: 0.3,
    colour: {
      asShotGains: [1.3, 1, 2.9],
      xyzToCamera: [0.755, -0.2303, -0.0271, -0.4689, 1.1842, 0.322, -0.0684, 0.1273, 0.6161],
      ...lampMatrix(),
    },
  },
  { name: 'a dark shore', orientation: 1, colour: sampleColour, brightest: 0.03 },
];

function lampMatrix(): Pick<CameraColour, 'balancedToXyz'> {
  const balancedToXyz = matrixOf([0.6442, 0.25, 0.07, 0.24, 0.86, -0.1, 0.03, -0.13, 0.9249]);
  return balancedToXyz === undefined ? {} : { balancedToXyz };
}

/** Patches of moderate colours from almost black to the brightest, with a little grain. */
function pictureOf({ colour, orientation, brightest }: Scene): CameraLinearImage {
  const random = noise(7);
  const across = width / patchSide;
  const patches = across * (height / patchSide);
  const samples = Float32Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const patch = Math.floor(y / patchSide) * across + Math.floor(x / patchSide);
    const tint = 1 - 0.35 * (((patch * 7 + (i % 3) * 5) % 11) / 10);
    return brightest * (patch / patches) ** 2 * tint * (1 + 0.02 * (random.next().value - 0.5));
  });
  return { width, height, samples, colour, orientation };
}

/** The picture in both formats, as an export writes them. */
async function write(scene: Scene, folder: string): Promise<{ dng: string; tiff: string }> {
  const image = pictureOf(scene);
  const dng = path.join(folder, 'picture.dng');
  const tiff = path.join(folder, 'picture.tif');
  writeFileSync(dng, joined(await encodeDng(image, sampleShot, {}, {})));
  const grid = { width: width / 2, height: height / 2, rowsBefore: 0, columnsBefore: 0 } as const;
  const finisher = new Finisher({ ...image, grid }, { space: 'srgb', balance: [1, 1, 1] });
  finisher.add({ area: { x: 0, y: 0, width, height }, samples: image.samples });
  const options = { bits: 16, compression: 'none' } as const;
  writeFileSync(tiff, joined(await encodeTiff(finisher.image, sampleShot, options)));
  return { dng, tiff };
}

/** The largest difference of a patch's mean, without the patches' borders. */
function worstOf(ours: LightPicture, theirs: LightPicture, factor: number): number {
  expect([theirs.width, theirs.height]).toEqual([ours.width, ours.height]);
  const [inset, side] = [4, patchSide - 8];
  let worst = 0;
  for (let y = inset; y < ours.height; y += patchSide) {
    for (let x = inset; x < ours.width; x += patchSide) {
      const [own, other] = [meanOf(ours, x, y, side), meanOf(theirs, x, y, side)];
      for (const [i, value] of own.entries()) {
        worst = Math.max(worst, Math.abs(value - factor * other[i]!));
      }
    }
  }
  return worst;
}

async function opened(editor: Editor, file: string, folder: string): Promise<LightPicture> {
  const target = path.join(folder, `${path.basename(file, '.dng')}-${editor.name}.tif`);
  editor.open(file, target, folder);
  return readLight(target);
}

describe.each(editors)('$name', (editor) => {
  // Neither applies BaselineExposure by itself; it is the same in every file of ours.
  const factor = 2 ** linearBaselineStops;

  it.skipIf(!editor.isInstalled).each(scenes)(
    'shows $name in a linear DNG as our TIFF does',
    async (scene) => {
      const folder = temporaryFolder();
      const { dng, tiff } = await write(scene, folder);
      const theirs = await opened(editor, dng, folder);
      expect(worstOf(await readLight(tiff), theirs, factor)).toBeLessThan(0.005);
    },
    60_000,
  );

  it.skipIf(!editor.isInstalled)(
    'shows a merged burst as bright as its reference frame',
    async () => {
      const folder = temporaryFolder();
      const scene = boxes(360, 300);
      const burst = burstOf({ frames: 4, ratio: 2, iso: 400 }, scene);
      const mosaics = burst.frames.map(({ mosaic }) => mosaic);
      const { mosaic } = await merged(mosaics, { reference: 0 });
      const means: number[][] = [];
      for (const [name, one] of [
        ['reference', mosaics[0]!],
        ['merged', mosaic],
      ] as const) {
        const file = path.join(folder, `${name}.dng`);
        writeFileSync(file, joined(cfaDng(one)));
        means.push([...meanOf(await opened(editor, file, folder), 40, 40, 160)]);
      }
      for (const [i, value] of means[0]!.entries()) {
        expect(Math.abs(means[1]![i]! / value - 1)).toBeLessThan(0.005);
      }
    },
    60_000,
  );
});
