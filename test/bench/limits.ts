/**
 * Makes docs/limits.jpg, where the models fail: on top three photos that training left out, below them
 * what each shipped model makes of them in darkness that is simulated, pixel for pixel.
 *
 * Usage: node_modules/.bin/node test/bench/limits.ts PHOTOS [TARGET.jpg]
 */

import path from 'node:path';
import sharp from 'sharp';
import { cameraToOutput } from '../../main/develop/colour.ts';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic } from '../../main/darkness/simulate.ts';
import { readModel } from '../../main/network/manifest.ts';
import { openNetwork } from '../../main/network/session.ts';
import { networkPicture } from '../../main/scoring/network-picture.ts';
import { rendered, type LinearRgb } from '../../main/training/validation/metrics.ts';
import { findPhotos, loadLinearPhoto } from '../../main/training/photos/photos.ts';

const [, , photos, target = path.join(import.meta.dirname, '../../docs/limits.jpg')] = process.argv;
if (photos === undefined) throw new Error('expected a folder of photos');

/** Of each photo a piece as large as this is shown. */
const [width, height] = [480, 320];
const scenes = [
  { name: 'kodim1.png', iso: 6400, ratio: 250 },
  { name: 'fragrant-chamomile.jpg', iso: 25_600, ratio: 300 },
  { name: 'orange-hallway.jpg', iso: 25_600, ratio: 300 },
];
const models = ['fast', 'quality'];

const files = await findPhotos(photos);
const networks = [];
for (const id of models) {
  networks.push(await openNetwork(await readModel(id), { device: 'cpu' }));
}

const cells: { readonly input: Buffer; readonly left: number; readonly top: number }[] = [];
async function show(picture: LinearRgb, column: number, row: number): Promise<void> {
  const bytes = Uint8Array.from(picture.samples, (value) => Math.round(value * 255));
  const input = await sharp(bytes, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  cells.push({ input, left: column * width, top: row * height });
}

for (const [column, { name, iso, ratio }] of scenes.entries()) {
  const file = files.find((one) => path.basename(one) === name);
  if (file === undefined) throw new Error(`expected ${name} among the photos`);
  const photo = await loadLinearPhoto(file);
  const even = (length: number): number => (length >> 2) * 2;
  const area = { left: even(photo.width - width), top: even(photo.height - height), width, height };
  const { mosaic, truth } = simulateMosaic(photo, {
    camera: 'sony-a7s2',
    iso,
    ratio,
    random: new Random(column),
    area,
  });
  const toSrgb = cameraToOutput(mosaic.colour, 'srgb');
  await show(rendered(truth, toSrgb), column, 0);
  for (const [index, network] of networks.entries()) {
    const picture = await networkPicture(mosaic, ratio, network);
    await show(rendered(picture, toSrgb), column, index + 1);
  }
}
await sharp({
  create: {
    width: width * scenes.length,
    height: height * (models.length + 1),
    channels: 3,
    background: 'white',
  },
})
  .composite(cells)
  .jpeg({ quality: 85, mozjpeg: true })
  .toFile(target);
