/** Draws the darkness of one measured camera for training, as `drawDarkness` does for all cameras. */

import type { CameraProfile } from '../../preload/contract/camera-profile.ts';
import { ranges } from '../../preload/contract/edits.ts';
import { shiftSites, shiftToRggb } from '../raw/cfa.ts';
import type { PerSite } from '../raw/mosaic.ts';
import { cameraNoiseAt, isoRangeOf, type CameraNoise } from './camera-noise.ts';
import { drawSlope, type DrawDarkness, type DrawnDarkness } from './drawn-darkness.ts';
import type { Random } from './random.ts';
import { tukeyStandardDeviation } from './tukey.ts';

/**
 * How far a frame's noise may lie from what was measured (standard deviation of the logarithm): about
 * twice what calibrations of one camera scatter by in ELD and PMN (3 % for read noise, up to 30 % for
 * rows), for a sensor that is warmer or colder than it was under the cap. Narrower gains nothing: a
 * network that is off by less than 10 % in σ loses less than 0.1 dB; wider gives back what knowing
 * the camera gains.
 */
const scatter = { gain: 0.03, read: 0.07, row: 0.15 };
const lambdaScatter = 0.02;
/** Black is never known better than this share of the read noise; the blind recipe draws 0.006–0.03. */
const leastBias = 0.015;
/** As far as `drawDarkness` goes. */
const ratioMax = ranges.ratio.max;

/**
 * Darkness of this camera: an ISO from its measured range and one of its exposure times, its black
 * level, tails, rows, columns, hot pixels and steps. The slope in amplified units is drawn as for all
 * cameras, so the network sees as much of the deep dark; the ratio follows from slope and ISO. Half of
 * the patches have hot pixels and dark shading left in, as a machine that lacks the profile will.
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
    // Half of the drift is common to the sites.
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

/** An ISO at which the slope is reached by a ratio that can be asked for, if the camera has one. */
function drawIso(profile: CameraProfile, slope: number, random: Random): number {
  const [lowest, highest] = isoRangeOf(profile);
  const { gainDnPerElectron, whiteLevel, blackLevel } = cameraNoiseAt(profile, highest);
  if (gainDnPerElectron === undefined) return random.logUniform(lowest, highest);
  // K is proportional to the ISO, closely enough for this.
  const isoAtRatioOne = (highest * slope * (whiteLevel - blackLevel[0])) / gainDnPerElectron.value;
  const least = Math.min(highest, Math.max(lowest, isoAtRatioOne / ratioMax));
  const most = Math.max(least, Math.min(highest, isoAtRatioOne));
  return random.logUniform(least, most);
}

/** K as measured; unknown, any that makes the measured read noise that of some camera. */
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

/** Some or all of the shading of one place on the sensor. */
function shadingAt({ nearest }: CameraNoise, random: Random): PerSite {
  const { columns, rows, sites } = nearest.shading;
  const cell = random.integer(columns * rows);
  const share = random.unit();
  const at = (site: 0 | 1 | 2 | 3): number => share * (sites[site][cell] ?? 0);
  return [at(0), at(1), at(2), at(3)];
}
