/** Puts what the user measured of a camera to use on that camera's frames, as they are decoded. */

import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { CameraProfile, DarkMeasurement } from '../../preload/contract/camera-profile.ts';
import { camerasFolder } from '../base/app-folder.ts';
import { calibrated, type FrameCalibration } from '../develop/calibrated.ts';
import { isSameCamera } from '../raw/camera-name.ts';
import type { Mosaic, PerSite, Shot } from '../raw/mosaic.ts';
import { readCameraProfile } from '../darkness/camera-file.ts';
import { cameraNoiseAt, isoRangeOf, type CameraNoise } from '../darkness/camera-noise.ts';
import { clippedMax } from '../calibration/levels.ts';

/** A third of a stop beyond the measured ISOs; further away gain stages may differ. */
const isoReach = 1.27;
/** Up to a second, dark current is next to nothing; beyond it, half to double the time is alike. */
const briefSeconds = 1;
const exposureReach = 2;
/** Fewer dark frames don't say how far black wanders by itself. */
const framesForBlack = 4;

/**
 * The frame as its camera's profile makes it, if the user measured that camera; else the same. The
 * frames of a merged one were calibrated before.
 */
export async function calibratedFrame(mosaic: Mosaic): Promise<Mosaic> {
  if (mosaic.merged !== undefined) return mosaic;
  const profile = await profileOf(mosaic.shot);
  if (profile === undefined) return mosaic;
  const calibration = frameCalibration(profile, mosaic);
  return calibration === undefined ? mosaic : calibrated(mosaic, calibration);
}

/** Another one after a camera's profile was kept, replaced or removed. */
export async function camerasStamp(): Promise<number> {
  return (await stat(camerasFolder()).catch(() => undefined))?.mtimeMs ?? 0;
}

/** All that are kept, and the folder's stamp when they were read. */
let known: { readonly stamp: number; readonly profiles: readonly CameraProfile[] } | undefined;

/** The latest measurement of a camera; what is damaged is as good as none. */
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

/** What of a profile holds for one frame; undefined where its ISO was not measured. */
export function frameCalibration(
  profile: CameraProfile,
  { shot, cfa, whiteLevel }: Mosaic,
): FrameCalibration | undefined {
  const { iso, exposureSeconds } = shot;
  if (iso === undefined || cfa !== profile.cfa) return undefined;
  const [least, most] = isoRangeOf(profile);
  if (iso < least / isoReach || iso > most * isoReach) return undefined;
  const noise = cameraNoiseAt(profile, iso, exposureSeconds);
  // Another bit depth or a scaled file: its numbers are not those that were measured.
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

/** Black and shading, where the dark frames were exposed about as long and nothing was cut off. */
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

/** Shading that is surely there, and more than a tenth of what the noise hides anyway. */
function isWorthIt({ shading, readSigmaDn }: DarkMeasurement): boolean {
  const squares = shading.sites.flat().map((value) => value * value);
  const spread = Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length);
  return spread > 3 * shading.errorDn && spread > 0.02 * readSigmaDn.value;
}

/** Variance as a line, rows, columns and rounding counted in, as files state it. */
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
