/**
 * Returns some of the grain that the network removed: fine, grey, and never stronger than the
 * frame's own noise.
 */

import type { NoiseProfile, Vector3 } from '../raw/mosaic.ts';
import type { TileResult } from './develop.ts';
import { factorsWithin, type NoiseMap } from './noise-map.ts';
import { placesWithin, type Rectangle } from './tiles.ts';
import { ownChannel } from './unpack.ts';

export interface GrainOptions {
  /** 1 leaves the network's picture as it is, 0 returns all the grain. */
  readonly strength: number;
  /** Noise of the frame's normalised samples. */
  readonly noise: NoiseProfile;
  /** The ratio that the tile's input was amplified by. */
  readonly ratio: number;
  readonly gains: Vector3;
  /** Where the frame is noisier than `noise` says. */
  readonly map?: NoiseMap | undefined;
}

/**
 * The mean of so many packed pixels around a site is subtracted: anything coarser than 7 packed (14
 * full) pixels is blotches, not grain. Together with `rim`, a pixel's grain depends on at most 8
 * pixels around it. A tile's halo holds all of these as the whole frame would have them.
 */
const highPassRadius = 3;
/** Packed pixels around the core whose high-passed difference is needed. */
const rim = 1;

/**
 * Adds grain to a developed tile, in place. What the network removed at each site of the mosaic
 * (input less output) is divided by its own noise; outliers are dropped; the coarse part of each
 * colour's plane is subtracted. The four sites are then mixed into one grey grain, as strong as the
 * luminance noise of a plain demosaic. The grain of a pixel is limited by its own light, because
 * grain in the deepest shadows would only lift them. Anything already returned as detail is not
 * added twice.
 * @param tile samples and what they were made from; the window must reach the halo around the core,
 *   except at the edge of the frame
 */
export function addGrain(
  tile: TileResult,
  { strength, noise, ratio, gains, map }: GrainOptions,
): void {
  const amount = 1 - Math.min(1, Math.max(0, strength));
  // The picture of an earlier developing has the grain it was given then.
  if (!(amount > 0) || tile.input.length === 0) return;
  const { core } = tile.tile;
  const region = {
    x: core.x - rim,
    y: core.y - rim,
    width: core.width + 2 * rim,
    height: core.height + 2 * rim,
  };
  const factors = map && factorsWithin(map, tile.tile.window);
  const [red, green, blue] = gains;
  const fields = [red, green, green, blue].map((gain, site) => {
    const amplification = ratio * gain;
    return highPass(
      residual(tile, region, site, factors, {
        slope: noise.slope * amplification,
        offset: noise.offset * amplification * amplification,
      }),
      region.width,
      region.height,
    );
  });
  const amplified = { slope: noise.slope * ratio, offset: noise.offset * ratio * ratio };
  addToRows(tile, fields, region.width, 0, amplified, factors, amount);
  addToRows(tile, fields, region.width, 1, amplified, factors, amount);
}

/** In σ: a larger difference is not noise. */
const outlier = 6;
/** Below this variance (amplified), noise is not visible. */
const varianceMin = 1e-10;

/**
 * What the network removed at one site of each cell, in units of the noise there.
 * @param factors of the window's packed pixels: noise variance is multiplied by these
 * @param noise of the site's amplified samples
 * @returns [region.height + 2 · highPassRadius, region.width + 2 · highPassRadius]
 */
function residual(
  tile: TileResult,
  region: Rectangle,
  site: number,
  factors: Float32Array | undefined,
  noise: NoiseProfile,
): Float32Array {
  const { window } = tile.tile;
  const { input, output } = tile;
  const plane = window.width * window.height;
  const inputPlane = site * plane;
  const outputPlane = ownChannel(site) * plane;
  const width = region.width + 2 * highPassRadius;
  const height = region.height + 2 * highPassRadius;
  const columns = placesWithin(region.x - highPassRadius - window.x, width, window.width);
  const rows = placesWithin(region.y - highPassRadius - window.y, height, window.height);
  const values = new Float32Array(width * height);
  const { slope, offset } = noise;
  for (let y = 0, out = 0; y < height; y++) {
    const row = rows[y]! * window.width;
    for (let x = 0; x < width; x++, out++) {
      const at = row + columns[x]!;
      const clean = output[outputPlane + at]!;
      const stated = offset + slope * Math.max(0, clean);
      const variance = Math.max(varianceMin, stated * (factors?.[at] ?? 1));
      const taken = (input[inputPlane + at]! - clean) / Math.sqrt(variance);
      // The identity up to some 3σ, then back to 0 (Tukey's biweight, one power steeper), so that
      // hot pixels do not return.
      const far = Math.min(1, taken * taken * (1 / (outlier * outlier)));
      const left = 1 - far * far;
      values[out] = taken * left * left;
    }
  }
  return values;
}

/**
 * Subtracts from each value the mean of the square around it.
 * @param values with `highPassRadius` more on each side than is returned
 */
function highPass(values: Float32Array, width: number, height: number): Float32Array {
  const side = 2 * highPassRadius + 1;
  const stride = width + 2 * highPassRadius;
  const result = new Float32Array(width * height);
  const share = 1 / (side * side);
  // Running sums in doubles. Their rounding errors are far below a float's last digit, so the
  // result does not depend on where a tile begins.
  const sums = new Float64Array(stride);
  const addRow = (row: number, sign: number): void => {
    for (let x = 0, at = row * stride; x < stride; x++, at++) sums[x]! += sign * values[at]!;
  };
  for (let row = 0; row < side - 1; row++) addRow(row, 1);
  for (let y = 0; y < height; y++) {
    addRow(y + side - 1, 1);
    const centre = (y + highPassRadius) * stride + highPassRadius;
    let sum = 0;
    for (let x = 0; x < side - 1; x++) sum += sums[x]!;
    for (let x = 0, out = y * width; x < width; x++, out++) {
      sum += sums[x + side - 1]!;
      result[out] = values[centre + x]! - sum * share;
      sum -= sums[x]!;
    }
    addRow(y, -1);
  }
  return result;
}

/**
 * Adds the mixed grain to the upper (dy 0) or lower (1) row of every cell of the core: half of a
 * site's own and an eighth of each of its four neighbours'. These weights leave no pattern of the
 * sensor's colours.
 */
function addToRows(
  { tile: { core, window }, samples, returned }: TileResult,
  fields: readonly Float32Array[],
  stride: number,
  dy: 0 | 1,
  { slope, offset }: NoiseProfile,
  factors: Float32Array | undefined,
  amount: number,
): void {
  const left = fields[dy * 2]!;
  const right = fields[dy * 2 + 1]!;
  const otherLeft = fields[2 - dy * 2]!;
  const otherRight = fields[3 - dy * 2]!;
  // The rows above and below a site are the other row of its own cell and of the neighbouring cell.
  const next = dy === 0 ? -stride : stride;
  for (let y = 0; y < core.height; y++) {
    const start = (y + rim) * stride + rim;
    let out = (2 * y + dy) * core.width * 6;
    let before = right[start - 1]!;
    let here = left[start]!;
    const inWindow = (core.y - window.y + y) * window.width + core.x - window.x - start;
    for (let at = start, end = start + core.width; at < end; at++, out += 6) {
      const besideHere = right[at]!;
      const after = left[at + 1]!;
      const first =
        0.5 * here + 0.125 * (before + besideHere + otherLeft[at]! + otherLeft[at + next]!);
      const second =
        0.5 * besideHere + 0.125 * (here + after + otherRight[at]! + otherRight[at + next]!);
      before = besideHere;
      here = after;
      const rest = amount * (1 - (returned?.[y * core.width + at - start] ?? 0));
      const factor = factors?.[inWindow + at] ?? 1;
      addToPixel(samples, out, rest * first, slope * factor, offset * factor);
      addToPixel(samples, out + 3, rest * second, slope * factor, offset * factor);
    }
  }
}

/** @param grain in units of the noise of the pixel's own light */
function addToPixel(
  samples: Float32Array,
  at: number,
  grain: number,
  slope: number,
  offset: number,
): void {
  const red = samples[at]!;
  const green = samples[at + 1]!;
  const blue = samples[at + 2]!;
  const light = 0.25 * (red + blue) + 0.5 * green;
  if (!(light > 0)) return;
  const variance = slope * light + offset;
  // σ where there is enough light for it, otherwise half the light.
  const change = grain * light * Math.sqrt(variance / (light * light + 4 * variance));
  samples[at] = red + change;
  samples[at + 1] = green + change;
  samples[at + 2] = blue + change;
}
