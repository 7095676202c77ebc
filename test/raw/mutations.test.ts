/** A few hundred damaged files of three formats: each is refused in words or gives a well-formed frame. */

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { Refusal } from '../../main/base/refusal.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import { arw, encodeCraw } from './arw.ts';
import { faultOf, mutate } from './damage.ts';
import type { Source } from './damage.ts';
import { bytesOf, nightMosaic, noisySamples, scratch, seeded } from './written.ts';

const filesPerFormat = 80;
/** CI has two cores, and each file takes a thread. */
const atOnce = 2;

const folder = scratch();
const [width, height] = [96, 64];
const balance = [2356, 1024, 1024, 1640] as const;
const craw = encodeCraw(noisySamples(width * height, 200, 900), width);

const crw = new Uint8Array(
  readFileSync(new URL('../fixtures/raw/Canon_PowerShot_S40_CRW_0113.CRW', import.meta.url)),
);
const sources: readonly Source[] = [
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

describe.each(sources)('$name', (source) => {
  it(`${filesPerFormat} damaged files`, async () => {
    const next = seeded(20_240_102);
    const files = Array.from({ length: filesPerFormat }, () => mutate(source, next));
    const outcomes = { refused: 0, decoded: 0 };
    const queue = files.entries();
    async function work(): Promise<void> {
      for (const [index, bytes] of queue) {
        const name = `${index}.${source.name}`;
        const path = folder.write(name, bytes);
        try {
          expect(faultOf(await decodeRaw(path, { watchdogMs: 10_000 }))).toBeUndefined();
          outcomes.decoded++;
        } catch (error) {
          if (!(error instanceof Refusal))
            throw new Error(`${name} of ${source.name}`, { cause: error });
          expect(error.message).toContain(name);
          outcomes.refused++;
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work));
    // Both happen, or the damage was none or total.
    expect(outcomes.refused).toBeGreaterThan(filesPerFormat / 20);
    expect(outcomes.decoded).toBeGreaterThan(filesPerFormat / 20);
    // Half a minute on two idle cores; a busy machine gets longer.
  }, 300_000);
});
