/** Published noise measurements of cameras, and typical noise for all others. */

import { bareModel } from './camera-name.ts';
import type { NoiseProfile, Shot } from './mosaic.ts';

/** A camera's calibration, in its own 14-bit numbers (DN). */
interface Calibration {
  /** Model names as in files, in lower case, without the make. */
  readonly models: readonly string[];
  /** White level less black level, DN. */
  readonly rangeDn: number;
  /** K at ISO 100, DN per electron; it is proportional to the ISO. */
  readonly gainDnAtIso100: number;
  /** Standard deviation of the read noise, DN. */
  readonly readSigmaDn: (iso: number, gainDn: number) => number;
}

/** ELD's form: ln σ = slope · ln K + bias. */
function line(slope: number, bias: number): (iso: number, gainDn: number) => number {
  return (_, gainDn) => Math.exp(slope * Math.log(gainDn) + bias);
}

/** [ISO, σ in DN], interpolated in logarithms; outside the range σ is proportional to the ISO. */
function rows(points: readonly (readonly [number, number])[]): (iso: number) => number {
  return (iso) => {
    const above = points.findIndex(([rowIso]) => rowIso >= iso);
    const upper = points.at(above) ?? [iso, 0];
    const lower = points.at(Math.max(0, above - 1)) ?? upper;
    if (above <= 0) return (upper[1] * iso) / upper[0];
    const share = Math.log(iso / lower[0]) / Math.log(upper[0] / lower[0]);
    return lower[1] ** (1 - share) * upper[1] ** share;
  };
}

/**
 * Sources: the A7S II is from PMN (Feng et al., "Learnability Enhancement for Low-light Raw
 * Denoising", ACM MM 2022, Apache-2.0); its second amplifier starts between ISO 1600 and 2000. The
 * others are from ELD (Wei et al., "A Physics-based Noise Formation Model for Extreme Low-light Raw
 * Denoising", CVPR 2020, MIT), whose Gaussian fit to the read noise has the standard deviation of
 * the Tukey fits. Black and white levels are the cameras' own.
 */
const calibrations: readonly Calibration[] = [
  {
    models: ['ilce-7sm2', 'a7s ii'],
    rangeDn: 16_383 - 512,
    gainDnAtIso100: 0.09563,
    readSigmaDn: rows([
      [100, 1.007],
      [200, 1.293],
      [400, 2.06],
      [800, 3.548],
      [1600, 6.299],
      [2000, 2.654],
      [3200, 3.919],
      [6400, 7.116],
      [12_800, 14.25],
      [25_600, 25.85],
    ]),
  },
  {
    models: ['d850'],
    rangeDn: 15_520 - 400,
    gainDnAtIso100: 0.415,
    readSigmaDn: line(0.5635, 0.7994),
  },
  {
    models: ['eos 5d mark iv'],
    rangeDn: 15_280 - 512,
    gainDnAtIso100: 0.2182,
    readSigmaDn: line(0.6771, 1.5122),
  },
  {
    models: ['eos 700d', 'eos rebel t5i', 'eos kiss x7i'],
    rangeDn: 15_360 - 2048,
    gainDnAtIso100: 0.4476,
    readSigmaDn: line(0.6525, 2.0799),
  },
  {
    models: ['eos 70d'],
    rangeDn: 15_303 - 2048,
    gainDnAtIso100: 0.4075,
    readSigmaDn: line(0.5682, 1.9983),
  },
];

/** The calibrated noise of a shot's camera at its ISO; undefined if either is unknown. */
export function calibratedNoise(shot: Shot): NoiseProfile | undefined {
  const { iso } = shot;
  if (iso === undefined || !(iso > 0)) return undefined;
  const name = bareModel(shot);
  const found = calibrations.find(({ models }) => models.includes(name));
  if (found === undefined) return undefined;
  const gainDn = (found.gainDnAtIso100 * iso) / 100;
  const read = found.readSigmaDn(iso, gainDn) / found.rangeDn;
  return { slope: gainDn / found.rangeDn, offset: read * read };
}

/** Assumed if a file does not state its ISO; usual at night. */
const usualNightIso = 1600;

/**
 * Typical noise at an ISO: the geometric mean of the calibrations above at ISO 1600, with their
 * typical growth of read noise. For one camera in three, σ is off by ×1.5. darktable's measured
 * profiles cover many more cameras, but their median variance is nine times lower than that of any
 * of these (it would need full wells of 500,000 electrons at ISO 100). They seem to be measured
 * after demosaicing, so they say nothing about single samples.
 */
export function typicalNoise(iso: number = usualNightIso): NoiseProfile {
  const times = (iso > 0 ? iso : usualNightIso) / 1600;
  const readSigma = 8.6e-4 * times ** 0.6;
  return { slope: 3e-4 * times, offset: readSigma * readSigma };
}
