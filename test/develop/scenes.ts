/** Mosaics for the develop line's tests: a made-up night scene, darkened by the noise of real cameras. */

import { siteColours } from '../../main/raw/cfa.ts';
import type { CfaPattern, Mosaic, PerSite, Vector3 } from '../../main/raw/mosaic.ts';
import { darken } from '../../main/darkness/darkness.ts';
import { darknessOf, simulatedCamera } from '../../main/darkness/cameras.ts';
import { Random } from '../../main/darkness/random.ts';

/** Linear light of a scene at a pixel: white is 1 in each channel. */
export type Scene = (x: number, y: number) => Vector3;

/** A street at night: dark sky, lit ground, coloured façades, a few lamps, some fine texture. */
export const street: Scene = (x, y) => {
  const sky = 0.004 + 0.006 * Math.exp(-y / 150);
  if (y < 150) return [sky, sky, 1.6 * sky];
  const house = Math.floor(x / 90) % 4;
  const shade = 0.5 + 0.4 * Math.sin(x / 40) * Math.cos(y / 55);
  const texture = 1 + 0.15 * Math.sin(x * 1.9) * Math.sin(y * 2.3);
  const light = (y < 300 ? 0.1 : 0.05) * shade * texture;
  const distance = Math.min(
    ...[
      [120, 200],
      [400, 260],
      [610, 180],
    ].map(([a = 0, b = 0]) => Math.hypot(x - a, y - b)),
  );
  const glow = distance < 6 ? 6 : 1.2 * Math.exp(-distance / 30);
  const paint: Vector3 =
    house === 0
      ? [1.4, 0.9, 0.7]
      : house === 1
        ? [0.8, 1, 1.2]
        : house === 2
          ? [1, 1, 1]
          : [0.7, 1.1, 0.9];
  return [light * paint[0] + glow, light * paint[1] + glow, light * paint[2] + glow];
};

/** Nothing but grey levels in large flat patches. */
export const patches: Scene = (x, y) => {
  const level = 0.02 + 0.24 * ((Math.floor(x / 80) + 3 * Math.floor(y / 80)) % 4);
  return [level, level, level];
};

export interface Exposure {
  readonly camera: string;
  readonly iso: number;
  /** The scene's light is divided by this. */
  readonly ratio: number;
  /** White balance gains that make the scene's light neutral. */
  readonly gains: Vector3;
  readonly seed?: number;
  readonly cfa?: CfaPattern;
  readonly isNoisy?: boolean;
}

/** A scene as a calibrated camera would record it, after a short exposure. */
export function expose(scene: Scene, width: number, height: number, exposure: Exposure): Mosaic {
  const { camera: id, iso, ratio, gains, seed = 1, isNoisy = true } = exposure;
  const camera = simulatedCamera(id);
  const cfa = exposure.cfa ?? camera.cfa;
  const colours = siteColours(cfa).map((colour) => 'RGB'.indexOf(colour));
  const parameters = darknessOf(simulatedCamera(id), iso, new Random(seed, iso));
  const range = camera.whiteLevel - camera.blackLevel;
  const clean = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const channel = colours[(y & 1) * 2 + (x & 1)]!;
      clean[y * width + x] = (scene(x, y)[channel]! / gains[channel]! / ratio) * range;
    }
  }
  const samples = new Uint16Array(width * height);
  if (isNoisy) darken(clean, width, height, parameters, new Random(seed), samples);
  else
    samples.set(clean.map((dn) => Math.min(camera.whiteLevel, Math.round(dn + camera.blackLevel))));
  return {
    ...mosaicOf(width, height, samples, cfa),
    blackLevel: parameters.blackLevel,
    whiteLevel: parameters.whiteLevel,
    colour: { asShotGains: gains, xyzToCamera: camera.xyzToCamera },
    shot: { make: camera.make, model: camera.model, iso },
  };
}

/** A mosaic of given samples, black 0 and white 16383 unless changed. */
export function mosaicOf(
  width: number,
  height: number,
  samples: Uint16Array,
  cfa: CfaPattern = 'RGGB',
): Mosaic {
  const blackLevel: PerSite = [0, 0, 0, 0];
  return {
    width,
    height,
    samples,
    cfa,
    blackLevel,
    whiteLevel: 16_383,
    orientation: 1,
    colour: { asShotGains: [2, 1, 1.5], xyzToCamera: simulatedCamera('sony-a7s2').xyzToCamera },
    baselineExposureStops: 0,
    shot: {},
  };
}
