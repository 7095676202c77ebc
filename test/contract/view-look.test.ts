/** What the view shows of look and framing is what is exported. */

import { describe, expect, it } from 'vitest';

import { framePicture } from '../../main/develop/crop.ts';
import { cameraToOutput, luminanceWeights } from '../../main/develop/colour.ts';
import { Finisher } from '../../main/develop/finish.ts';
import type { FinishedImage } from '../../main/raw/image.ts';
import { toneGain } from '../../main/develop/look.ts';
import { limitLongSide } from '../../main/develop/resize.ts';
import { encode, rollOff } from '../../main/develop/tone.ts';
import type { Vector3 } from '../../main/raw/mosaic.ts';
import { nightMosaic } from '../raw/written.ts';

describe('the look', () => {
  const colour = nightMosaic().colour;
  const size = 64;
  const frame = {
    width: size,
    height: size,
    orientation: 1,
    grid: { width: size / 2, height: size / 2, rowsBefore: 0, columnsBefore: 0 },
    colour,
  } as const;
  const samples = Float32Array.from({ length: size * size * 3 }, (_, i) => {
    // From below black to far above white, colours in and out of gamut.
    const level = (Math.floor(i / 3) / (size * size)) ** 3 * 4 - 0.01;
    return level * [1, 0.7, 1.3, 0.1, 0.9][(i * 7) % 5]!;
  });
  const tile = { area: { x: 0, y: 0, width: size, height: size }, samples };

  /** The formulas as the window's shader has them, in doubles. */
  function shown(at: number, tone: Tone, balance: Vector3, space: 'srgb' | 'rec2020'): number[] {
    const matrix = cameraToOutput(colour, space);
    const weights = luminanceWeights(space);
    const c = [0, 1, 2].map((i) => samples[at + i]! * balance[i]!);
    const luma = (rgb: readonly number[]): number =>
      weights[0] * rgb[0]! + weights[1] * rgb[1]! + weights[2] * rgb[2]!;
    let rgb = [0, 3, 6].map(
      (row) =>
        (matrix[row]! * c[0]! + matrix[row + 1]! * c[1]! + matrix[row + 2]! * c[2]!) *
        2 ** tone.exposure,
    );
    const first = Math.min(...rgb);
    if (first < 0) {
      // At least half of a deep colour is kept; grey of no light is black.
      const y = Math.max(0, luma(rgb));
      const share = Math.max(0.5, y / (y - first));
      rgb = rgb.map((value) => Math.max(0, y + share * (value - y)));
    }
    const grey = luma(rgb);
    rgb = rgb.map((value) => grey + (value - grey) * (1 + tone.saturation));
    const least = Math.min(...rgb);
    if (least < 0) rgb = rgb.map((value) => grey + (grey / (grey - least)) * (value - grey));
    const y = Math.max(0, luma(rgb));
    const ws = (0.1 / (0.1 + y)) ** 2;
    const wh = (y / (y + 0.4)) ** 2;
    let gain = 2 ** (1.5 * tone.shadows * ws + 1.5 * tone.highlights * wh);
    gain *= ((y * gain + 0.001) / 0.181) ** (2 ** (0.8 * tone.contrast) - 1);
    return rgb.map((value) => encode(rollOff(Math.min(4, Math.max(0, value * gain))), space));
  }

  type Tone = Record<'exposure' | 'highlights' | 'shadows' | 'contrast' | 'saturation', number>;
  const none: Tone = { exposure: 0, highlights: 0, shadows: 0, contrast: 0, saturation: 0 };
  const tones: Tone[] = [
    none,
    { ...none, exposure: 1.5 },
    { ...none, exposure: -3, saturation: 0.7 },
    { ...none, shadows: 1, highlights: -1 },
    { ...none, shadows: -1, highlights: 1, contrast: 1 },
    { ...none, contrast: -1, saturation: -1 },
    { exposure: 0.4, highlights: -0.3, shadows: 0.6, contrast: 0.2, saturation: 1 },
  ];

  it.each(tones)('is exported as the shader shows it, to 1/255 (%o)', (tone) => {
    for (const space of ['srgb', 'rec2020'] as const) {
      const balance: Vector3 = [1.2, 1, 0.8];
      const finisher = new Finisher(frame, { space, balance, tone });
      finisher.add(tile);
      let largest = 0;
      for (let at = 0; at < samples.length; at += 3) {
        shown(at, tone, balance, space).forEach((value, c) => {
          largest = Math.max(largest, Math.abs(value - finisher.image.samples[at + c]! / 65_535));
        });
      }
      expect(largest).toBeLessThan(0.5 / 255);
    }
  });

  it('changes no bit where it is neutral', () => {
    const without = new Finisher(frame, { space: 'srgb', balance: [1, 1, 1] });
    const neutral = new Finisher(frame, { space: 'srgb', balance: [1, 1, 1], tone: none });
    without.add(tile);
    neutral.add(tile);
    expect(neutral.image.samples).toEqual(without.image.samples);
  });

  it('never turns the tone curve round', () => {
    for (const highlights of [-1, 0, 1]) {
      for (const shadows of [-1, 0, 1]) {
        for (const contrast of [-1, 0, 1]) {
          let before = -1;
          for (let y = 0; y < 8; y = y * 1.05 + 1e-5) {
            const now = y * toneGain(y, { ...none, highlights, shadows, contrast });
            expect(now).toBeGreaterThan(before);
            before = now;
          }
        }
      }
    }
  });
});

describe('framing', () => {
  const picture = (width: number, height: number): FinishedImage => ({
    width,
    height,
    space: 'srgb',
    samples: Uint16Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 65_536),
  });
  const whole = { x: 0, y: 0, width: 1, height: 1 };

  it('is the picture itself where nothing is asked', () => {
    const image = picture(7, 5);
    expect(framePicture(image, { crop: whole, angle: 0, rotate: 0 })).toBe(image);
  });

  it('turns by quarters, clockwise, and four make a whole', () => {
    const image = picture(3, 2);
    const once = framePicture(image, { crop: whole, angle: 0, rotate: 1 });
    expect([once.width, once.height]).toEqual([2, 3]);
    // The last row's first pixel comes to the top left.
    expect([...once.samples.subarray(0, 3)]).toEqual([...image.samples.subarray(9, 12)]);
    let turned = image;
    for (let i = 0; i < 4; i++) turned = framePicture(turned, { crop: whole, angle: 0, rotate: 1 });
    expect(turned.samples).toEqual(image.samples);
    const twice = framePicture(once, { crop: whole, angle: 0, rotate: 1 });
    expect(framePicture(image, { crop: whole, angle: 0, rotate: 2 }).samples).toEqual(
      twice.samples,
    );
    const thrice = framePicture(twice, { crop: whole, angle: 0, rotate: 1 });
    expect(framePicture(image, { crop: whole, angle: 0, rotate: 3 }).samples).toEqual(
      thrice.samples,
    );
  });

  it('cuts pixels out as they are, and straightens about the middle', () => {
    const image = picture(40, 30);
    const crop = { x: 0.25, y: 0.5, width: 0.5, height: 0.5 };
    const cut = framePicture(image, { crop, angle: 0, rotate: 0 });
    expect([cut.width, cut.height]).toEqual([20, 15]);
    expect([...cut.samples.subarray(0, 3)]).toEqual([
      ...image.samples.subarray((15 * 40 + 10) * 3).subarray(0, 3),
    ]);
    // A bright dot right of the middle goes down when the picture turns clockwise.
    const dot = { ...image, samples: new Uint16Array(40 * 30 * 3) };
    dot.samples.fill(60_000, (15 * 40 + 30) * 3, (15 * 40 + 30) * 3 + 3);
    const turned = framePicture(dot, { crop: whole, angle: 45, rotate: 0 });
    let [sum, sumX, sumY] = [0, 0, 0];
    for (let i = 0; i < 40 * 30; i++) {
      sum += turned.samples[i * 3]!;
      sumX += turned.samples[i * 3]! * ((i % 40) + 0.5);
      sumY += turned.samples[i * 3]! * (Math.floor(i / 40) + 0.5);
    }
    const reach = Math.hypot(10.5, 0.5);
    const angle = Math.PI / 4 + Math.atan2(0.5, 10.5);
    expect(sumX / sum).toBeCloseTo(20 + reach * Math.cos(angle), 0);
    expect(sumY / sum).toBeCloseTo(15 + reach * Math.sin(angle), 0);
  });

  it('makes smaller without changing the light', () => {
    const image = { ...picture(90, 60), samples: new Uint16Array(90 * 60 * 3) };
    // Stripes of black and white: half the light, which is no half of the encoded numbers.
    for (let i = 0; i < image.samples.length; i++)
      image.samples[i] = Math.floor(i / 3) % 2 === 0 ? 65_535 : 0;
    const small = limitLongSide(image, 45);
    expect([small.width, small.height]).toEqual([45, 30]);
    const half = encode(0.5, 'srgb') * 65_535;
    for (const sample of small.samples) expect(Math.abs(sample - half)).toBeLessThan(3);
    expect(limitLongSide(image, 90)).toBe(image);
  });
});
