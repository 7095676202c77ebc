/** Draws the darkness of one frame: how strong its noise is and how far it is amplified. */

import { ranges } from '../../preload/contract/edits.ts';
import type { PerSite } from '../raw/mosaic.ts';
import type { DarknessParameters } from './darkness.ts';
import type { Random } from './random.ts';
import { tukeyStandardDeviation } from './tukey.ts';

/** A darkness in amplified units turned into one for a made-up sensor, and how to amplify it. */
export interface DrawnDarkness {
  readonly parameters: DarknessParameters;
  /** Exposure ratio. */
  readonly ratio: number;
  /** Hot pixels: their share of all, and deciles of how far they lie above the others, DN. */
  readonly hot?: { readonly share: number; readonly excessDn: readonly number[] };
}

/** From this shot noise slope on it is deep dark: about an A7S II's at ISO 6400 ×200, or 25600 ×50. */
const deepestFrom = 0.08;

/** Draws one frame's darkness; nothing but `random` may decide what comes out. */
export type DrawDarkness = (random: Random) => DrawnDarkness;

/**
 * Shot noise slope in amplified units; below 0.004 it is called faint.
 * @param deepDark share of the patches, 0–1, that come from the deep dark without further ado
 */
export function drawSlope(random: Random, deepDark = 0): number {
  // No die is cast for a share of nothing: runs without it stay what they were, bit for bit.
  if (deepDark > 0 && random.chance(deepDark)) return random.logUniform(deepestFrom, 0.7);
  return random.chance(1 / 6) ? random.logUniform(0.0005, 0.004) : random.logUniform(0.004, 0.7);
}

const perSite = (draw: () => number): PerSite => [draw(), draw(), draw(), draw()];

/**
 * Draws a frame's noise as the recipe says, in amplified units at green (white is 1): shot noise
 * slope a log-uniform 0.004–0.7 (a sixth of the patches 0.0005–0.004, half of these at ratios below
 * 30); read noise a × 0.4–4.6 electrons (the A7S II has 4.2 at ISO 1600; at most 2.2 where a > 0.05);
 * Tukey λ −0.32 … 0.16 (ELD and PMN measured down to −0.26); row noise 0.03–0.22 and each site's bias
 * 0.006–0.03 of the read noise (PMN's A7S II has 0.006–0.015); 14 bits, or 12 in a quarter.
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
  // A gain past 40 DN per electron (at 14 bits) exists in no camera, and would push the noise
  // below the black level's reach.
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
