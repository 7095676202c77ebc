/** X-Trans mosaics come out as Bayer mosaics of the same light, wherever their pattern begins. */

import { describe, expect, it } from 'vitest';

import { siteColours } from '../../main/raw/cfa.ts';
import { identifyContainer } from '../../main/raw/container.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import { byte, long, short } from '../../main/raw/ifd.ts';
import type { TagValue } from '../../main/raw/ifd.ts';
import { LibRawFile } from '../../main/raw/libraw.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { xtransMosaic } from '../../main/raw/xtrans-file.ts';
import { bayerOfXTrans, shiftPattern } from '../../main/raw/xtrans.ts';
import { dngOf, littleEndian } from './dng-written.ts';
import { scratch } from './written.ts';

const folder = scratch();

/** As Fujifilm's X-Trans III and later have it from their visible corner on. */
const pattern = 'GGRGGB' + 'GGBGGR' + 'BRGRBG' + 'GGBGGR' + 'GGRGGB' + 'RBGBRG';
const [width, height] = [72, 60];
const light = { R: 0.1, G: 0.4, B: 0.25 };
type Letter = keyof typeof light;

const letterAt = (letters: string, x: number, y: number): Letter => {
  const letter = letters[(y % 6) * 6 + (x % 6)];
  if (letter !== 'R' && letter !== 'G' && letter !== 'B') throw new Error('expected a colour');
  return letter;
};

describe('the Bayer layout', () => {
  it.each(Array.from({ length: 36 }, (_, place) => [Math.floor(place / 6), place % 6] as const))(
    'keeps slopes of light with the pattern moved by %i, %i',
    (rows, columns) => {
      const seen = shiftPattern(pattern, rows, columns);
      const slope = (letter: Letter, x: number, y: number): number =>
        light[letter] + 0.002 * x - 0.001 * y;
      const samples = new Float32Array(width * height);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) samples[y * width + x] = slope(letterAt(seen, x, y), x, y);
      const made = bayerOfXTrans(samples, { width, height }, seen, [2, 1, 1.5]);
      const colours = siteColours(made.cfa);
      let kept = 0;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const colour = colours[(y % 2) * 2 + (x % 2)]!;
          const value = made.samples[y * width + x]!;
          // Near an edge, neighbours come from one period further in.
          const isRim = x < 6 || y < 6 || x >= width - 6 || y >= height - 6;
          expect(Math.abs(value - slope(colour, x, y))).toBeLessThan(isRim ? 0.03 : 1e-6);
          if (value === samples[y * width + x]) kept += 1;
        }
      }
      expect(kept / (width * height)).toBeGreaterThan(0.3);
    },
  );

  it('keeps fine grey detail grey, in a frame that is smooth elsewhere', () => {
    const [across, down] = [240, 240];
    const gains = [2, 1, 1.5] as const;
    const grey = (x: number, y: number): number =>
      x > 60 && x < 180 && y > 60 && y < 180 && (x + 2 * y) % 9 < 2 ? 0.6 : 0.2;
    const samples = new Float32Array(across * down);
    const gainAt = (letter: string): number => gains['RGB'.indexOf(letter)]!;
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++)
        samples[y * across + x] = grey(x, y) / gainAt(letterAt(pattern, x, y));
    }
    const made = bayerOfXTrans(samples, { width: across, height: down }, pattern, gains);
    const colours = siteColours(made.cfa);
    let worst = 0;
    let [sum, count] = [0, 0];
    for (let y = 70; y < 170; y++) {
      for (let x = 70; x < 170; x++) {
        const gain = gainAt(colours[(y % 2) * 2 + (x % 2)]!);
        const error = Math.abs(made.samples[y * across + x]! * gain - grey(x, y));
        worst = Math.max(worst, error);
        sum += error;
        count += 1;
      }
    }
    // With samples moved by a pixel alone these were 0.079 and 0.43.
    expect(sum / count).toBeLessThan(0.065);
    expect(worst).toBeLessThan(0.3);
  });

  it('refuses a pattern that lacks a colour', () => {
    expect(() =>
      bayerOfXTrans(new Float32Array(144), { width: 12, height: 12 }, 'G'.repeat(36), [2, 1, 1.5]),
    ).toThrow(RangeError);
  });
});

const [black, white] = [1024, 16_383];

const codesOf = (letters: string): TagValue =>
  byte(...Array.from(letters, (letter) => 'RGB'.indexOf(letter)));

/** A flat X-Trans frame of three colours with noise below black. */
function bytesOf(tags: readonly (readonly [number, TagValue])[] = []): Uint8Array {
  const samples = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      samples[y * width + x] = black + light[letterAt(pattern, x, y)] * (white - black);
  }
  const chunks = [littleEndian(samples, 2)];
  return dngOf({ width, height, channels: 1, bits: 16, compression: 1, chunks }, [
    [33_421, short(6, 6)],
    [33_422, codesOf(pattern)],
    [50_714, long(black)],
    [50_717, long(white)],
    ...tags,
  ]);
}

function expectColours({ width: across, cfa, samples, blackLevel, whiteLevel }: Mosaic): void {
  const colours = siteColours(cfa);
  samples.forEach((sample, at) => {
    const site = (Math.floor(at / across) % 2) * 2 + ((at % across) % 2);
    const value = (sample - blackLevel[site]!) / (whiteLevel - blackLevel[site]!);
    expect(Math.abs(value - light[colours[site]!])).toBeLessThan(2e-4);
  });
}

describe('files', () => {
  it.each([
    ['whole', []],
    [
      'cut at an odd corner',
      [
        [50_829, long(1, 3, height - 1, width)],
        // The pattern is told from the active area's corner on.
        [33_422, codesOf(shiftPattern(pattern, 1, 3))],
      ],
    ],
    [
      'with a crop',
      [
        [50_719, long(5, 2)],
        [50_720, long(48, 41)],
      ],
    ],
  ] as const)('a DNG, %s, keeps its colours', async (_, tags) => {
    const raw = await decodeRaw(folder.write('xtrans.dng', bytesOf(tags)));
    if (raw.kind !== 'mosaic') throw new Error('expected a mosaic');
    expectColours(raw.mosaic);
  });

  it('a 6×6 pattern that no X-Trans sensor has is named', async () => {
    const codes = Array.from({ length: 36 }, (_, place) => (place < 12 ? 0 : place < 24 ? 1 : 2));
    const bytes = bytesOf([[33_422, byte(...codes)]]);
    await expect(decodeRaw(folder.write('odd.dng', bytes))).rejects.toMatchObject({
      code: 'unsupported-file',
    });
  });

  it("LibRaw's own pattern and levels give the same, as they do for RAF files", async () => {
    const bytes = bytesOf();
    const file = await LibRawFile.open(bytes);
    const sensor = file.readSensor();
    if (sensor === undefined) throw new Error('expected samples');
    const metadata = file.metadata();
    const levels = file.hidden(metadata);
    expect(levels.xtrans).toBe(pattern);
    const container = identifyContainer(bytes, 'xtrans.dng');
    expectColours(xtransMosaic(sensor, metadata, levels, container, 'xtrans.dng'));
  });
});
