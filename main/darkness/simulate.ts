/**
 * Simulates how a known camera would have taken a clean photo in the dark: a RAW mosaic, and its
 * truth.
 */

import type { CameraLinearImage } from '../raw/image.ts';
import { siteColours } from '../raw/cfa.ts';
import type { Mosaic, NoiseProfile, Vector3 } from '../raw/mosaic.ts';
import { Refusal } from '../base/refusal.ts';
import { darknessOf, simulatedCamera, type SimulatedCamera } from './cameras.ts';
import { darken, type DarknessParameters } from './darkness.ts';
import { lightOfCode, type LinearPhoto } from './linear-photo.ts';
import {
  addLamps,
  addStars,
  drawLamps,
  drawStars,
  fluxOfSnr,
  type Lamp,
  type Star,
} from './night-scene.ts';
import { addAmpGlow, addDefects, clipBlack, type HotPixel } from './sensor-faults.ts';
import type { Random } from './random.ts';
import { multiplied, srgbToBalancedCamera, srgbToXyz } from './scene.ts';
import { tukeyStandardDeviation } from './tukey.ts';

/**
 * Exposure time that the truth stands for. The dark frame's time is this divided by the ratio, as
 * in the pairs of "Learning to See in the Dark".
 */
export const longExposureSeconds = 10;

/** Smaller pictures test nothing, and LibRaw refuses those below 22 pixels. */
const sideMin = 32;

/** A part of a photo, in its own pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Effects of a night besides darkness; effects that are not given are left out. */
export interface NightOptions {
  /** Share of the pixels that are hot, 0–1; a quarter as many are dead. */
  readonly hotPixels?: number;
  /** Stars per million pixels, with SNR 3 to 300. */
  readonly stars?: number;
  /** Width of their spots at half maximum, pixels. Default 1.6. */
  readonly starFwhm?: number;
  /** Number of lamps, coloured and 1 to 30 times white. */
  readonly lamps?: number;
  /** Standard deviation of row and column offsets in addition to the camera's own, DN. */
  readonly bandingDn?: number;
  readonly columnBandingDn?: number;
  /** Whether the camera subtracts black itself and clips values below it. */
  readonly clipsBlack?: boolean;
  /** True black level less the stated one, DN. */
  readonly blackOffsetDn?: number;
  /** Amp glow in the lower right corner, DN. */
  readonly ampGlowDn?: number;
}

/** The positions of a night's effects. */
export interface NightTruth {
  readonly stars: readonly Star[];
  readonly lamps: readonly Lamp[];
  readonly hotPixels: readonly HotPixel[];
}

export interface SimulationOptions {
  /** The id of one of `simulatedCameras`, or a similar camera. */
  readonly camera: string | SimulatedCamera;
  readonly iso: number;
  /** Long ÷ short exposure, ≥ 1: how much darker the frame is than the photo. */
  readonly ratio: number;
  /** Determines every bit of the noise. */
  readonly random: Random;
  /** Gains of R, G, B that make the scene's light neutral; green is 1. Default: daylight (D65). */
  readonly whiteBalance?: Vector3;
  /** Default: the whole photo. */
  readonly area?: Area;
  /** This frame's noise; drawn for the camera and ISO if absent. */
  readonly darkness?: DarknessParameters;
  /** Whether the file states its noise, as some phones do but no cameras. */
  readonly withNoiseProfile?: boolean;
  readonly night?: NightOptions;
}

export interface Simulation {
  /** What the camera would have stored: black level and noise included, in the camera's own CFA. */
  readonly mosaic: Mosaic;
  /** The scene without noise at the brightness of the long exposure, 0 … 8, white 1. */
  readonly truth: CameraLinearImage;
  /** This frame's noise. */
  readonly darkness: DarknessParameters;
  readonly night: NightTruth;
}

/**
 * Photographs a clean photo in the dark, with the noise model that training uses. White in the
 * photo becomes the sensor's saturation ÷ ratio at green. A photo from a RAW file keeps the colours
 * of the camera that took it, as if the simulated camera saw the same.
 *
 * @throws Refusal `bad-argument` for an unknown camera, an ISO it has no calibration for, or a
 *   ratio below 1; `dataset` for a photo below 32 pixels a side
 */
export function simulateMosaic(photo: LinearPhoto, options: SimulationOptions): Simulation {
  const { iso, ratio, random } = options;
  if (!(ratio >= 1 && Number.isFinite(ratio))) {
    throw new Refusal('bad-argument', `expected a ratio of at least 1 but received ${ratio}`);
  }
  const camera =
    typeof options.camera === 'string' ? simulatedCamera(options.camera) : options.camera;
  const { night = {} } = options;
  const darkness = nightDarkness(options.darkness ?? darknessOf(camera, iso, random), night);
  const area = options.area ?? { left: 0, top: 0, width: photo.width, height: photo.height };
  if (area.width < sideMin || area.height < sideMin) {
    throw new Refusal(
      'dataset',
      `expected at least ${sideMin} pixels a side in ${photo.name} but it has ${area.width} × ${area.height}`,
    );
  }
  const colour = {
    asShotGains: options.whiteBalance ?? daylightGains(camera),
    xyzToCamera: camera.xyzToCamera,
  };
  const { width, height } = area;
  const scene = sceneOf(photo, area, camera);
  const shining = lightNight(
    { width, height, samples: scene },
    night,
    { camera, darkness, ratio },
    random,
  );
  const cleanDn = exposed(scene, width, colour.asShotGains, {
    colours: siteColours(camera.cfa),
    dnPerUnit: (camera.whiteLevel - camera.blackLevel) / ratio,
  });
  if (night.ampGlowDn !== undefined) {
    const [x, y, reachPixels] = [width, height, 0.3 * Math.min(width, height)];
    addAmpGlow(cleanDn, width, height, { x, y, peakDn: night.ampGlowDn, reachPixels });
  }
  const samples = new Uint16Array(width * height);
  darken(cleanDn, width, height, darkness, random, samples);
  if (night.clipsBlack === true) clipBlack(samples, width, darkness.blackLevel);
  const hotPixels =
    night.hotPixels === undefined
      ? []
      : addDefects(samples, width, night.hotPixels, darkness, random);
  const mosaic: Mosaic = {
    width,
    height,
    samples,
    cfa: camera.cfa,
    blackLevel: darkness.blackLevel,
    whiteLevel: camera.whiteLevel,
    orientation: 1,
    colour,
    baselineExposureStops: 0,
    ...(options.withNoiseProfile === true ? { noiseProfile: noiseProfileOf(darkness) } : {}),
    shot: {
      make: camera.make,
      model: camera.model,
      iso,
      exposureSeconds: longExposureSeconds / ratio,
      // Prevents the file from being taken for a photograph of that camera.
      artist: 'simulated by nightglass',
    },
  };
  return {
    mosaic,
    truth: { width, height, samples: scene, colour, orientation: 1 },
    darkness,
    night: { ...shining, hotPixels },
  };
}

/** The frame's noise with banding and an undocumented black offset. */
function nightDarkness(
  darkness: DarknessParameters,
  { bandingDn, columnBandingDn, blackOffsetDn = 0 }: NightOptions,
): DarknessParameters {
  return {
    ...darkness,
    blackErrorDn: darkness.blackErrorDn + blackOffsetDn,
    ...(bandingDn === undefined ? {} : { rowSigmaDn: Math.hypot(darkness.rowSigmaDn, bandingDn) }),
    ...(columnBandingDn === undefined
      ? {}
      : { columnSigmaDn: Math.hypot(darkness.columnSigmaDn ?? 0, columnBandingDn) }),
  };
}

/** Adds lamps, and stars with SNR 3 to 300 relative to the noise of the scene's median light. */
function lightNight(
  scene: { readonly width: number; readonly height: number; readonly samples: Float32Array },
  { stars: perMegapixel, starFwhm: fwhmPixels = 1.6, lamps: lampCount }: NightOptions,
  frame: {
    readonly camera: SimulatedCamera;
    readonly darkness: DarknessParameters;
    readonly ratio: number;
  },
  random: Random,
): Omit<NightTruth, 'hotPixels'> {
  const { camera, darkness, ratio } = frame;
  const stars =
    perMegapixel === undefined
      ? []
      : drawStars(
          scene,
          {
            perMegapixel,
            fwhmPixels,
            snr: [3, 300],
            steepness: 0.8,
            fluxAtSnrOne: fluxOfSnr(sigmaOfSky(scene.samples, darkness, ratio), fwhmPixels),
            toCamera: srgbToBalancedCamera(camera.xyzToCamera),
          },
          random,
        );
  addStars(scene, stars);
  const lamps = lampCount === undefined ? [] : drawLamps(scene, lampCount, random);
  addLamps(scene, lamps);
  return { stars, lamps };
}

/** Standard deviation of the noise of an amplified green sample at the median light. */
function sigmaOfSky(scene: Float32Array, darkness: DarknessParameters, ratio: number): number {
  const green = scene.filter((_, at) => at % 3 === 1).sort();
  const light = green[green.length >> 1] ?? 0;
  const { slope, offset } = noiseProfileOf(darkness);
  return Math.sqrt(slope * ratio * light + offset * ratio * ratio);
}

/** Gains that make D65 neutral to a camera. */
export function daylightGains({ xyzToCamera }: Pick<SimulatedCamera, 'xyzToCamera'>): Vector3 {
  const toCamera = multiplied(xyzToCamera, srgbToXyz);
  const red = toCamera[0] + toCamera[1] + toCamera[2];
  const green = toCamera[3] + toCamera[4] + toCamera[5];
  const blue = toCamera[6] + toCamera[7] + toCamera[8];
  return [green / red, 1, green / blue];
}

/** Variance of normalised samples as a line that includes row noise and rounding. */
function noiseProfileOf(darkness: DarknessParameters): NoiseProfile {
  const range = darkness.whiteLevel - darkness.blackLevel[0];
  const tukeySigma = darkness.tukeyScaleDn * tukeyStandardDeviation(darkness.tukeyLambda);
  const variance =
    tukeySigma ** 2 + darkness.gaussianSigmaDn ** 2 + darkness.rowSigmaDn ** 2 + 1 / 12;
  return { slope: darkness.gainDnPerElectron / range, offset: variance / range ** 2 };
}

/** The photo's light in the camera's balanced colours, which are never negative. */
function sceneOf(photo: LinearPhoto, area: Area, { xyzToCamera }: SimulatedCamera): Float32Array {
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8] =
    photo.space === 'srgb'
      ? srgbToBalancedCamera(xyzToCamera)
      : ([1, 0, 0, 0, 1, 0, 0, 0, 1] as const);
  const scene = new Float32Array(area.width * area.height * 3);
  for (let y = 0, out = 0; y < area.height; y++) {
    let at = ((area.top + y) * photo.width + area.left) * 3;
    for (let x = 0; x < area.width; x++, at += 3, out += 3) {
      const r = lightOfCode(photo.codes[at]!);
      const g = lightOfCode(photo.codes[at + 1]!);
      const b = lightOfCode(photo.codes[at + 2]!);
      scene[out] = Math.max(0, m0 * r + m1 * g + m2 * b);
      scene[out + 1] = Math.max(0, m3 * r + m4 * g + m5 * b);
      scene[out + 2] = Math.max(0, m6 * r + m7 * g + m8 * b);
    }
  }
  return scene;
}

/**
 * Expected value of each sample above black, DN: without white balance, and as dark as the ratio
 * requires.
 */
function exposed(
  scene: Float32Array,
  width: number,
  gains: Vector3,
  sensor: { readonly colours: readonly string[]; readonly dnPerUnit: number },
): Float32Array {
  const channels = sensor.colours.map((colour) => 'RGB'.indexOf(colour));
  const scales = channels.map((channel) => sensor.dnPerUnit / gains[channel]!);
  return Float32Array.from({ length: scene.length / 3 }, (_, pixel) => {
    const [y, x] = [Math.floor(pixel / width), pixel % width];
    const site = (y & 1) * 2 + (x & 1);
    return scene[pixel * 3 + channels[site]!]! * scales[site]!;
  });
}
