/** Cameras with published noise measurements, and their noise at each ISO. */

import { z } from 'zod';
import type { CfaPattern, Matrix3, PerSite } from '../raw/mosaic.ts';
import { Refusal } from '../base/refusal.ts';
import { colourMatrices } from './colour-matrices.ts';
import type { DarknessParameters } from './darkness.ts';
import eldFile from './noise/eld_camera_params.json' with { type: 'json' };
import pmnFile from './noise/pmn_camera_params.json' with { type: 'json' };
import type { Random } from './random.ts';
import { tukeyStandardDeviation } from './tukey.ts';

const isoRow = z.object({
  /** K, DN per electron. */
  Kmax: z.number().positive(),
  lam: z.number(),
  sigTL: z.number().positive(),
  sigTLsig: z.number(),
  sigR: z.number(),
  sigRsig: z.number(),
  bias: z.number(),
  biassig: z.number(),
});
type IsoRow = z.infer<typeof isoRow>;

/** ln σ = k · ln K + b, with a scatter of sig. */
const regression = z.object({
  Kmax: z.number(),
  lam: z.number(),
  sigTLk: z.number(),
  sigTLb: z.number(),
  sigTLsig: z.number(),
  sigRk: z.number(),
  sigRb: z.number(),
  sigRsig: z.number(),
});

/** Feng et al., "Learnability Enhancement for Low-light Raw Denoising" (PMN), Apache-2.0. */
const pmn = z
  .object({
    per_iso: z.record(z.string(), isoRow),
    regression_ln: z.object({ NikonD850: regression, IMX686: regression }),
  })
  .parse(pmnFile);

const line = z.object({ slope: z.number(), bias: z.number(), sigma: z.number() });
const eldCamera = z.object({
  Kmin: z.number().positive(),
  G_shape: z.array(z.number()).min(2),
  color_bias: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])).min(2),
  'Profile-1': z.object({ R_scale: line, G_scale: line }),
});

/** Wei et al., "A Physics-based Noise Formation Model for Extreme Low-light Raw Denoising", MIT. */
const eld = z
  .object({
    CanonEOS5D4: eldCamera,
    CanonEOS700D: eldCamera,
    CanonEOS70D: eldCamera,
    NikonD850: eldCamera,
  })
  .parse(eldFile);

/** The part of a frame's noise that depends on the ISO. */
type IsoNoise = Omit<
  DarknessParameters,
  'gaussianSigmaDn' | 'blackErrorDn' | 'blackLevel' | 'whiteLevel'
>;

/** A camera that `simulate` can imitate. */
export interface SimulatedCamera {
  readonly id: string;
  readonly make: string;
  readonly model: string;
  readonly cfa: CfaPattern;
  readonly blackLevel: number;
  readonly whiteLevel: number;
  /** XYZ (D65) → camera RGB before white balance. */
  readonly xyzToCamera: Matrix3;
  /** ISO settings that the calibration covers. */
  readonly isoRange: readonly [number, number];
  readonly noiseAt: (iso: number, random: Random) => IsoNoise;
  /** Known deviations of its black level at an ISO from what its files state. */
  readonly blackAt?: (iso: number) => PerSite;
}

function matrixOf(name: string): Matrix3 {
  const matrix = colourMatrices.get(name);
  if (matrix === undefined) throw new Error(`no colour matrix is listed for ${name}`);
  return matrix;
}

const fourOf = (draw: () => number): PerSite => [draw(), draw(), draw(), draw()];

const sonyRows: readonly (readonly [number, IsoRow])[] = Object.entries(pmn.per_iso)
  .filter(([name]) => name.startsWith('SonyA7S2_'))
  .map(([name, row]): readonly [number, IsoRow] => [Number(name.slice('SonyA7S2_'.length)), row])
  .sort(([a], [b]) => a - b);

/** A7S II: the calibrated row, or a logarithmic interpolation between both neighbouring ISOs. */
function sonyNoise(iso: number, random: Random): IsoNoise {
  const above = sonyRows.findIndex(([rowIso]) => rowIso >= iso);
  const upper = sonyRows.at(above);
  const lower = sonyRows.at(Math.max(above - 1, 0));
  if (upper === undefined || lower === undefined) throw new Error('the A7S II rows are missing');
  const share = upper[0] === iso ? 1 : Math.log(iso / lower[0]) / Math.log(upper[0] / lower[0]);
  const straight = (key: keyof IsoRow): number =>
    lower[1][key] * (1 - share) + upper[1][key] * share;
  const scattered = (value: number, sigma: number): number =>
    Math.max(0, value + sigma * random.gaussian());
  return {
    // K in the rows is proportional to the ISO to 1 part in 1,000.
    gainDnPerElectron: (upper[1].Kmax * iso) / upper[0],
    tukeyLambda: straight('lam'),
    tukeyScaleDn: scattered(straight('sigTL'), straight('sigTLsig')),
    rowSigmaDn: scattered(straight('sigR'), straight('sigRsig')),
    biasDn: fourOf(() => straight('bias') + straight('biassig') * random.gaussian()),
  };
}

/** Sensors for which PMN publishes regression lines instead of rows, without their bias. */
function lineNoise(
  fit: z.infer<typeof regression>,
  gainDnPerElectron: number,
  random: Random,
): IsoNoise {
  const lnGain = Math.log(gainDnPerElectron);
  const tukeyScaleDn = Math.exp(
    fit.sigTLk * lnGain + fit.sigTLb + fit.sigTLsig * random.gaussian(),
  );
  const rowSigmaDn = Math.exp(fit.sigRk * lnGain + fit.sigRb + fit.sigRsig * random.gaussian());
  // The same share of the read noise as in the A7S II's rows.
  const biasSigmaDn = 0.01 * tukeyScaleDn * tukeyStandardDeviation(fit.lam);
  return {
    gainDnPerElectron,
    tukeyLambda: fit.lam,
    tukeyScaleDn,
    rowSigmaDn,
    biasDn: fourOf(() => biasSigmaDn * random.gaussian()),
  };
}

/** In ELD, K spans a factor of 64 from ISO 100 up (its A7S II then agrees with PMN's to 2 %). */
function eldNoise(camera: z.infer<typeof eldCamera>, iso: number, random: Random): IsoNoise {
  const gainDnPerElectron = (camera.Kmin * iso) / 100;
  const lnGain = Math.log(gainDnPerElectron);
  const drawn = ({ slope, bias, sigma }: z.infer<typeof line>): number =>
    Math.exp(slope * lnGain + bias + sigma * random.gaussian());
  // Two calibrations for each doubling of the ISO, starting at ISO 100.
  const last = camera.color_bias.length - 1;
  const row = Math.min(last, 2 * Math.round(Math.log2(iso / 100)) + random.integer(2));
  return {
    gainDnPerElectron,
    tukeyLambda: camera.G_shape.at(row) ?? 0,
    tukeyScaleDn: drawn(camera['Profile-1'].G_scale),
    rowSigmaDn: drawn(camera['Profile-1'].R_scale),
    biasDn: camera.color_bias.at(row) ?? [0, 0, 0, 0],
  };
}

/** In PMN's file, black and white level are copies of the A7S II's; these are the camera's own. */
const nikonD850: SimulatedCamera = {
  id: 'nikon-d850',
  make: 'NIKON CORPORATION',
  model: 'NIKON D850',
  cfa: 'RGGB',
  blackLevel: 400,
  whiteLevel: 15520,
  xyzToCamera: matrixOf('Nikon D850'),
  isoRange: [100, 25600],
  // K per ISO comes from ELD. PMN's line only gives a range of K, from 3.3 (ISO 800) to 12.
  noiseAt: (iso, random) =>
    lineNoise(pmn.regression_ln.NikonD850, (eld.NikonD850.Kmin * iso) / 100, random),
};

/** All cameras that `simulate` knows. */
export const simulatedCameras: readonly SimulatedCamera[] = [
  {
    id: 'sony-a7s2',
    make: 'SONY',
    model: 'ILCE-7SM2',
    cfa: 'RGGB',
    blackLevel: 512,
    whiteLevel: 16383,
    xyzToCamera: matrixOf('Sony ILCE-7SM2'),
    isoRange: [50, 25600],
    noiseAt: sonyNoise,
  },
  nikonD850,
  // No such camera exists. The project's benchmark has always used the D850 as a BGGR sensor, to
  // test a second layout. Published scores depend on it, so it stays, under a name of its own.
  { ...nikonD850, id: 'nikon-d850-bggr', cfa: 'BGGR' },
  {
    id: 'canon-5d4',
    make: 'Canon',
    model: 'Canon EOS 5D Mark IV',
    cfa: 'RGGB',
    blackLevel: 512,
    whiteLevel: 15280,
    xyzToCamera: matrixOf('Canon EOS 5D Mark IV'),
    isoRange: [100, 25600],
    noiseAt: (iso, random) => eldNoise(eld.CanonEOS5D4, iso, random),
  },
  {
    id: 'canon-700d',
    make: 'Canon',
    model: 'Canon EOS 700D',
    cfa: 'RGGB',
    blackLevel: 2048,
    whiteLevel: 15360,
    xyzToCamera: matrixOf('Canon EOS 700D'),
    isoRange: [100, 12800],
    noiseAt: (iso, random) => eldNoise(eld.CanonEOS700D, iso, random),
  },
  {
    id: 'canon-70d',
    make: 'Canon',
    model: 'Canon EOS 70D',
    cfa: 'RGGB',
    blackLevel: 2048,
    whiteLevel: 15303,
    // dcraw has one matrix for both the 6D and the 70D.
    xyzToCamera: matrixOf('Canon EOS 6D'),
    isoRange: [100, 12800],
    noiseAt: (iso, random) => eldNoise(eld.CanonEOS70D, iso, random),
  },
  {
    // A phone's 10-bit sensor. Its colour matrix is not published, so the A7S II's is used. PMN
    // gives K without the ISO; the largest K is assumed to be for ISO 6400.
    id: 'sony-imx686',
    make: 'Sony',
    model: 'IMX686',
    cfa: 'RGGB',
    blackLevel: 64,
    whiteLevel: 1023,
    xyzToCamera: matrixOf('Sony ILCE-7SM2'),
    isoRange: [100, 6400],
    noiseAt: (iso, random) => {
      const fit = pmn.regression_ln.IMX686;
      return lineNoise(fit, (Math.exp(fit.Kmax) * iso) / 6400, random);
    },
  },
];

/** @throws Refusal `bad-argument`, with the available names */
export function simulatedCamera(id: string): SimulatedCamera {
  const camera = simulatedCameras.find((candidate) => candidate.id === id);
  if (camera !== undefined) return camera;
  const known = simulatedCameras.map((candidate) => candidate.id).join(', ');
  throw new Refusal('bad-argument', `expected one of ${known} for camera, got ${id}`);
}

/**
 * One frame's noise for a camera and ISO; `random` decides what varies from frame to frame. Sites
 * of `biasDn` are in reading order of the camera's own CFA.
 *
 * @throws Refusal `bad-argument` for an ISO that was not calibrated
 */
export function darknessOf(
  { id, blackLevel, whiteLevel, isoRange, noiseAt }: SimulatedCamera,
  iso: number,
  random: Random,
): DarknessParameters {
  const [least, most] = isoRange;
  if (!(iso >= least && iso <= most)) {
    throw new Refusal(
      'bad-argument',
      `expected an ISO of ${least} to ${most} for ${id}, got ${iso}`,
    );
  }
  return {
    ...noiseAt(iso, random),
    gaussianSigmaDn: 0,
    blackErrorDn: 0,
    blackLevel: [blackLevel, blackLevel, blackLevel, blackLevel],
    whiteLevel,
  };
}
