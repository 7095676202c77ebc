/** Interpolates a measured camera's noise between the measured ISOs. */

import type {
  CameraProfile,
  DarkMeasurement,
  Figure,
  IsoMeasurement,
} from '../../preload/contract/camera-profile.ts';
import type { PerSite } from '../raw/mosaic.ts';

/** All figures for one ISO and exposure; sites are in reading order of the camera's CFA. */
export interface CameraNoise {
  readonly blackLevel: PerSite;
  readonly statedBlackLevel: PerSite;
  readonly whiteLevel: number;
  /** Absent if the gain is not known. */
  readonly gainDnPerElectron?: Figure;
  readonly readSigmaDn: Figure;
  readonly tukeyLambda: Figure;
  readonly rowSigmaDn: number;
  readonly columnSigmaDn: number;
  /** Variation of black from frame to frame; 0 if unknown. */
  readonly blackDriftDn: number;
  /** The measurement that supplies shading and hot pixels: that of the nearer ISO. */
  readonly nearest: DarkMeasurement;
}

/** [lowest, highest] ISO measured. */
export function isoRangeOf({ isos }: CameraProfile): readonly [number, number] {
  const values = isos.map(({ iso }) => iso);
  return [Math.min(...values), Math.max(...values)];
}

/**
 * Interpolates between neighbouring ISOs by their logarithm: spreads and gain geometrically, levels
 * and λ linearly. Outside the measured range it uses the nearest ISO, with the gain scaled in
 * proportion to the ISO.
 * @param exposureSeconds chooses the nearest of an ISO's exposures; the shortest if not given
 */
export function cameraNoiseAt(
  { isos }: CameraProfile,
  iso: number,
  exposureSeconds?: number,
): CameraNoise {
  const above = isos.findIndex((measured) => measured.iso >= iso);
  const upper = isos.at(above);
  const lower = isos.at(above < 0 ? -1 : Math.max(0, above - 1));
  if (upper === undefined || lower === undefined) throw new RangeError('expected a measured ISO');
  const share =
    upper.iso === lower.iso ? 1 : Math.log(iso / lower.iso) / Math.log(upper.iso / lower.iso);
  const [low, high] = [darkOf(lower, exposureSeconds), darkOf(upper, exposureSeconds)];
  const straight = (a: number, b: number): number => a * (1 - share) + b * share;
  const geometric = (a: number, b: number): number =>
    a > 0 && b > 0 ? a ** (1 - share) * b ** share : straight(a, b);
  const spread = (a: Figure, b: Figure): Figure => ({
    value: geometric(a.value, b.value),
    error: straight(a.error, b.error),
  });
  const sites = (a: PerSite, b: PerSite): PerSite => [
    straight(a[0], b[0]), straight(a[1], b[1]), straight(a[2], b[2]), straight(a[3], b[3]),
  ]; // prettier-ignore
  const nearer = share < 0.5 ? lower : upper;
  const gain = gainAt(lower, upper, iso, spread);
  return {
    blackLevel: sites(blackOf(low), blackOf(high)),
    statedBlackLevel: nearer.statedBlackLevel,
    whiteLevel: nearer.whiteLevel,
    ...(gain === undefined ? {} : { gainDnPerElectron: gain }),
    readSigmaDn: spread(low.readSigmaDn, high.readSigmaDn),
    tukeyLambda: {
      value: straight(low.tukeyLambda.value, high.tukeyLambda.value),
      error: straight(low.tukeyLambda.error, high.tukeyLambda.error),
    },
    rowSigmaDn: geometric(low.rowSigmaDn.value, high.rowSigmaDn.value),
    columnSigmaDn: geometric(low.columnSigmaDn.value, high.columnSigmaDn.value),
    blackDriftDn: straight(low.blackDriftDn?.value ?? 0, high.blackDriftDn?.value ?? 0),
    nearest: share < 0.5 ? low : high,
  };
}

const blackOf = ({ blackLevel: [a, b, c, d] }: DarkMeasurement): PerSite => [
  a.value, b.value, c.value, d.value,
]; // prettier-ignore

/** The measurement of the nearest exposure time. */
function darkOf({ dark }: IsoMeasurement, exposureSeconds: number | undefined): DarkMeasurement {
  const wanted = exposureSeconds === undefined ? -Infinity : Math.log(exposureSeconds);
  const distance = (one: DarkMeasurement): number =>
    wanted === -Infinity
      ? (one.exposureSeconds ?? 0)
      : Math.abs(Math.log(one.exposureSeconds ?? 1) - wanted);
  const [nearest] = [...dark].sort((a, b) => distance(a) - distance(b));
  if (nearest === undefined) throw new RangeError('expected dark frames at every ISO');
  return nearest;
}

/**
 * K is proportional to the ISO. If it was measured at only one of both ISOs, it is scaled from that
 * one.
 */
function gainAt(
  lower: IsoMeasurement,
  upper: IsoMeasurement,
  iso: number,
  spread: (a: Figure, b: Figure) => Figure,
): Figure | undefined {
  const scaled = (from: IsoMeasurement): Figure | undefined => {
    if (from.gain === undefined) return undefined;
    const { value, error } = from.gain.gainDnPerElectron;
    return { value: (value * iso) / from.iso, error: (error * iso) / from.iso };
  };
  const [low, high] = [scaled(lower), scaled(upper)];
  return low === undefined || high === undefined ? (low ?? high) : spread(low, high);
}
