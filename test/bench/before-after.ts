/**
 * Makes the README's picture from the sample night: the RAW file as it is, the same brightened by
 * its ratio, and what the default model makes of it; and of the latter two the welcome screen's.
 *
 * Usage: node_modules/.bin/node test/bench/before-after.ts [TARGET.jpg [MODEL]]
 * Without a target, docs/before-after.jpg and the welcome screen's pictures are made anew.
 */

import path from 'node:path';
import sharp from 'sharp';
import { amplify } from '../../main/develop/amplify.ts';
import { develop } from '../../main/develop/develop.ts';
import { Finisher } from '../../main/develop/finish.ts';
import { normalisation } from '../../main/develop/normalise.ts';
import { frameNoise } from '../../main/develop/noise.ts';
import { packedGrid, packWindow } from '../../main/develop/pack.ts';
import { plainTile } from '../../main/develop/plain.ts';
import { planTiles } from '../../main/develop/tiles.ts';
import { defaultModelId, readModel } from '../../main/network/manifest.ts';
import { openNetwork } from '../../main/network/session.ts';
import { decodeRaw } from '../../main/raw/decode.ts';

const home = path.join(import.meta.dirname, '../..');
const [, , target, model = defaultModelId] = process.argv;
const ratio = 100;
const gapPixels = 8;

const decoded = await decodeRaw(path.join(home, 'test/fixtures/night.dng'));
if (decoded.kind !== 'mosaic') throw new Error('expected a mosaic in the sample night');
const { mosaic } = decoded;
const grid = packedGrid(mosaic);
const gains = mosaic.colour.asShotGains;
const tiles = planTiles(grid.width, grid.height, 1e6);
const frame = { ...mosaic, grid };

function plain(brightening: number): Buffer {
  const finisher = new Finisher(frame, { space: 'srgb', balance: [1, 1, 1] });
  for (const tile of tiles) {
    const packed = packWindow(mosaic, grid, normalisation(mosaic), tile.window);
    finisher.add(plainTile(amplify(packed, brightening, [1, 1, 1]), tile, gains));
  }
  return eightBits(finisher);
}

async function enhanced(): Promise<Buffer> {
  const finisher = new Finisher(frame, { space: 'srgb', balance: [1, 1, 1] });
  const network = await openNetwork(await readModel(model), { device: 'cpu' });
  const run = network.run.bind(network);
  const noise = frameNoise(mosaic).ceiling;
  const request = { mosaic, ratio, gains, noise, tiles, run };
  for await (const tile of develop(request)) finisher.add(tile);
  await network.release();
  return eightBits(finisher);
}

function eightBits({ image }: Finisher): Buffer {
  return Buffer.from(Uint8Array.from(image.samples, (value) => Math.round(value / 257)));
}

const { width, height } = mosaic;
const pictures = [plain(1), plain(ratio), await enhanced()];
await sharp({
  create: {
    width: width * 3 + gapPixels * 2,
    height,
    channels: 3,
    background: { r: 255, g: 255, b: 255 },
  },
})
  .composite(
    pictures.map((input, index) => ({
      input,
      raw: { width, height, channels: 3 },
      left: index * (width + gapPixels),
      top: 0,
    })),
  )
  .png()
  .toBuffer()
  .then((picture) =>
    sharp(picture)
      .resize(1920)
      .jpeg({ quality: 88 })
      .toFile(target ?? path.join(home, 'docs/before-after.jpg')),
  );

if (target === undefined) {
  const names = [undefined, 'sample-before.jpg', 'sample-after.jpg'];
  for (const [index, name] of names.entries()) {
    if (name === undefined) continue;
    await sharp(pictures[index], { raw: { width, height, channels: 3 } })
      .resize(720)
      .jpeg({ quality: index === 1 ? 58 : 80, mozjpeg: true })
      .toFile(path.join(home, 'renderer/public', name));
  }
}
