/**
 * The shared case files have the light that their README gives. It is measured on the decoded samples,
 * without a network; where the cases are not there, the tests are skipped.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { cameraToOutput, transform } from '../../main/develop/colour.ts';
import { clippingLevel, normalisation } from '../../main/develop/normalise.ts';
import { siteColours } from '../../main/raw/cfa.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import type { Mosaic, Vector3 } from '../../main/raw/mosaic.ts';
import { remosaic } from '../../main/raw/remosaic.ts';

const folder = fileURLToPath(new URL('../../../shared/cases/raw/', import.meta.url));

/** Classic sRGB values of the chart's 24 patches. */
// prettier-ignore
const patches: readonly Vector3[] = [
  [115, 82, 68], [194, 150, 130], [98, 122, 157], [87, 108, 67], [133, 128, 177], [103, 189, 170],
  [214, 126, 44], [80, 91, 166], [193, 90, 99], [94, 60, 108], [157, 188, 64], [224, 163, 46],
  [56, 61, 150], [70, 148, 73], [175, 54, 60], [231, 199, 31], [187, 86, 149], [8, 133, 161],
  [243, 243, 242], [200, 200, 200], [160, 160, 160], [122, 122, 121], [85, 85, 85], [52, 52, 52],
];

async function mosaicOf(name: string): Promise<Mosaic> {
  const raw = await decodeRaw(folder + name);
  return raw.kind === 'mosaic' ? raw.mosaic : remosaic(raw.frame);
}

/** Mean light of a part of the frame, white-balanced; sides as shares of the frame. */
function meanLight(
  mosaic: Mosaic,
  left: number,
  top: number,
  right: number,
  bottom: number,
): Vector3 {
  const { width, height, samples, cfa, colour } = mosaic;
  const { black, scale } = normalisation(mosaic);
  const colours = siteColours(cfa);
  const sums = { R: 0, G: 0, B: 0 };
  const counts = { R: 0, G: 0, B: 0 };
  for (let y = Math.ceil(top * height); y < bottom * height; y++) {
    for (let x = Math.ceil(left * width); x < right * width; x++) {
      const site = (y % 2) * 2 + (x % 2);
      sums[colours[site]!] += (samples[y * width + x]! - black[site]!) * scale[site]!;
      counts[colours[site]!] += 1;
    }
  }
  const [red, green, blue] = colour.asShotGains;
  return [(sums.R / counts.R) * red, (sums.G / counts.G) * green, (sums.B / counts.B) * blue];
}

const light = (code: number): number =>
  code <= 0.04045 ? code / 12.92 : ((code + 0.055) / 1.055) ** 2.4;

/** CIE Lab (D65) of linear sRGB. */
function labOf([red, green, blue]: Vector3): Vector3 {
  const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
  const y = f(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  const z = f((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Mean CIE76 over the patches' inner halves, patch 20 scaled to its brightness. */
function chartDifference(mosaic: Mosaic): number {
  const matrix = cameraToOutput(mosaic.colour, 'srgb');
  const seen = patches.map((_, at): Vector3 => {
    const [column, row] = [at % 6, Math.floor(at / 6)];
    const camera = meanLight(
      mosaic,
      (column + 0.25) / 6,
      (row + 0.25) / 4,
      (column + 0.75) / 6,
      (row + 0.75) / 4,
    );
    return transform(matrix, camera);
  });
  const grey = seen[19]!;
  const scale = light(200 / 255) / (0.2126 * grey[0] + 0.7152 * grey[1] + 0.0722 * grey[2]);
  const differences = patches.map(([r, g, b], at) => {
    const one = seen[at]!;
    const [l1, a1, b1] = labOf([one[0] * scale, one[1] * scale, one[2] * scale]);
    const [l2, a2, b2] = labOf([light(r / 255), light(g / 255), light(b / 255)]);
    return Math.hypot(l1 - l2, a1 - a2, b1 - b2);
  });
  return differences.reduce((sum, one) => sum + one, 0) / differences.length;
}

describe.skipIf(!existsSync(folder))('shared cases', () => {
  it.each([
    ['s02_tungsten_dual', 1.5],
    ['s03_asshotwhitexy', 1.5],
    ['s05_baseline_plus1', 1.5],
    ['s11_deflate_cfa16', 1.5],
    ['s12_float32_deflate_linear', 1.5],
    ['s17_xtrans', 1.5],
    ['s18_quadbayer', 2.5],
    ['t01b_jxl_linear', 1.5],
    // Eight bits of JPEG are off by a digit here and there; unaware of the black it was 30.
    ['t04_lossy_black51', 3],
  ] as const)('%s: the chart within ΔE %d', async (name, most) => {
    expect(chartDifference(await mosaicOf(`${name}.dng`))).toBeLessThan(most);
  });

  it('s05: a stop of baseline exposure is as bright as the chart without', async () => {
    const plus = await mosaicOf('s05_baseline_plus1.dng');
    const plain = await mosaicOf('s11_deflate_cfa16.dng');
    const ratio = meanLight(plus, 0, 0, 1, 1)[1] / meanLight(plain, 0, 0, 1, 1)[1];
    expect(ratio).toBeCloseTo(1, 1);
    expect(clippingLevel(plus)).toBe(2);
  });

  it('s04: the active area and the crop in it', async () => {
    const { width, height, cfa } = await mosaicOf('s04_active_mask_crop.dng');
    expect([width, height, cfa]).toEqual([272, 176, 'RGGB']);
  });

  it.each(['s08b_gainmap_flatgrey', 's10_vignette'])('%s: flat to 2 %%', async (name) => {
    const mosaic = await mosaicOf(`${name}.dng`);
    const centre = meanLight(mosaic, 0.45, 0.45, 0.55, 0.55);
    for (const [left, top] of [
      [0, 0],
      [0.94, 0],
      [0, 0.94],
      [0.94, 0.94],
      [0.5, 0],
    ] as const) {
      const corner = meanLight(mosaic, left, top, left + 0.06, top + 0.06);
      for (const channel of [0, 1, 2] as const)
        expect(Math.abs(corner[channel] / centre[channel] - 1)).toBeLessThan(0.02);
    }
    // The noise was multiplied with the light.
    expect(mosaic.appliedGain?.most).toBeGreaterThan(1.5);
  });

  it('t05: the noise below black is kept, so that the dark is neutral', async () => {
    const raw = await decodeRaw(`${folder}t05_linear_dark_black528.dng`);
    if (raw.kind !== 'linear') throw new Error('expected a linear frame');
    const { samples, width, height, colour } = raw.frame;
    const mosaic = remosaic(raw.frame);
    // Nothing was cut off at the pedestal's foot.
    expect(Math.min(...mosaic.samples)).toBeGreaterThan(0);
    const [red] = meanLight(mosaic, 0, 0, 1, 1);
    let sum = 0;
    for (let y = 0; y < height; y += 2)
      for (let x = 0; x < width; x += 2) sum += samples[(y * width + x) * 3]!;
    expect(red).toBeCloseTo((sum * 4) / (width * height), 5);
    expect(colour.asShotGains[0]).toBeGreaterThan(2);
  });

  it('t06: the lamp stays above white, and the dark keeps its steps', async () => {
    const raw = await decodeRaw(`${folder}t06_float_hdr_dark.dng`);
    if (raw.kind !== 'linear') throw new Error('expected a linear frame');
    expect(Math.max(...raw.frame.samples)).toBeGreaterThan(25);
    const { whiteLevel, blackLevel } = remosaic(raw.frame);
    expect(whiteLevel - blackLevel[0]).toBeGreaterThan(15_000);
  });
});
