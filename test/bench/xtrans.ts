/**
 * `npm run bench -- xtrans PHOTOS… [--model ID] [--crop PIXELS]`: what an X-Trans sensor loses beside
 * a Bayer sensor of the same noise, in SIMULATED darkness. Both frames are developed by the same
 * network; the X-Trans frame is given a Bayer layout first, as its files are.
 */

import { parseArgs } from 'node:util';

import { cameraToOutput } from '../../main/develop/colour.ts';
import { normalisation } from '../../main/develop/normalise.ts';
import { simulatedCamera } from '../../main/darkness/cameras.ts';
import type { LinearPhoto } from '../../main/darkness/linear-photo.ts';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic } from '../../main/darkness/simulate.ts';
import { readModel } from '../../main/network/manifest.ts';
import { openNetwork } from '../../main/network/session.ts';
import { siteColours } from '../../main/raw/cfa.ts';
import type { CfaPattern, Mosaic } from '../../main/raw/mosaic.ts';
import { sixteenBitsOf } from '../../main/raw/sixteen-bits.ts';
import { bayerOfXTrans } from '../../main/raw/xtrans.ts';
import { defaultLevels, levelName, middleOf, type Level } from '../../main/scoring/evaluate.ts';
import { networkPicture } from '../../main/scoring/network-picture.ts';
import { loadLinearPhoto } from '../../main/training/photos/photos.ts';
import {
  score,
  type LinearRgb,
  type LinearScores,
} from '../../main/training/validation/metrics.ts';

const layouts: readonly CfaPattern[] = ['RGGB', 'BGGR', 'GRBG', 'GBRG'];
const pattern = 'GGRGGB' + 'GGBGGR' + 'BRGRBG' + 'GGBGGR' + 'GGRGGB' + 'RBGBRG';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string' }, crop: { type: 'string' }, threads: { type: 'string' } },
});
const { model = 'fast', crop = '512', threads } = values;
if (positionals.length === 0) throw new Error('expected photos to darken');

function darkened(
  photo: LinearPhoto,
  { camera: id, iso, ratio }: Level,
  cfa: CfaPattern,
): { readonly mosaic: Mosaic; readonly truth: LinearRgb } {
  const camera = { ...simulatedCamera(id), cfa };
  // Each layout has noise of its own, or neighbours in the X-Trans frame would share theirs.
  const random = new Random(0x7874, layouts.indexOf(cfa), iso, ratio);
  return simulateMosaic(photo, { camera, iso, ratio, random, area: middleOf(photo, Number(crop)) });
}

/** Each sample from the Bayer frame that has the X-Trans sensor's colour there. */
function xtransOf(mosaics: readonly Mosaic[]): Mosaic {
  const [first] = mosaics;
  if (first === undefined) throw new Error('expected a mosaic');
  const { width, height } = first;
  const light = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const site = (y % 2) * 2 + (x % 2);
      const letter = pattern[(y % 6) * 6 + (x % 6)];
      const own = mosaics.find(({ cfa }) => siteColours(cfa)[site] === letter);
      if (own === undefined) throw new Error('expected every colour in some layout');
      const { black, scale } = normalisation(own);
      light[y * width + x] = (own.samples[y * width + x]! - black[site]!) * scale[site]!;
    }
  }
  const bayer = bayerOfXTrans(light, { width, height }, pattern, first.colour.asShotGains);
  const { samples, blackLevel: black, whiteLevel } = sixteenBitsOf(bayer.samples);
  return {
    ...first,
    samples,
    cfa: bayer.cfa,
    blackLevel: [black, black, black, black],
    whiteLevel,
  };
}

const network = await openNetwork(await readModel(model), {
  device: 'cpu',
  ...(threads === undefined ? {} : { threads: Number(threads) }),
});
const scores = defaultLevels.map((level) => ({
  level,
  bayer: new Array<LinearScores>(),
  xtrans: new Array<LinearScores>(),
}));
for (const file of positionals) {
  const photo = await loadLinearPhoto(file);
  for (const { level, bayer, xtrans } of scores) {
    const frames = layouts.map((cfa) => darkened(photo, level, cfa));
    const [{ mosaic, truth } = { mosaic: undefined, truth: undefined }] = frames;
    if (mosaic === undefined) throw new Error('expected a frame');
    const matrix = cameraToOutput(mosaic.colour, 'srgb');
    const picture = (taken: Mosaic): Promise<LinearRgb> =>
      networkPicture(taken, level.ratio, network);
    bayer.push(score(await picture(mosaic), truth, matrix));
    const turned = xtransOf(frames.map((frame) => frame.mosaic));
    xtrans.push(score(await picture(turned), truth, matrix));
  }
  console.error(`${photo.name} done`);
}
await network.release();

console.log(`SIMULATED darkness, ${positionals.length} photos, ${model}, ${crop} pixels of each`);
console.log(
  '| level | Bayer rgbP | X-Trans rgbP | Bayer ΔE | X-Trans ΔE |\n| - | -: | -: | -: | -: |',
);
const mean = (list: readonly LinearScores[], of: (one: LinearScores) => number): string =>
  (list.reduce((sum, one) => sum + of(one), 0) / list.length).toFixed(2);
for (const { level, bayer, xtrans } of scores) {
  const cells = [
    levelName(level),
    mean(bayer, ({ rgbP }) => rgbP),
    mean(xtrans, ({ rgbP }) => rgbP),
    mean(bayer, ({ blockDeltaE }) => blockDeltaE),
    mean(xtrans, ({ blockDeltaE }) => blockDeltaE),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
