/** Files for the decoder's tests: seeded samples, a folder that cleans itself up, and DNGs to compare with. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect } from 'vitest';

import type { FilePieces } from '../../main/raw/ifd.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';

/** Marsaglia's xorshift32: whole numbers below 2³², the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** Samples from `low` to `high`, none of them in any order that a wrong row length could hide. */
export function noisySamples(count: number, low: number, high: number, seed = 1): Uint16Array {
  const next = seeded(seed);
  return Uint16Array.from({ length: count }, () => low + (next() % (high - low + 1)));
}

export function bytesOf(pieces: FilePieces): Uint8Array {
  const bytes = new Uint8Array(pieces.byteLength);
  let at = 0;
  for (const chunk of pieces.chunks()) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** A folder for one test file's own files. */
export function scratch(): {
  write(name: string, bytes: Uint8Array | string): string;
  readonly path: string;
} {
  const path = mkdtempSync(join(tmpdir(), 'nightglass-raw-'));
  afterAll(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return {
    path,
    write(name, bytes) {
      const file = join(path, name);
      writeFileSync(file, bytes);
      return file;
    },
  };
}

/** A complete mosaic to write, with every field set to something a default would not give. */
export function nightMosaic(changes: Partial<Mosaic> = {}): Mosaic {
  const width = changes.width ?? 96;
  const height = changes.height ?? 64;
  return {
    width,
    height,
    samples: noisySamples(width * height, 480, 16_000),
    cfa: 'RGGB',
    blackLevel: [512, 512, 512, 512],
    whiteLevel: 16_300,
    orientation: 6,
    colour: {
      asShotGains: [2.25, 1, 1.6],
      xyzToCamera: [0.5838, -0.143, -0.0246, -0.3497, 1.1477, 0.2297, -0.0748, 0.1885, 0.5778],
    },
    baselineExposureStops: 0.25,
    noiseProfile: { slope: 2.5e-4, offset: 3e-7 },
    shot: {
      make: 'NIGHT',
      model: 'Owl 1',
      lens: 'Owl 35mm F2',
      iso: 12_800,
      exposureSeconds: 1 / 30,
      aperture: 2.8,
      focalLengthMm: 35,
      takenAt: '2024-01-02T03:04:05+02:00',
      gps: { latitude: -33.8568, longitude: 151.2153, altitudeMetres: 12.5 },
      artist: 'An owl',
      copyright: 'Public domain',
    },
    ...changes,
  };
}

/** vitest's matcher, which is typed `any`. */
export function containing(text: string): unknown {
  return expect.stringContaining(text);
}
