/**
 * What a burst gains over one frame: photos that training left out, held by hand and darkened by
 * simulation, merged from 1, 2, 4 and 8 frames and developed. rgbP in dB, and the errors of the poses.
 *
 * Usage: npm run bench -- burst PHOTOS [MODEL [CROP [COUNTS]]], COUNTS like 1,2,4,8
 */

import { Refusal } from '../../main/base/refusal.ts';
import { mergeBurst } from '../../main/burst/merge.ts';
import { placed } from '../../main/burst/pose.ts';
import { heldAt, simulateBurst, type SimulatedBurst } from '../../main/darkness/burst.ts';
import { cameraToOutput } from '../../main/develop/colour.ts';
import { readModel } from '../../main/network/manifest.ts';
import { openNetwork } from '../../main/network/session.ts';
import { networkPicture } from '../../main/scoring/network-picture.ts';
import { isHeldOut } from '../../main/training/photos/held-out.ts';
import { findPhotos, loadLinearPhoto } from '../../main/training/photos/photos.ts';
import { score } from '../../main/training/validation/metrics.ts';

const [, , photos, id = 'fast', crop = '512', counts = '1,2,4,8'] = process.argv;
if (photos === undefined) throw new Error('expected a folder of photos');

const numbers = counts.split(',').map(Number);
const network = await openNetwork(await readModel(id), { device: 'cpu' });
const files = (await findPhotos(photos)).filter(isHeldOut);

const levels = [
  { iso: 25_600, ratio: 300 },
  { iso: 6400, ratio: 100 },
] as const;

/** The first frames of a burst as one mosaic, and how far their poses are off, pixels. */
async function mergedOf({ frames }: SimulatedBurst, count: number) {
  const [first] = frames;
  if (first === undefined) throw new Error('expected a frame');
  if (count === 1) return { mosaic: first.mosaic, errors: [], mergeMs: 0 };
  const given = frames
    .slice(0, count)
    .map(({ mosaic }, index) => ({ name: String(index), load: () => Promise.resolve(mosaic) }));
  const beginMs = performance.now();
  let merged: Awaited<ReturnType<typeof mergeBurst>>;
  try {
    merged = await mergeBurst(given, { reference: 0, motion: 'freeze' });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // The program would leave these frames alone, and so they count as one.
    console.log(`  ${count} frames: ${error.message}`);
    return { mosaic: first.mosaic, errors: [], mergeMs: performance.now() - beginMs };
  }
  const mergeMs = performance.now() - beginMs;
  const { width, height } = first.mosaic;
  const errors = merged.frames.flatMap((frame, index) => {
    if (frame.kind !== 'merged') return [];
    let [sum, places] = [0, 0];
    for (let y = -height / 2; y < height / 2; y += 16) {
      for (let x = -width / 2; x < width / 2; x += 16) {
        const [foundX, foundY] = placed(frame.pose, x, y);
        const [trueX, trueY] = heldAt(frames[index]!.pose, x, y);
        sum += (foundX - trueX) ** 2 + (foundY - trueY) ** 2;
        places += 1;
      }
    }
    return [Math.sqrt(sum / places)];
  });
  return { mosaic: merged.mosaic, errors, mergeMs };
}

for (const { iso, ratio } of levels) {
  console.log(`\nISO ${iso} ×${ratio}, ${id}: rgbP of ${numbers.join(', ')} frames`);
  const sums = numbers.map(() => 0);
  let mostOff = 0;
  for (const [index, file] of files.entries()) {
    const photo = await loadLinearPhoto(file);
    const burst = simulateBurst(photo, {
      camera: 'sony-a7s2',
      iso,
      ratio,
      frames: Math.max(2, ...numbers),
      seed: 100 + index,
      crop: Number(crop),
    });
    const shown: string[] = [];
    for (const [at, count] of numbers.entries()) {
      const { mosaic, errors, mergeMs } = await mergedOf(burst, count);
      const picture = await networkPicture(mosaic, ratio, network);
      const { rgbP } = score(picture, burst.truth, cameraToOutput(mosaic.colour, 'srgb'));
      sums[at]! += rgbP / files.length;
      mostOff = Math.max(mostOff, ...errors);
      shown.push(rgbP.toFixed(2).padStart(7));
      if (at === numbers.length - 1) shown.push(`  merged in ${mergeMs.toFixed(0)} ms`);
    }
    console.log(`${photo.name.padEnd(28)}${shown.join('')}`);
  }
  const gains = sums.map((sum) => `+${(sum - sums[0]!).toFixed(2)}`.padStart(7)).join('');
  console.log(`${'mean'.padEnd(28)}${sums.map((sum) => sum.toFixed(2).padStart(7)).join('')}`);
  console.log(`${'over the first'.padEnd(28)}${gains}`);
  console.log(`the worst pose is off by ${mostOff.toFixed(2)} pixels`);
}
