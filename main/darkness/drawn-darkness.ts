/** Draws the darkness of one frame: the strength of its noise and its amplification. */

import { ranges } from '../../preload/contract/edits.ts';
import type { PerSite } from '../raw/mosaic.ts';
import type { DarknessParameters } from './darkness.ts';
import type { Random } from './random.ts';
import { tukeyStandardDeviation } from './tukey.ts';

/** A darkness drawn in amplified units, converted to an invented sensor, and its ratio. */
export interface DrawnDarkness {
  readonly parameters: DarknessParameters;
  /** Exposure ratio. */
  readonly ratio: number;
  /** Hot pixels: their share of all, and deciles of their excess over the others, DN. */
  readonly hot?: { readonly share: number; readonly excessDn: readonly number[] };
}

/**
 * Shot noise slope at which the deep dark begins: about an A7S II's at ISO 6400 ×200, or 25600 ×50.
 */
const deepestFrom = 0.08;

/** Draws one frame's darkness; the result depends only on `random`. */
export type DrawDarkness = (random: Random) => DrawnDarkness;

/**
 * Draws a shot noise slope in amplified units. Slopes below 0.004 are called faint.
 * @param deepDark share of patches, 0–1, drawn only from the deep dark
 */
export function drawSlope(random: Random, deepDark = 0): number {
  // A share of zero draws no random number, so that runs without it stay the same bit for bit.
  if (deepDark > 0 && random.chance(deepDark)) return random.logUniform(deepestFrom, 0.7);
  return random.chance(1 / 6) ? random.logUniform(0.0005, 0.004) : random.logUniform(0.004, 0.7);
}

const perSite = (draw: () => number): PerSite => [draw(), draw(), draw(), draw()];

/**
 * Draws a frame's noise by the recipe, in amplified units at green (white is 1). Shot noise slope
 * a: log-uniform 0.004–0.7, but 0.0005–0.004 in a sixth of the patches, half of these at ratios
 * below 30. Read noise: a × 0.4–4.6 electrons, at most 2.2 where a > 0.05 (the A7S II has 4.2 at
 * ISO 1600). Tukey λ: −0.32 … 0.16 (ELD and PMN measured down to −0.26). Row noise: 0.03–0.22 of
 * the read noise. Bias of each site: 0.006–0.03 of it (PMN's A7S II has 0.006–0.015). Bits: 14, or
 * 12 in a quarter of the patches.
 *
 * @param deepDark as in `drawSlope`
 */
export function drawDarkness(random: Random, deepDark = 0): DrawnDarkness {
  const slope = drawSlope(random, deepDark);
  const faint = slope < 0.004;
  const twelveBits = random.chance(0.25);
  const blackDn = twelveBits ? 128 : 512;
  const whiteLevel = twelveBits ? 4095 : 16383;
  const rangeDn = whiteLevel - blackDn;
  // No camera has a gain above 40 DN per electron (at 14 bits), which would push the noise below
  // zero in the file.
  const leastRatio = Math.min(Math.max(30, (slope * 16383) / 40), 290);
  const ratio =
    faint && random.chance(0.5)
      ? random.logUniform(1, 30)
      : random.logUniform(leastRatio, ranges.ratio.max);
  const gainDnPerElectron = (slope * rangeDn) / ratio;
  const readSigmaDn = gainDnPerElectron * random.logUniform(0.4, slope > 0.05 ? 2.2 : 4.6);
  const tukeyLambda = random.uniform(-0.32, 0.16);
  const rowSigmaDn = readSigmaDn * random.uniform(0.03, 0.22);
  const biasSigmaDn = readSigmaDn * random.logUniform(0.006, 0.03);
  return {
    parameters: {
      gainDnPerElectron,
      tukeyLambda,
      tukeyScaleDn: readSigmaDn / tukeyStandardDeviation(tukeyLambda),
      gaussianSigmaDn: 0,
      rowSigmaDn,
      biasDn: perSite(() => biasSigmaDn * random.gaussian()),
      blackErrorDn: 0,
      blackLevel: perSite(() => blackDn),
      whiteLevel,
    },
    ratio,
  };
}
