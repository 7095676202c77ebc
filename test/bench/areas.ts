/**
 * Where a model's errors of areas come from: for each photo that training left out, darkened by
 * simulation, the ΔE of blocks as `evaluate` counts it, that of their lightness and of their colour alone,
 * and what is left of it when the frame's mean error is taken away.
 *
 * Usage: node_modules/.bin/node test/bench/areas.ts PHOTOS [MODEL [LEVELS]], levels as for `evaluate`
 */

import path from 'node:path';
import { cameraToOutput } from '../../main/develop/colour.ts';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic } from '../../main/darkness/simulate.ts';
import { readModel } from '../../main/network/manifest.ts';
import { openNetwork } from '../../main/network/session.ts';
import type { Vector3 } from '../../main/raw/mosaic.ts';
import { levelName, middleOf, parseLevels } from '../../main/scoring/evaluate.ts';
import { networkPicture } from '../../main/scoring/network-picture.ts';
import { blockLabs, ciede2000, rendered } from '../../main/scoring/metrics.ts';
import { HELD_OUT_PHOTOS } from '../../main/training/photos/held-out.ts';
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
const files = (await findPhotos(photos)).filter((file) =>
  HELD_OUT_PHOTOS.includes(path.basename(file)),
);

for (const level of parseLevels(levels)) {
  console.log(`\n${levelName(level)}, ${id}: ΔE, of lightness, of colour, without the frame's own`);
  const sums = [0, 0, 0, 0];
  for (const file of files) {
    const photo = await loadLinearPhoto(file);
    const { mosaic, truth } = simulateMosaic(photo, {
      camera: level.camera,
      iso: level.iso,
      ratio: level.ratio,
      random: new Random(1),
      area: middleOf(photo, 512),
    });
    const toSrgb = cameraToOutput(mosaic.colour, 'srgb');
    const picture = await networkPicture(mosaic, level.ratio, network);
    const wanted = blockLabs(rendered(truth, toSrgb));
    const given = blockLabs(rendered(picture, toSrgb));
    const mean = (of: (was: Vector3, is: Vector3) => number): number =>
      wanted.reduce((sum, was, at) => sum + of(was, given[at] ?? was), 0) / wanted.length;
    const cast = [0, 1, 2].map((axis) => mean((was, is) => is[axis]! - was[axis]!));
    const figures = [
      mean(ciede2000),
      mean((was, is) => ciede2000(was, [is[0], was[1], was[2]])),
      mean((was, is) => ciede2000(was, [was[0], is[1], is[2]])),
      mean((was, [l, a, b]) => ciede2000(was, [l - cast[0]!, a - cast[1]!, b - cast[2]!])),
    ];
    figures.forEach((figure, at) => (sums[at]! += figure / files.length));
    const shown = figures.map((figure) => figure.toFixed(2).padStart(6)).join('');
    console.log(
      `${photo.name.padEnd(28)}${shown}   mean error of L*, a*, b*: ${cast.map((c) => c.toFixed(1)).join(', ')}`,
    );
  }
  console.log(`${'mean'.padEnd(28)}${sums.map((sum) => sum.toFixed(2).padStart(6)).join('')}`);
}
