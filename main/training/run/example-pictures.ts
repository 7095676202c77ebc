/** Example pictures: the network's output for the same crops at every validation. */

import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomically } from '../../base/atomic.ts';
import { encodePng } from '../../export/png.ts';
import type { Matrix3 } from '../../raw/mosaic.ts';
import { srgbEncoded, type LinearRgb } from '../validation/metrics.ts';
import type { RunEvent } from './events.ts';
import { answerToSrgb, pictureOf, type ValidationPatch } from '../validation/validation.ts';

/** Number of crops with pictures; the others are only scored. */
const exampleCount = 4;
/** Number of validations whose pictures are kept. */
const keptMax = 40;

type Example = Extract<RunEvent, { event: 'validated' }>['examples'][number];

/**
 * Writes PNGs of the first patches into a folder: the dark input, the target and the output.
 * Thins out the pictures of earlier validations evenly when there are too many.
 * @param pictures of the patches, in their order
 * @returns names of the files
 * @throws Refusal `disk`
 */
export async function writeExamples(
  folder: string,
  step: number,
  patches: readonly ValidationPatch[],
  pictures: readonly LinearRgb[],
): Promise<Example[]> {
  await mkdir(folder, { recursive: true });
  const examples: Example[] = [];
  for (const [index, patch] of patches.slice(0, exampleCount).entries()) {
    const picture = pictures[index];
    if (picture === undefined) continue;
    const { name, cameraToSrgb } = patch;
    const toSrgb = answerToSrgb(patch);
    const files = {
      before: `before-${index}.png`,
      truth: `truth-${index}.png`,
      after: `${String(step).padStart(9, '0')}-${index}.png`,
    };
    await write(path.join(folder, files.before), halfSize(patch), cameraToSrgb);
    await write(path.join(folder, files.truth), pictureOf(patch.target, patch), toSrgb);
    await write(path.join(folder, files.after), picture, toSrgb);
    examples.push({ name, ...files });
  }
  await thinOut(folder);
  return examples;
}

/** The mosaic without any demosaicing: each cell one colour, over two by two pixels. */
function halfSize({ input, sidePacked: side }: ValidationPatch): LinearRgb {
  const width = side * 2;
  const area = side * side;
  const samples = new Float32Array(width * width * 3);
  for (let y = 0, out = 0; y < width; y++) {
    for (let x = 0; x < width; x++, out += 3) {
      const at = (y >> 1) * side + (x >> 1);
      samples[out] = input[at]!;
      samples[out + 1] = (input[area + at]! + input[2 * area + at]!) / 2;
      samples[out + 2] = input[3 * area + at]!;
    }
  }
  return { width, height: width, samples };
}

async function write(file: string, picture: LinearRgb, m: Matrix3): Promise<void> {
  const { width, height, samples } = picture;
  const encoded = new Uint16Array(samples.length);
  for (let at = 0; at < samples.length; at += 3) {
    const [r, g, b] = [samples[at]!, samples[at + 1]!, samples[at + 2]!];
    for (let row = 0; row < 3; row++) {
      const light = m[row * 3]! * r + m[row * 3 + 1]! * g + m[row * 3 + 2]! * b;
      encoded[at + row] = Math.round(65_535 * srgbEncoded(Math.min(Math.max(light, 0), 1)));
    }
  }
  const image = { width, height, samples: encoded, space: 'srgb' as const };
  const png = await encodePng(image, {}, { bits: 8 });
  await writeAtomically(file, png.chunks(), { overwrite: true });
}

/** Keeps the first and the last validation, and about every other of those between. */
async function thinOut(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^\d{9,}-\d+\.png$/.test(name));
  const steps = [...new Set(names.map((name) => name.replace(/-\d+\.png$/, '')))].sort();
  if (steps.length <= keptMax) return;
  const tooMany = new Set(steps.filter((_, index) => index % 2 === 1 && index < steps.length - 1));
  for (const name of names) {
    if (tooMany.has(name.replace(/-\d+\.png$/, ''))) await rm(path.join(folder, name));
  }
}
