/**
 * Applies what the user measured on a camera, and kept, to frames of that camera as they are decoded: for pictures and
 * for pairs to train on and to be scored by, so that a network is shown in training what it will be shown.
 */

import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { CameraProfile, DarkMeasurement } from '../../preload/contract/camera-profile.ts';
import { camerasFolder } from '../base/app-folder.ts';
import { calibrated, type FrameCalibration } from '../develop/calibrated.ts';
import { isSameCamera } from '../raw/camera-name.ts';
import type { Mosaic, PerSite, Shot } from '../raw/mosaic.ts';
import { readCameraProfile } from '../darkness/camera-file.ts';
import { cameraNoiseAt, isoRangeOf, type CameraNoise } from '../darkness/camera-noise.ts';
import { clippedMax } from './levels.ts';

/** A third of a stop beyond the measured ISOs; further away, gain stages may differ. */
const isoReach = 1.27;
/**
 * Up to a second, dark current is negligible. Beyond that, exposures up to twice as long or half as
 * long are comparable.
 */
const briefSeconds = 1;
const exposureReach = 2;
/** Fewer dark frames cannot show how much black varies by itself. */
const framesForBlack = 4;

/**
 * The frame calibrated with its camera's profile, or unchanged if the camera was not measured. The
 * frames of a merged mosaic were already calibrated.
 */
export async function calibratedFrame(mosaic: Mosaic): Promise<Mosaic> {
  if (mosaic.merged !== undefined) return mosaic;
  const profile = await profileOf(mosaic.shot);
  if (profile === undefined) return mosaic;
  const calibration = frameCalibration(profile, mosaic);
  return calibration === undefined ? mosaic : calibrated(mosaic, calibration);
}

/** Changes whenever a camera's profile is saved, replaced or removed. */
export async function camerasStamp(): Promise<number> {
  return (await stat(camerasFolder()).catch(() => undefined))?.mtimeMs ?? 0;
}

/** All stored profiles, and the folder's stamp when they were read. */
let known: { readonly stamp: number; readonly profiles: readonly CameraProfile[] } | undefined;

/** The latest measurement of a camera; damaged files are ignored. */
async function profileOf(shot: Pick<Shot, 'make' | 'model'>): Promise<CameraProfile | undefined> {
  const stamp = await camerasStamp();
  if (known?.stamp !== stamp) known = { stamp, profiles: stamp === 0 ? [] : await readAll() };
  return known.profiles
    .filter((profile) => profile.model !== '' && isSameCamera(profile, shot))
    .reduce<CameraProfile | undefined>(
      (latest, one) => (latest === undefined || one.measuredAt > latest.measuredAt ? one : latest),
      undefined,
    );
}

async function readAll(): Promise<CameraProfile[]> {
  const folder = camerasFolder();
  const names = await readdir(folder).catch(() => []);
  const read = names
    .filter((name) => name.endsWith('.json'))
    .map((name) => readCameraProfile(path.join(folder, name)).catch(() => undefined));
  return (await Promise.all(read)).filter((profile) => profile !== undefined);
}

/** The part of a profile that applies to a frame; undefined if its ISO was not measured. */
export function frameCalibration(
  profile: CameraProfile,
  { shot, cfa, whiteLevel }: Mosaic,
): FrameCalibration | undefined {
  const { iso, exposureSeconds } = shot;
  if (iso === undefined || cfa !== profile.cfa) return undefined;
  const [least, most] = isoRangeOf(profile);
  if (iso < least / isoReach || iso > most * isoReach) return undefined;
  const noise = cameraNoiseAt(profile, iso, exposureSeconds);
  // With another bit depth or scaling, the file's numbers do not match the measurement.
  if (whiteLevel < 0.8 * noise.whiteLevel || whiteLevel > 1.25 * noise.whiteLevel) return undefined;
  const black = blackOf(noise, exposureSeconds);
  const profileOfNoise = noiseOf(noise, profile.stepDn);
  return {
    width: profile.width,
    height: profile.height,
    readSigmaDn: noise.readSigmaDn.value,
    rowSigmaDn: noise.rowSigmaDn,
    hotPixels: profile.hotPixels,
    ...(black === undefined ? {} : { black }),
    ...(noise.gainDnPerElectron === undefined
      ? {}
      : { gainDnPerElectron: noise.gainDnPerElectron.value }),
    ...(profileOfNoise === undefined ? {} : { noise: profileOfNoise }),
  };
}

/** Black and shading, if the dark frames were exposed about as long and blacks were not clipped. */
function blackOf(
  { nearest, blackLevel }: CameraNoise,
  exposureSeconds: number | undefined,
): FrameCalibration['black'] {
  const measured = nearest.exposureSeconds;
  if (exposureSeconds === undefined || measured === undefined) return undefined;
  const isBrief = exposureSeconds <= briefSeconds && measured <= briefSeconds;
  const ratio = exposureSeconds / measured;
  if (!isBrief && (ratio > exposureReach || ratio < 1 / exposureReach)) return undefined;
  if (nearest.clippedShare > clippedMax || nearest.frames < framesForBlack) return undefined;
  const { opticalBlack } = nearest;
  return {
    level: blackLevel,
    ...(opticalBlack === undefined ? {} : { optical: opticalBlack }),
    ...(isWorthIt(nearest) ? { shading: nearest.shading } : {}),
  };
}

/** Whether the shading is certain and exceeds a tenth of the noise. */
function isWorthIt({ shading, readSigmaDn }: DarkMeasurement): boolean {
  const squares = shading.sites.flat().map((value) => value * value);
  const spread = Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length);
  return spread > 3 * shading.errorDn && spread > 0.02 * readSigmaDn.value;
}

/** Variance as a line that includes rows, columns and rounding, as files state it. */
function noiseOf(
  {
    gainDnPerElectron,
    readSigmaDn,
    rowSigmaDn,
    columnSigmaDn,
    blackLevel,
    whiteLevel,
  }: CameraNoise,
  stepDn: number,
): FrameCalibration['noise'] {
  if (gainDnPerElectron === undefined) return undefined;
  const mean = (levels: PerSite): number => levels.reduce((sum, level) => sum + level, 0) / 4;
  const range = whiteLevel - mean(blackLevel);
  const variance = readSigmaDn.value ** 2 + rowSigmaDn ** 2 + columnSigmaDn ** 2 + stepDn ** 2 / 12;
  return { slope: gainDnPerElectron.value / range, offset: variance / range ** 2 };
}
