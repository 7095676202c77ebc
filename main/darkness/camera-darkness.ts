/**
 * Draws the darkness of one measured camera for training, as `drawDarkness` does for cameras in
 * general.
 */

import type { CameraProfile } from '../../preload/contract/camera-profile.ts';
import { ranges } from '../../preload/contract/edits.ts';
import { shiftSites, shiftToRggb } from '../raw/cfa.ts';
import type { PerSite } from '../raw/mosaic.ts';
import { cameraNoiseAt, isoRangeOf, type CameraNoise } from './camera-noise.ts';
import { drawSlope, type DrawDarkness, type DrawnDarkness } from './drawn-darkness.ts';
import type { Random } from './random.ts';
import { tukeyStandardDeviation } from './tukey.ts';

/**
 * How far a frame's noise may deviate from the measurement (standard deviation of the logarithm),
 * for a sensor that is warmer or colder than when it was measured. About twice the scatter between
 * calibrations of one camera in ELD and PMN (3 % for read noise, up to 30 % for rows). A narrower
 * scatter gains nothing, because a network that is off by less than 10 % in σ loses less than 0.1
 * dB. A wider one loses the advantage of knowing the camera.
 */
const scatter = { gain: 0.03, read: 0.07, row: 0.15 };
const lambdaScatter = 0.02;
/**
 * Black is never assumed to be known better than this share of the read noise; `drawDarkness` draws
 * 0.006–0.03.
 */
const leastBias = 0.015;
/** The same limit as in `drawDarkness`. */
const ratioMax = ranges.ratio.max;

/**
 * Draws darkness of this camera: an ISO from its measured range and one of its exposure times, with
 * its black level, tails, rows, columns, hot pixels and step size. The slope in amplified units is
 * drawn as for cameras in general, so that the network sees as much of the deep dark; the ratio
 * follows from slope and ISO. Half of the patches keep hot pixels and dark shading, as they appear
 * on a computer without the camera's profile.
 *
 * @param deepDark as in `drawSlope`
 */
export function cameraDarkness(profile: CameraProfile, deepDark = 0): DrawDarkness {
  const exposures = profile.isos.flatMap(({ dark }) => dark.map((one) => one.exposureSeconds));
  const shift = shiftToRggb(profile.cfa);
  return (random) => {
    const slope = drawSlope(random, deepDark);
    const exposureSeconds = random.pick(exposures);
    const noise = cameraNoiseAt(profile, drawIso(profile, slope, random), exposureSeconds);
    const read = noise.readSigmaDn;
    const readSigmaDn = read.value * spread(scatter.read, read.error / read.value, random);
    const gainDnPerElectron = drawGain(noise, readSigmaDn, slope, random);
    const black = shiftSites(noise.blackLevel, shift);
    const rangeDn = noise.whiteLevel - black[0];
    const ratio = Math.min(ratioMax, Math.max(1, (slope * rangeDn) / gainDnPerElectron));
    const { value: lambda, error } = noise.tukeyLambda;
    const tukeyLambda = Math.max(
      -0.4,
      Math.min(0.5, lambda + Math.max(lambdaScatter, error) * random.gaussian()),
    );
    const isCorrected = random.chance(0.5);
    const residue = isCorrected ? zero : shiftSites(shadingAt(noise, random), shift);
    const bias = Math.max(noise.blackDriftDn, leastBias * readSigmaDn);
    // Half of the drift's variance is common to all sites.
    const common = Math.SQRT1_2 * bias * random.gaussian();
    const site = (index: 0 | 1 | 2 | 3): number =>
      common + Math.SQRT1_2 * bias * random.gaussian() + residue[index];
    const { share, excessDn } = noise.nearest.hot;
    const drawn: DrawnDarkness = {
      parameters: {
        gainDnPerElectron,
        tukeyLambda,
        tukeyScaleDn: readSigmaDn / tukeyStandardDeviation(tukeyLambda),
        gaussianSigmaDn: 0,
        rowSigmaDn: noise.rowSigmaDn * spread(scatter.row, 0, random),
        columnSigmaDn: noise.columnSigmaDn * spread(scatter.row, 0, random),
        biasDn: [site(0), site(1), site(2), site(3)],
        blackErrorDn: 0,
        blackLevel: black,
        whiteLevel: noise.whiteLevel,
        stepDn: profile.stepDn,
      },
      ratio,
      ...(isCorrected || excessDn.length === 0 ? {} : { hot: { share, excessDn } }),
    };
    return drawn;
  };
}

const zero: PerSite = [0, 0, 0, 0];

function spread(usual: number, error: number, random: Random): number {
  return Math.exp(Math.max(usual, error) * random.gaussian());
}

/** An ISO at which an allowed ratio gives the slope, if the camera has one. */
function drawIso(profile: CameraProfile, slope: number, random: Random): number {
  const [lowest, highest] = isoRangeOf(profile);
  const { gainDnPerElectron, whiteLevel, blackLevel } = cameraNoiseAt(profile, highest);
  if (gainDnPerElectron === undefined) return random.logUniform(lowest, highest);
  // K is nearly proportional to the ISO, which is exact enough here.
  const isoAtRatioOne = (highest * slope * (whiteLevel - blackLevel[0])) / gainDnPerElectron.value;
  const least = Math.min(highest, Math.max(lowest, isoAtRatioOne / ratioMax));
  const most = Math.max(least, Math.min(highest, isoAtRatioOne));
  return random.logUniform(least, most);
}

/**
 * The measured K. If it is unknown, one with which the measured read noise is plausible in
 * electrons.
 */
function drawGain(
  { gainDnPerElectron }: CameraNoise,
  readSigmaDn: number,
  slope: number,
  random: Random,
): number {
  if (gainDnPerElectron === undefined)
    return readSigmaDn / random.logUniform(0.4, slope > 0.05 ? 2.2 : 4.6);
  const { value, error } = gainDnPerElectron;
  return value * spread(scatter.gain, error / value, random);
}

/** Part or all of the shading at a random place of the sensor. */
function shadingAt({ nearest }: CameraNoise, random: Random): PerSite {
  const { columns, rows, sites } = nearest.shading;
  const cell = random.integer(columns * rows);
  const share = random.unit();
  const at = (site: 0 | 1 | 2 | 3): number => share * (sites[site][cell] ?? 0);
  return [at(0), at(1), at(2), at(3)];
}
