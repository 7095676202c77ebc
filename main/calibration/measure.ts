/** Makes a camera profile from files: decodes and measures the dark frames one by one, then the flat ones. */

import { createHash } from 'node:crypto';
import path from 'node:path';
import {
  hotPixelsMax,
  settingsMax,
  type CameraProfile,
  type Gain,
  type IsoMeasurement,
  type PhotonTransfer,
  type Remark,
} from '../../preload/contract/camera-profile.ts';
import { cameraName, isSameCamera, unknownCamera } from '../raw/camera-name.ts';
import { decodeRaw } from '../raw/decode.ts';
import type { Matrix3, Mosaic, PerSite } from '../raw/mosaic.ts';
import { calibratedNoise } from '../raw/noise-table.ts';
import { Refusal } from '../base/refusal.ts';
import { DarkGroup, type HotPixel } from './dark.ts';
import { FlatGroup, type DarkFloor } from './flat.ts';
import { frameLevels, litBy, shadingOf } from './levels.ts';
import { isoName, remarksOnDark, remarksOnGains, shutter } from './remarks.ts';

export interface CalibrationFrames {
  /** RAW files taken with the lens cap on, of any ISO and exposure. */
  readonly dark: readonly string[];
  /**
   * RAW files of an evenly lit surface. Two of the same ISO, exposure and aperture are a pair when
   * they follow each other. If empty, the gain is a published one or unknown.
   */
  readonly flat: readonly string[];
  /** The camera's name; its make and model if absent. */
  readonly name?: string | undefined;
}

export interface CalibrationProgress {
  readonly stage: 'dark' | 'flat';
  /** Frames measured so far, and all; `file` is being read. */
  readonly done: number;
  readonly total: number;
  readonly file: string;
}

/** All dark frames of one ISO and one exposure. */
interface DarkSetting {
  readonly iso: number;
  readonly exposureSeconds: number | undefined;
  readonly whiteLevel: number;
  readonly statedBlackLevel: PerSite;
  readonly group: DarkGroup;
}

/** Facts that all frames must share. */
interface Identity {
  readonly file: string;
  readonly make: string;
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly cfa: Mosaic['cfa'];
  readonly xyzToCamera: Matrix3;
}

/** Two flat frames of a pair differ in brightness by at most this ratio. */
const pairRatio = 1.2;
/** The most excluded files that are named one by one. */
const namedMax = 20;

/**
 * Measures a camera; runs in a thread of its own (see `calibrate`).
 * @throws Refusal `dataset` where no dark frame is usable or frames are of different cameras
 */
export async function measureCamera(
  { dark, flat, name }: CalibrationFrames,
  onProgress: (progress: CalibrationProgress) => void,
): Promise<CameraProfile> {
  const measurement = new Measurement();
  const total = dark.length + flat.length;
  let done = 0;
  const advance = (stage: CalibrationProgress['stage'], file: string): void => {
    onProgress({ stage, done: done++, total, file: path.basename(file) });
  };
  for (const file of dark) {
    advance('dark', file);
    await measurement.addDark(file);
  }
  measurement.finishDark();
  for (const file of flat) {
    advance('flat', file);
    await measurement.addFlat(file);
  }
  return measurement.finish(name, flat.length > 0);
}

class Measurement {
  #identity: Identity | undefined;
  readonly #settings = new Map<string, DarkSetting>();
  #isos: IsoMeasurement[] = [];
  readonly #hotPixels = new Map<number, number>();
  readonly #flats = new Map<number, FlatGroup>();
  /** Flat frames that wait for the second of their pair; two at most. */
  #unpaired: { readonly key: string; readonly mosaic: Mosaic }[] = [];
  readonly #remarks: Remark[] = [];
  readonly #leftOut: string[] = [];
  /** The first file with each digest of samples. */
  readonly #seen = new Map<string, string>();
  #darkFiles = 0;
  #stepDn = 1;

  async addDark(file: string): Promise<void> {
    this.#darkFiles += 1;
    const mosaic = await this.#open(file);
    if (mosaic === undefined) return;
    const { iso, exposureSeconds } = mosaic.shot;
    const name = path.basename(file);
    if (iso === undefined) {
      this.#leftOut.push(`${name} does not say its ISO`);
      return;
    }
    const levels = frameLevels(mosaic);
    const shading = shadingOf(mosaic, levels);
    const lit = litBy(mosaic, levels, shading);
    if (lit !== undefined) {
      this.#leftOut.push(`${name} is not dark: ${lit}. Put the lens cap on`);
      return;
    }
    this.#stepDn = levels.step;
    const key = `${iso} ${exposureSeconds?.toPrecision(3) ?? ''}`;
    if (!this.#settings.has(key) && this.#settings.size === settingsMax) {
      this.#leftOut.push(
        `${name} has yet another ISO or exposure time, after ${settingsMax} others`,
      );
      return;
    }
    const { width, height, whiteLevel, blackLevel: statedBlackLevel } = mosaic;
    const group = this.#settings.get(key)?.group ?? new DarkGroup(width, height);
    group.add(mosaic, levels, shading);
    this.#settings.set(key, { iso, exposureSeconds, whiteLevel, statedBlackLevel, group });
  }

  /** Decodes one file and compares it with earlier ones; undefined if it is left out. */
  async #open(file: string): Promise<Mosaic | undefined> {
    const name = path.basename(file);
    let mosaic: Mosaic;
    try {
      const decoded = await decodeRaw(file);
      if (decoded.kind === 'linear') {
        this.#leftOut.push(`${name} is a colour picture without the sensor's mosaic`);
        return undefined;
      }
      mosaic = decoded.mosaic;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#leftOut.push(error.message);
      return undefined;
    }
    const { width, height, cfa, shot, colour } = mosaic;
    const { make = '', model = '' } = shot;
    const { xyzToCamera } = colour;
    const one = (this.#identity ??= { file: name, make, model, width, height, cfa, xyzToCamera });
    if (!isSameCamera(one, { make, model })) {
      throw new Refusal(
        'dataset',
        `expected frames of one camera but ${one.file} is from ${cameraName(one) ?? unknownCamera} and ${name} from ` +
          (cameraName({ make, model }) ?? unknownCamera),
      );
    }
    if (one.width !== width || one.height !== height || one.cfa !== cfa) {
      throw new Refusal(
        'dataset',
        `expected frames of one size but ${one.file} has ${one.width} × ${one.height} (${one.cfa}) and ` +
          `${name} ${width} × ${height} (${cfa}): take them all in the same RAW format`,
      );
    }
    // Copies of one frame have no noise between them, and would confirm every outlier.
    const digest = createHash('sha1').update(mosaic.samples).digest('base64');
    const other = this.#seen.get(digest);
    if (other !== undefined) {
      const original = path.basename(other) === name ? other : path.basename(other);
      this.#leftOut.push(`${name} is a copy of ${original}: each frame has to be taken anew`);
      return undefined;
    }
    this.#seen.set(digest, file);
    return mosaic;
  }

  /** Finishes the dark frames, which the flat ones build on. @throws Refusal `dataset` */
  finishDark(): void {
    if (this.#settings.size === 0) {
      const [first] = this.#leftOut;
      throw new Refusal(
        'dataset',
        first === undefined
          ? 'expected dark frames but received none'
          : `expected dark frames but none of ${this.#darkFiles} can be used: ${first}`,
      );
    }
    const settings = [...this.#settings.values()].sort(
      (a, b) => a.iso - b.iso || (a.exposureSeconds ?? 0) - (b.exposureSeconds ?? 0),
    );
    for (const { iso, exposureSeconds, whiteLevel, statedBlackLevel, group } of settings) {
      const { measurement, hotPixels } = group.finish(exposureSeconds);
      this.#noteHot(hotPixels);
      const [p, q, r, t] = statedBlackLevel;
      const last = this.#isos.at(-1);
      const known: IsoMeasurement =
        last?.iso === iso ? last : { iso, whiteLevel, statedBlackLevel: [p, q, r, t], dark: [] };
      if (known !== last) this.#isos.push(known);
      known.dark.push(measurement);
      this.#remarks.push(...remarksOnDark(known, measurement, this.#stepDn));
    }
    this.#settings.clear();
  }

  #noteHot(hotPixels: readonly HotPixel[]): void {
    for (const { index, excessDn } of hotPixels)
      this.#hotPixels.set(index, Math.max(excessDn, this.#hotPixels.get(index) ?? 0));
  }

  async addFlat(file: string): Promise<void> {
    const mosaic = await this.#open(file);
    if (mosaic === undefined) return;
    const { iso, exposureSeconds, aperture } = mosaic.shot;
    if (iso === undefined) {
      this.#leftOut.push(`${path.basename(file)} does not say its ISO`);
      return;
    }
    const key = [iso, exposureSeconds, aperture].join(' ');
    const partner = this.#unpaired.find((candidate) => candidate.key === key);
    if (partner === undefined) {
      this.#unpaired.push({ key, mosaic });
      const oldest = this.#unpaired.length > 2 ? this.#unpaired.shift() : undefined;
      if (oldest !== undefined) this.#measureFlats(oldest.mosaic);
      return;
    }
    this.#unpaired = this.#unpaired.filter((candidate) => candidate !== partner);
    this.#measureFlats(partner.mosaic, mosaic);
  }

  #measureFlats(first: Mosaic, second?: Mosaic): void {
    const { iso = 0, exposureSeconds } = first.shot;
    const group =
      this.#flats.get(iso) ?? new FlatGroup(first.whiteLevel, this.#floorOf(iso, first.blackLevel));
    this.#flats.set(iso, group);
    const isPair = second !== undefined && areAlike(first, second);
    const used = isPair
      ? group.addPair(first, second)
      : [first, ...(second === undefined ? [] : [second])].reduce(
          (sum, mosaic) => sum + group.addSingle(mosaic),
          0,
        );
    if (isPair && group.hasMoved(first, second)) {
      this.#remarks.push({
        code: 'uneven-flats',
        level: 'warning',
        message:
          `${isoName(iso)}, ${shutter(exposureSeconds)}: the two flat frames show different things: the ` +
          'camera or the light moved between them, and the gain comes out too high. Put the camera on a ' +
          'table, out of focus, and take them again',
      });
    }
    if (used > 0) return;
    this.#remarks.push({
      code: 'unused-flats',
      level: 'warning',
      message: `${isoName(iso)}, ${shutter(exposureSeconds)}: the flat frames are overexposed: expose them to the middle of the histogram`,
    });
  }

  /** The dark frames' result for an ISO; undefined if none has that ISO. */
  #floorOf(iso: number, stated: PerSite): DarkFloor {
    const dark = this.#isos.find((measured) => measured.iso === iso)?.dark[0];
    if (dark === undefined)
      return { black: stated, varianceDn2: 0, errorDn2: Number.POSITIVE_INFINITY };
    const [a, b, c, d] = dark.blackLevel;
    const read = dark.readSigmaDn;
    // Subtracting a block's mean removes an eighth of the differences between its rows and columns.
    const lines = (7 / 8) * (dark.rowSigmaDn.value ** 2 + dark.columnSigmaDn.value ** 2);
    return {
      black: [a.value, b.value, c.value, d.value],
      varianceDn2: read.value ** 2 + lines + this.#stepDn ** 2 / 12,
      errorDn2: 2 * read.value * read.error + 0.2 * lines,
    };
  }

  /** @throws Refusal `dataset` if nothing was measured */
  finish(name: string | undefined, hadFlats: boolean): CameraProfile {
    for (const { mosaic } of this.#unpaired) this.#measureFlats(mosaic);
    const one = this.#identity;
    if (one === undefined) throw new Refusal('dataset', 'expected dark frames but received none');
    const isos = withGains(this.#isos, this.#flats, one);
    const { make, model, width, height, cfa, xyzToCamera } = one;
    const brightest = [...this.#hotPixels].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const white = Math.max(...isos.map(({ whiteLevel }) => whiteLevel));
    return {
      format: 'nightglass-camera',
      version: 1,
      name: (name ?? cameraName(one) ?? unknownCamera).slice(0, 100),
      make,
      model,
      measuredAt: new Date().toISOString(),
      width,
      height,
      cfa,
      xyzToCamera: [...xyzToCamera],
      bits: Math.min(16, Math.ceil(Math.log2(white + 1))),
      stepDn: this.#stepDn,
      isos: [...isos],
      hotPixels: brightest
        .slice(0, hotPixelsMax)
        .flatMap(([index]) => [index % width, Math.floor(index / width)]),
      remarks: [
        ...this.#leftOutRemarks(),
        ...this.#remarks,
        ...remarksOnGains(isos, hadFlats),
      ].slice(0, 200),
    };
  }

  #leftOutRemarks(): Remark[] {
    const remarks = this.#leftOut.slice(0, namedMax);
    const more = this.#leftOut.length - remarks.length;
    if (more > 0) remarks.push(`${more} more frames were left out`);
    return remarks.map((message) => ({
      code: 'left-out',
      level: 'warning',
      message: `left out: ${message}`,
    }));
  }
}

/** Whether two frames of the same settings saw about the same light. */
function areAlike(first: Mosaic, second: Mosaic): boolean {
  const lightOf = (mosaic: Mosaic): number => {
    let sum = 0;
    let count = 0;
    for (let at = 0; at < mosaic.samples.length; at += 101) {
      sum += mosaic.samples[at]!;
      count++;
    }
    const black = mosaic.blackLevel.reduce((total, level) => total + level, 0) / 4;
    return Math.max(1, sum / count - black);
  };
  const ratio = lightOf(first) / lightOf(second);
  return ratio < pairRatio && ratio > 1 / pairRatio;
}

/** K is proportional to the ISO, so an ISO without flat frames scales it from the nearest that has some. */
function withGains(
  isos: readonly IsoMeasurement[],
  flats: ReadonlyMap<number, FlatGroup>,
  { make, model }: Identity,
): readonly IsoMeasurement[] {
  const measured = [...flats]
    .flatMap(([iso, group]) => {
      const found = group.finish();
      return found === undefined ? [] : [{ iso, ...found }];
    })
    .sort((a, b) => a.iso - b.iso);
  return isos.map((measurement) => {
    const { iso, whiteLevel, statedBlackLevel } = measurement;
    const own = measured.find((candidate) => candidate.iso === iso);
    if (own !== undefined) return withGain(measurement, 'flats', own.gain, own.transfer);
    const [nearest] = [...measured].sort(
      (a, b) => Math.abs(Math.log(a.iso / iso)) - Math.abs(Math.log(b.iso / iso)),
    );
    if (nearest !== undefined) {
      const value = (nearest.gain.value * iso) / nearest.iso;
      // Cameras keep this proportion to within a few per cent.
      const error = Math.hypot((nearest.gain.error * iso) / nearest.iso, 0.05 * value);
      return withGain(measurement, 'other-iso', { value, error });
    }
    const published = calibratedNoise({ make, model, iso });
    if (published === undefined) return measurement;
    const value = published.slope * (whiteLevel - statedBlackLevel[0]);
    return withGain(measurement, 'published', { value, error: 0.1 * value });
  });
}

function withGain(
  measurement: IsoMeasurement,
  source: Gain['source'],
  gainDnPerElectron: Gain['gainDnPerElectron'],
  transfer?: PhotonTransfer,
): IsoMeasurement {
  return {
    ...measurement,
    gain: { gainDnPerElectron, source },
    ...(transfer === undefined ? {} : { photonTransfer: transfer }),
  };
}
