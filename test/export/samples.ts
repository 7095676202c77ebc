/** Pictures, a shot, and readers that the export tests share. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';
import { onTestFinished } from 'vitest';

import type { CameraLinearImage, FinishedImage, OutputSpace } from '../../main/raw/image.ts';
import type { FilePieces } from '../../main/raw/ifd.ts';
import type { CameraColour, Shot } from '../../main/raw/mosaic.ts';

export const sampleShot: Shot = {
  make: 'SONY',
  model: 'ILCE-7SM2',
  lens: 'FE 35mm F2.8 ZA',
  iso: 102_400,
  exposureSeconds: 1 / 30,
  aperture: 2.8,
  focalLengthMm: 35.5,
  takenAt: '2024-05-06T21:22:23+02:00',
  artist: 'Zoë Nachtfalter',
  copyright: '© Zoë',
  gps: { latitude: -51.508_97, longitude: 0.1234, altitudeMetres: -12.5 },
};

export const sampleColour: CameraColour = {
  asShotGains: [2.3, 1, 1.6],
  xyzToCamera: [0.664, -0.1847, -0.0503, -0.5238, 1.301, 0.2474, -0.0993, 0.1673, 0.6527],
};

/** Uniform noise in [0, 1), the same on every run. */
export function* noise(seed = 1): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    yield (state >>> 8) / 2 ** 24;
  }
}

/** Gradients with grain, a black area and a clipped one; every value from 0 to 65535 may occur. */
export function finishedImage(
  width: number,
  height: number,
  space: OutputSpace = 'srgb',
): FinishedImage {
  const grain = noise(width * 31 + height);
  const samples = new Uint16Array(width * height * 3);
  for (let i = 0; i < samples.length; i++) {
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width);
    const smooth = ((x + y * 2 + (i % 3) * 9) / (width + height * 2)) * 1.4 - 0.2;
    samples[i] = Math.min(1, Math.max(0, smooth + (grain.next().value - 0.5) * 0.02)) * 65_535;
  }
  return { width, height, samples, space };
}

export function linearImage(
  width: number,
  height: number,
  valueAt: (index: number) => number,
): CameraLinearImage {
  const samples = Float32Array.from({ length: width * height * 3 }, (_, index) => valueAt(index));
  return { width, height, samples, colour: sampleColour, orientation: 6 };
}

export function joined(file: FilePieces): Buffer {
  const parts = [...file.chunks()].map((chunk) => Buffer.from(chunk));
  return Buffer.concat(parts);
}

/** Pixels as sharp (libvips) reads them, colours untouched. */
export async function readSixteenBits(bytes: Uint8Array): Promise<Uint16Array> {
  const raw = await sharp(bytes, { ignoreIcc: true })
    .toColourspace('rgb16')
    .raw({ depth: 'ushort' })
    .toBuffer();
  return new Uint16Array(new Uint8Array(raw).buffer);
}

export async function readEightBits(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await sharp(bytes, { ignoreIcc: true }).raw().toBuffer());
}

/** How many samples differ, and where the first does: a failing comparison stays readable. */
export function difference(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
): { length: number; count: number; first?: string } {
  let count = 0;
  let first = '';
  for (let i = 0; i < expected.length; i++) {
    if (found[i] === expected[i]) continue;
    if (count++ === 0) first = `at ${i}: expected ${expected[i]}, found ${found[i]}`;
  }
  return { length: found.length, count, ...(count > 0 && { first }) };
}

/** A folder of its own for the running test, gone after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nightglass-export-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
