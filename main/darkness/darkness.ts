/**
 * Models the sensor's noise: what a dark, short exposure does to a clean mosaic, sample by sample.
 */

import type { PerSite } from '../raw/mosaic.ts';
import type { Random } from './random.ts';
import { TukeySampler } from './tukey.ts';

/**
 * One frame's noise, in the file's own numbers (DN), shared by `nightglass simulate` and training.
 *
 *   sample = clip(round(K · Poisson(clean / K) + Tukey + Gaussian + row + column + black + bias), 0, white)
 *
 * The components and their names follow ELD (Wei et al., CVPR 2020) and PMN (Feng et al., ACM MM
 * 2022).
 */
export interface DarknessParameters {
  /** K, DN per photoelectron; 0 disables shot noise. */
  readonly gainDnPerElectron: number;
  /** Shape of the Tukey lambda read noise, > −0.5. */
  readonly tukeyLambda: number;
  /**
   * Scale of the Tukey lambda read noise (not its standard deviation: see
   * `tukeyStandardDeviation`), DN.
   */
  readonly tukeyScaleDn: number;
  /** Standard deviation of additional Gaussian read noise, DN. */
  readonly gaussianSigmaDn: number;
  /** Standard deviation of each sensor row's common offset, DN. */
  readonly rowSigmaDn: number;
  /** The same for columns. Default 0. */
  readonly columnSigmaDn?: number;
  /** This frame's offset of each CFA site, which the file's black level does not include, DN. */
  readonly biasDn: PerSite;
  /** Error of the file's black level, equal for all sites, DN. */
  readonly blackErrorDn: number;
  /** Black level stated in the file, DN. */
  readonly blackLevel: PerSite;
  /** Saturation, DN. */
  readonly whiteLevel: number;
  /** Step size of the file's numbers, DN: 4 if 12 bits are stored as 14. Default 1. */
  readonly stepDn?: number;
}

/**
 * Darkens a mosaic.
 * @param cleanDn width × height expected samples above black, row-major, DN; negative values count
 *   as no light. Already divided by the exposure ratio.
 * @param noisy receives width × height samples, 0 … white level
 * @throws RangeError if the lengths don't fit
 */
export function darken(
  cleanDn: Float32Array,
  width: number,
  height: number,
  parameters: DarknessParameters,
  random: Random,
  noisy: Uint16Array,
): void {
  if (cleanDn.length < width * height || noisy.length < width * height) {
    throw new RangeError(
      `expected ${width * height} samples for cleanDn and noisy, got ${cleanDn.length} and ${noisy.length}`,
    );
  }
  const { gainDnPerElectron: gain, gaussianSigmaDn, rowSigmaDn, whiteLevel } = parameters;
  const { tukeyScaleDn, columnSigmaDn = 0, stepDn = 1 } = parameters;
  const tukey = tukeyScaleDn > 0 ? new TukeySampler(parameters.tukeyLambda) : undefined;
  const electronsPerDn = gain > 0 ? 1 / gain : 0;
  const pedestal = Float64Array.from(
    parameters.blackLevel,
    (black, site) => black + parameters.blackErrorDn + parameters.biasDn[site]!,
  );
  const columnDn =
    columnSigmaDn > 0
      ? Float64Array.from({ length: width }, () => columnSigmaDn * random.gaussian())
      : undefined;
  for (let y = 0; y < height; y++) {
    const rowDn = rowSigmaDn > 0 ? rowSigmaDn * random.gaussian() : 0;
    const evenDn = rowDn + pedestal[(y & 1) * 2]!;
    const oddDn = rowDn + pedestal[(y & 1) * 2 + 1]!;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      let dn = cleanDn[at]!;
      if (dn < 0) dn = 0;
      if (electronsPerDn > 0) dn = gain * random.poisson(dn * electronsPerDn);
      if (tukey !== undefined) dn += tukeyScaleDn * tukey.draw(random);
      if (gaussianSigmaDn > 0) dn += gaussianSigmaDn * random.gaussian();
      if (columnDn !== undefined) dn += columnDn[x]!;
      dn += (x & 1) === 0 ? evenDn : oddDn;
      dn = stepDn === 1 ? Math.round(dn) : Math.round(dn / stepDn) * stepDn;
      noisy[at] = dn < 0 ? 0 : dn > whiteLevel ? whiteLevel : dn;
    }
  }
}
