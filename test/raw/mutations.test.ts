/** A few hundred damaged files of three formats: each is refused in words or gives a well-formed frame. */

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { Refusal } from '../../main/base/refusal.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import type { DecodedRaw } from '../../main/raw/mosaic.ts';
import { arw, encodeCraw } from './arw.ts';
import { bytesOf, nightMosaic, noisySamples, scratch, seeded } from './written.ts';

const FILES_PER_FORMAT = 80;
/** CI has two cores, and each file takes a thread. */
const AT_ONCE = 2;

const folder = scratch();
const [width, height] = [96, 64];
const balance = [2356, 1024, 1024, 1640] as const;
const craw = encodeCraw(noisySamples(width * height, 200, 900), width);

/** `from` to `to` is where a format's structure lies; the samples around it cannot confuse a reader. */
interface Source {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly structure: (length: number) => readonly [number, number];
}

const crw = new Uint8Array(
  readFileSync(new URL('../fixtures/raw/Canon_PowerShot_S40_CRW_0113.CRW', import.meta.url)),
);
const SOURCES: readonly Source[] = [
  {
    name: 'dng',
    bytes: bytesOf(cfaDng(nightMosaic({ blackLevel: [510, 512, 513, 515] }))),
    structure: () => [0, 900],
  },
  {
    name: 'arw',
    bytes: arw({
      width,
      height,
      data: { kind: 'craw', bytes: craw.bytes },
      black: [512, 512, 512, 512],
      balance,
    }),
    structure: () => [0, 700],
  },
  // Its directories lie at the end, behind the samples; its decoder's table and first code at the start.
  { name: 'crw', bytes: crw, structure: (length) => [length - 5700, length] },
];

const TELLING_BYTES = [0, 1, 0x7f, 0x80, 0xff] as const;

/** One to eight bytes changed in the structure, and one time in six the file cut or stretched too. */
function mutate({ bytes, structure }: Source, next: () => number): Uint8Array {
  const damaged = bytes.slice();
  const [from, to] = structure(bytes.length);
  for (let left = 1 + (next() % 8); left > 0; left--) {
    const at = from + (next() % (to - from));
    damaged[at] = next() % 3 === 0 ? TELLING_BYTES[next() % TELLING_BYTES.length]! : next() % 256;
  }
  if (next() % 6 !== 0) return damaged;
  if (next() % 4 !== 0) return damaged.subarray(0, next() % damaged.length);
  const stretched = new Uint8Array(damaged.length + 20);
  stretched.set(damaged.subarray(0, 20));
  stretched.set(damaged, 20);
  return stretched;
}

function checkWellFormed(raw: DecodedRaw): void {
  const frame = raw.kind === 'mosaic' ? raw.mosaic : raw.frame;
  expect(frame.width).toBeGreaterThanOrEqual(22);
  expect(frame.height).toBeGreaterThanOrEqual(22);
  expect(frame.samples).toHaveLength(frame.width * frame.height * (raw.kind === 'mosaic' ? 1 : 3));
  expect([1, 2, 3, 4, 5, 6, 7, 8]).toContain(frame.orientation);
  expect(frame.colour.asShotGains.every((gain) => Number.isFinite(gain) && gain > 0)).toBe(true);
  expect(frame.colour.xyzToCamera.every(Number.isFinite)).toBe(true);
  expect(Number.isFinite(frame.baselineExposureStops)).toBe(true);
  for (const value of Object.values(frame.shot)) expect(value).not.toBeNaN();
  if (raw.kind === 'linear') return;
  const { cfa, blackLevel, whiteLevel } = raw.mosaic;
  expect(['RGGB', 'BGGR', 'GRBG', 'GBRG']).toContain(cfa);
  expect(blackLevel.every((level) => level >= 0 && level < whiteLevel)).toBe(true);
  expect(whiteLevel).toBeLessThanOrEqual(65_535);
}

describe.each(SOURCES)('$name', (source) => {
  it(`${FILES_PER_FORMAT} damaged files`, async () => {
    const next = seeded(20_240_102);
    const files = Array.from({ length: FILES_PER_FORMAT }, () => mutate(source, next));
    const outcomes = { refused: 0, decoded: 0 };
    const queue = files.entries();
    async function work(): Promise<void> {
      for (const [index, bytes] of queue) {
        const name = `${index}.${source.name}`;
        const path = folder.write(name, bytes);
        try {
          checkWellFormed(await decodeRaw(path, { watchdogMs: 10_000 }));
          outcomes.decoded++;
        } catch (error) {
          if (!(error instanceof Refusal))
            throw new Error(`${name} of ${source.name}`, { cause: error });
          expect(error.message).toContain(name);
          outcomes.refused++;
        }
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    // Both happen, or the damage was none or total.
    expect(outcomes.refused).toBeGreaterThan(FILES_PER_FORMAT / 20);
    expect(outcomes.decoded).toBeGreaterThan(FILES_PER_FORMAT / 20);
    // Half a minute on two idle cores; a busy machine gets longer.
  }, 300_000);
});
