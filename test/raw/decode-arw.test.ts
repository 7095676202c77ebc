/** A Sony ILCE-7SM2's files, at the camera's own size and small, come back bit for bit. */

import { describe, expect, it } from 'vitest';

import { decodeRaw } from '../../main/raw/decode.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { arw, encodeCraw } from './arw.ts';
import { noisySamples, scratch } from './written.ts';

const folder = scratch();
const balance = [2356, 1024, 1024, 1640] as const;

async function decodeMosaic(name: string, bytes: Uint8Array): Promise<Mosaic> {
  const raw = await decodeRaw(folder.write(name, bytes));
  if (raw.kind !== 'mosaic') throw new Error(`expected a mosaic but received a ${raw.kind} frame`);
  return raw.mosaic;
}

describe('uncompressed', () => {
  it('at the full 12 MP, less the 32 columns that the camera masks', async () => {
    const [width, height] = [4288, 2848];
    const samples = noisySamples(width * height, 490, 16_383);
    const data = { kind: 'uncompressed', samples } as const;
    const read = await decodeMosaic(
      'full.arw',
      arw({ width, height, data, black: [512, 512, 512, 512], balance }),
    );
    expect([read.width, read.height, read.cfa]).toEqual([4256, 2848, 'RGGB']);
    let differing = 0;
    for (let y = 0; y < read.height; y++) {
      for (let x = 0; x < read.width; x++) {
        if (read.samples[y * read.width + x] !== samples[y * width + x]) differing++;
      }
    }
    expect(differing).toBe(0);
  });

  it('with a black level of its own at each site, turned, and with what the camera wrote down', async () => {
    const [width, height] = [160, 120];
    const samples = noisySamples(width * height, 490, 16_383);
    const data = { kind: 'uncompressed', samples } as const;
    const bytes = arw({
      width,
      height,
      data,
      black: [510, 512, 513, 515],
      balance,
      orientation: 8,
    });
    const read = await decodeMosaic('sites.arw', bytes);
    expect(read.samples).toEqual(samples);
    expect(read.blackLevel).toEqual([510, 512, 513, 515]);
    expect(read.whiteLevel).toBe(16_383);
    expect(read.orientation).toBe(8);
    expect(read.colour.asShotGains).toEqual([2356 / 1024, 1, 1640 / 1024]);
    // LibRaw's own table, in XYZ → camera: green responds to Y above all.
    expect(read.colour.xyzToCamera[4]).toBeCloseTo(1.1477, 4);
    expect(read.shot).toEqual({
      make: 'SONY',
      model: 'ILCE-7SM2',
      lens: 'FE 35mm F2.8 ZA',
      iso: 12_800,
      exposureSeconds: 1 / 30,
      aperture: 2.8,
      focalLengthMm: 35,
      takenAt: '2024-01-02T03:04:05+02:00',
    });
  });
});

describe('cRAW', () => {
  const [width, height] = [160, 120];
  /** Dark blocks, blocks of one value, and blocks with a lamp in them: every step size. */
  const codes = noisySamples(width * height, 0, 40, 5).map((noise, index) => {
    const block = Math.floor(index / 32);
    return Math.min(
      0x7ff,
      256 + (block % 5 === 0 ? 0 : noise) + (index % 61 === 0 ? (block % 8) * 220 : 0),
    );
  });

  it('through the tone curve of the camera', async () => {
    const { bytes, decoded } = encodeCraw(codes, width);
    const toneCurve = [8000, 10_400, 12_900, 14_100] as const;
    const data = { kind: 'craw', bytes } as const;
    const read = await decodeMosaic(
      'craw.arw',
      arw({ width, height, data, black: [512, 512, 512, 512], balance, toneCurve }),
    );
    // Each bend doubles the slope (Sony's tag 0x7010, in 14 bits; the codes are 11 bits).
    const bends = toneCurve.map((bend) => bend >> 2);
    const curve = [0];
    for (let code = 1; code < 4096; code++) {
      curve.push(curve[code - 1]! + 2 ** bends.filter((bend) => code > bend).length);
    }
    expect(read.samples).toEqual(decoded.map((code) => curve[2 * code]!));
    expect(Math.max(...decoded)).toBeGreaterThan(bends[0]! / 2);
  });
});
