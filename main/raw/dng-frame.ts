/**
 * Converts a DNG's decoded samples, as stored, to a mosaic or a linear frame, by the file's own
 * tags.
 */

import type { About } from './about.ts';
import { shiftCfa, shiftOf, shiftSites } from './cfa.ts';
import { sixteenBitsOf, type SixteenBits } from './sixteen-bits.ts';
import {
  lightOf,
  needsLight,
  placedWarps,
  shownPart,
  warpsOf,
  type DngFile,
  type LitFrame,
} from './dng-light.ts';
import type {
  CfaPattern,
  DecodedRaw,
  LinearFrame,
  Mosaic,
  NoiseProfile,
  PerSite,
  PlacedWarp,
  Vector3,
} from './mosaic.ts';
import { dngBlack } from './levels.ts';
import type { Plane } from './payload/plane.ts';
import type { SensorKind } from './sensor-kind.ts';
import { bayerOfXTrans, shiftPattern } from './xtrans.ts';

export type AboutDng = About & { readonly noiseProfile?: NoiseProfile };

interface DngPlane {
  readonly plane: Plane;
  /** Whether the linearization table was already applied when the samples were read. */
  readonly isLinearised: boolean;
  readonly kind: SensorKind;
  /** White level if the file states none. */
  readonly white?: number | undefined;
}

const linearizationTable = 50_712;
const blackLevelTag = 50_714;
const whiteLevelTag = 50_717;

/** Steps to the next sample of the same colour. */
const colourPitches = { bayer: 2, quad: 4, xtrans: 6, monochrome: 1, linear: 1 } as const;

/**
 * @param name the file's own name, for messages
 * @throws Refusal as `lightOf`
 */
export function dngFrame(
  { plane, isLinearised, kind, white }: DngPlane,
  dng: DngFile,
  about: AboutDng,
  name: string,
): DecodedRaw {
  const exact = exactMosaic({ plane, isLinearised, kind, white }, dng, about);
  if (exact !== undefined) return { kind: 'mosaic', mosaic: exact };
  const options = {
    colourPitch: colourPitches[kind.kind],
    isLinearised,
    ...(white === undefined ? {} : { white }),
  };
  const lit = lightOf(plane, dng, options, name);
  if (kind.kind === 'linear') {
    const { noiseProfile: _, ...rest } = about;
    const { developed } = dng;
    const frame = linearFrame(lit, rest);
    return { kind: 'linear', frame: developed === undefined ? frame : { ...frame, developed } };
  }
  return { kind: 'mosaic', mosaic: mosaicOf(lit, kind, about) };
}

/** Valid files have at least this range between black and white. */
const minRange = 16;

/**
 * The stored numbers unchanged, if they fit and the file requires no processing; undefined
 * otherwise.
 */
function exactMosaic(
  { plane, isLinearised, kind, white: unstated }: DngPlane,
  dng: DngFile,
  about: AboutDng,
): Mosaic | undefined {
  const { samples, bits, width } = plane;
  const isSimple = kind.kind === 'bayer' || kind.kind === 'monochrome';
  if (!isSimple || samples instanceof Float32Array || bits === undefined) return undefined;
  if (needsLight(dng) || (!isLinearised && dng.image.has(linearizationTable))) return undefined;
  const stated = dng.image.has(blackLevelTag);
  const black = stated ? dngBlack(dng.image, { rows: 0, columns: 0 }) : everywhere(0);
  const white = dng.image.number(whiteLevelTag) ?? unstated ?? 2 ** bits - 1;
  const isOrdered = black?.every((level) => level >= 0 && level + minRange <= white) === true;
  // Invalid levels are left to `lightOf`, which reports what is wrong.
  if (black === undefined || !isOrdered || !Number.isInteger(white)) return undefined;
  const { active, shown } = shownPart(dng, plane);
  const [down, along] = [shown.top - active.top, shown.left - active.left];
  const size = { width: shown.right - shown.left, height: shown.bottom - shown.top };
  const cut = new Uint16Array(size.width * size.height);
  for (let row = 0; row < size.height; row++) {
    const from = (shown.top + row) * width + shown.left;
    cut.set(samples.subarray(from, from + size.width), row * size.width);
  }
  const warps = placedWarps(warpsOf(dng.lists), active, shown);
  return {
    ...size,
    samples: cut,
    cfa: kind.kind === 'bayer' ? shiftCfa(kind.cfa, down, along) : 'RGGB',
    blackLevel: shiftSites(black, shiftOf(down, along)),
    whiteLevel: white,
    ...(warps.length > 0 ? { warps } : {}),
    ...(kind.kind === 'monochrome' ? { isMonochrome: true } : {}),
    ...about,
  };
}

/** White balance is applied, as linear frames require. */
function linearFrame(lit: LitFrame, about: About): LinearFrame {
  const { width, height, samples, warps } = lit;
  const { asShotGains } = about.colour;
  for (let channel = 0; channel < 3; channel++) {
    const gain = asShotGains[channel]!;
    for (let i = channel; i < samples.length; i += 3) samples[i]! *= gain;
  }
  return { width, height, samples, ...(warps.length > 0 ? { warps } : {}), ...about };
}

function mosaicOf(
  lit: LitFrame,
  kind: Exclude<SensorKind, { kind: 'linear' }>,
  { noiseProfile, ...about }: AboutDng,
): Mosaic {
  const { warps, gain } = lit;
  const { width, height, cfa, sixteen, averaged } = sensorMosaic(
    lit,
    kind,
    about.colour.asShotGains,
  );
  const noise =
    noiseProfile === undefined
      ? undefined
      : { slope: noiseProfile.slope / averaged, offset: noiseProfile.offset / averaged };
  return {
    width,
    height,
    samples: sixteen.samples,
    cfa,
    blackLevel: everywhere(sixteen.blackLevel),
    whiteLevel: sixteen.whiteLevel,
    ...(noise === undefined ? {} : { noiseProfile: noise }),
    ...(gain.most === 1 && gain.mean === 1 ? {} : { appliedGain: gain }),
    ...(warps.length > 0
      ? { warps: warps.map((warp) => scaled(warp, 1 / Math.sqrt(averaged))) }
      : {}),
    ...(kind.kind === 'monochrome' ? { isMonochrome: true } : {}),
    ...about,
  };
}

function scaled({ warp, left, top, fullWidth, fullHeight }: PlacedWarp, by: number): PlacedWarp {
  return {
    warp,
    left: left * by,
    top: top * by,
    fullWidth: fullWidth * by,
    fullHeight: fullHeight * by,
  };
}

const everywhere = (level: number): PerSite => [level, level, level, level];

interface SensorMosaic {
  readonly width: number;
  readonly height: number;
  readonly cfa: CfaPattern;
  readonly sixteen: SixteenBits;
  /** Number of the sensor's samples that each one averages. */
  readonly averaged: number;
}

function sensorMosaic(
  lit: LitFrame,
  kind: Exclude<SensorKind, { kind: 'linear' }>,
  gains: Vector3,
): SensorMosaic {
  const { width, height, samples, left, top } = lit;
  if (kind.kind === 'quad') return binned(lit, kind);
  if (kind.kind === 'xtrans') {
    const pattern = shiftPattern(kind.pattern, top, left);
    const bayer = bayerOfXTrans(samples, { width, height }, pattern, gains);
    return { width, height, cfa: bayer.cfa, sixteen: sixteenBitsOf(bayer.samples), averaged: 1 };
  }
  const sixteen = sixteenBitsOf(samples);
  const cfa = kind.kind === 'bayer' ? shiftCfa(kind.cfa, top, left) : 'RGGB';
  return { width, height, cfa, sixteen, averaged: 1 };
}

/**
 * Averages each block of 2×2 samples of one colour. The centres of the blocks are those of a Bayer
 * sensor with half the sides, so nothing is resampled.
 */
function binned(
  { width, height, samples, left, top }: LitFrame,
  { cfa, rows, columns }: Extract<SensorKind, { kind: 'quad' }>,
): SensorMosaic {
  // Blocks begin at `rows` in the active area, and the picture at its own position there.
  const firstRow = (rows + (top & 1)) & 1;
  const firstColumn = (columns + (left & 1)) & 1;
  const blocksDown = Math.floor((top + firstRow - rows) / 2);
  const blocksAlong = Math.floor((left + firstColumn - columns) / 2);
  const across = Math.floor((width - firstColumn) / 2);
  const down = Math.floor((height - firstRow) / 2);
  const means = new Float32Array(across * down);
  for (let y = 0, out = 0; y < down; y++) {
    let at = (firstRow + 2 * y) * width + firstColumn;
    for (let x = 0; x < across; x++, at += 2, out++) {
      means[out] =
        (samples[at]! + samples[at + 1]! + samples[at + width]! + samples[at + width + 1]!) / 4;
    }
  }
  return {
    width: across,
    height: down,
    cfa: shiftCfa(cfa, blocksDown, blocksAlong),
    sixteen: sixteenBitsOf(means),
    averaged: 4,
  };
}
