/**
 * Where a model's errors of areas come from: for each photo that training left out, darkened by
 * simulation, the ΔE of blocks as `evaluate` counts it, that of their lightness and of their colour alone,
 * what is left of it when the frame's mean error is taken away, and what it would be if the black level
 * of each site were known without error.
 *
 * Usage: node_modules/.bin/node test/bench/areas.ts PHOTOS [MODEL [LEVELS]], levels as for `evaluate`
 */

import { cameraToOutput } from '../../main/develop/colour.ts';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic } from '../../main/darkness/simulate.ts';
import { readModel } from '../../main/network/manifest.ts';
import { openNetwork } from '../../main/network/session.ts';
import type { Mosaic, Vector3 } from '../../main/raw/mosaic.ts';
import { levelName, middleOf, parseLevels } from '../../main/scoring/evaluate.ts';
import { networkPicture } from '../../main/scoring/network-picture.ts';
import {
  blockLabs,
  ciede2000,
  rendered,
  type LinearRgb,
} from '../../main/training/validation/metrics.ts';
import { isHeldOut } from '../../main/training/photos/held-out.ts';
import { findPhotos, loadLinearPhoto } from '../../main/training/photos/photos.ts';

const [
  ,
  ,
  photos,
  id = 'fast',
  levels = 'sony-a7s2:6400:100,sony-a7s2:25600:100,sony-a7s2:25600:300',
] = process.argv;
if (photos === undefined) throw new Error('expected a folder of photos');

const network = await openNetwork(await readModel(id), { device: 'cpu' });
const files = (await findPhotos(photos)).filter(isHeldOut);

/** L*a*b* of the blocks of a picture in balanced camera RGB. */
function blocksOf(picture: LinearRgb, { colour }: Mosaic): Vector3[] {
  return blockLabs(rendered(picture, cameraToOutput(colour, 'srgb')));
}

for (const level of parseLevels(levels)) {
  console.log(
    `\n${levelName(level)}, ${id}: ΔE, of lightness, of colour, without the frame's own, with black known`,
  );
  const sums = [0, 0, 0, 0, 0];
  for (const [index, file] of files.entries()) {
    const photo = await loadLinearPhoto(file);
    const { mosaic, truth, darkness } = simulateMosaic(photo, {
      camera: level.camera,
      iso: level.iso,
      ratio: level.ratio,
      random: new Random(1, index),
      area: middleOf(photo, 512),
    });
    const [b0, b1, b2, b3] = mosaic.blackLevel;
    const [d0, d1, d2, d3] = darkness.biasDn;
    const known: Mosaic = { ...mosaic, blackLevel: [b0 + d0, b1 + d1, b2 + d2, b3 + d3] };
    const wanted = blocksOf(truth, mosaic);
    const given = blocksOf(await networkPicture(mosaic, level.ratio, network), mosaic);
    const better = blocksOf(await networkPicture(known, level.ratio, network), mosaic);
    const mean = (of: (was: Vector3, is: Vector3) => number, picture = given): number =>
      wanted.reduce((sum, was, at) => sum + of(was, picture[at] ?? was), 0) / wanted.length;
    const cast = [0, 1, 2].map((axis) => mean((was, is) => is[axis]! - was[axis]!));
    const figures = [
      mean(ciede2000),
      mean((was, is) => ciede2000(was, [is[0], was[1], was[2]])),
      mean((was, is) => ciede2000(was, [was[0], is[1], is[2]])),
      mean((was, [l, a, b]) => ciede2000(was, [l - cast[0]!, a - cast[1]!, b - cast[2]!])),
      mean(ciede2000, better),
    ];
    figures.forEach((figure, at) => (sums[at]! += figure / files.length));
    const shown = figures.map((figure) => figure.toFixed(2).padStart(6)).join('');
    console.log(
      `${photo.name.padEnd(28)}${shown}   mean error of L*, a*, b*: ${cast.map((c) => c.toFixed(1)).join(', ')}`,
    );
  }
  console.log(`${'mean'.padEnd(28)}${sums.map((sum) => sum.toFixed(2).padStart(6)).join('')}`);
}
