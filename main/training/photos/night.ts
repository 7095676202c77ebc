/**
 * Adds nights to training patches: how many have stars, lamps and sensor faults, and how severe.
 */

import { z } from 'zod';
import type { DarknessParameters } from '../../darkness/darkness.ts';
import {
  addLamps,
  addStars,
  drawLamps,
  drawStars,
  fluxOfSnr,
  paintSky,
  type Scene,
} from '../../darkness/night-scene.ts';
import type { Random } from '../../darkness/random.ts';
import type { SceneLook } from '../../darkness/scene.ts';
import { addAmpGlow, addDefects, clipBlack, type AmpGlow } from '../../darkness/sensor-faults.ts';
import { tukeyStandardDeviation } from '../../darkness/tukey.ts';

const share = z.number().min(0).max(1);

/** Shares of the patches, 0–1, that have each effect. */
export const nightSharesSchema = z.object({
  /** 0.01–0.1 % of the pixels too bright, a quarter as many dead; only in the input. */
  hotPixels: share,
  /** 1–4 pixels wide, SNR 3–300, on a painted sky or over a darkened photo; in input and target. */
  stars: share,
  /** Coloured, 1–30 times white, with and without glow; in input and target. */
  lamps: share,
  /** Row offsets up to σ 10 DN of 14 bits. This and the following effects are only in the input. */
  banding: share,
  columnBanding: share,
  /** Values below black are clipped. */
  clipBlack: share,
  /** Black level wrong by up to 5 DN of 14 bits. */
  blackOffset: share,
  ampGlow: share,
});

export type NightShares = z.infer<typeof nightSharesSchema>;

/** The order in which effects are drawn. A run's exact bits depend on it. */
export const nightNames = nightSharesSchema.keyof().options;

/** Darkness without any night effects, as older runs had it. */
export const noNight: NightShares = {
  hotPixels: 0,
  stars: 0,
  lamps: 0,
  banding: 0,
  columnBanding: 0,
  clipBlack: 0,
  blackOffset: 0,
  ampGlow: 0,
};

/**
 * The default of new runs on photos. The last three effects are rare: in a small patch they hardly
 * differ from light, and a network that expects them distrusts real shadows.
 */
export const usualNight: NightShares = {
  hotPixels: 0.35,
  stars: 0.12,
  lamps: 0.08,
  banding: 0.08,
  columnBanding: 0.04,
  clipBlack: 0.02,
  blackOffset: 0.02,
  ampGlow: 0.02,
};

/** The night effects of one patch. */
type Night = Readonly<Record<keyof NightShares, boolean>>;

/**
 * Draws a patch's effects. A share of zero draws no random number, so that runs without an effect
 * stay the same bit for bit.
 */
export function drawNight(shares: NightShares, random: Random): Night {
  const has = (name: keyof NightShares): boolean => shares[name] > 0 && random.chance(shares[name]);
  return {
    hotPixels: has('hotPixels'),
    stars: has('stars'),
    lamps: has('lamps'),
    banding: has('banding'),
    columnBanding: has('columnBanding'),
    clipBlack: has('clipBlack'),
    blackOffset: has('blackOffset'),
    ampGlow: has('ampGlow'),
  };
}

/** Converts DN of 14 bits to a sensor of another range. */
const usualRangeDn = 15_871;

function rangeOf({ whiteLevel, blackLevel }: DarknessParameters): number {
  return whiteLevel - blackLevel[0];
}

/** The frame's noise, with banding and a wrong black level where the night has them. */
export function nightNoise(
  noise: DarknessParameters,
  night: Night,
  random: Random,
): DarknessParameters {
  const dn = rangeOf(noise) / usualRangeDn;
  const worse = (sigmaDn: number): number => Math.hypot(sigmaDn, dn * random.logUniform(0.3, 10));
  return {
    ...noise,
    ...(night.banding ? { rowSigmaDn: worse(noise.rowSigmaDn) } : {}),
    ...(night.columnBanding ? { columnSigmaDn: worse(noise.columnSigmaDn ?? 0) } : {}),
    ...(night.blackOffset ? { blackErrorDn: noise.blackErrorDn + dn * random.uniform(-5, 5) } : {}),
  };
}

/** Standard deviation of an amplified green sample of this light. */
function sigmaAt(light: number, noise: DarknessParameters, ratio: number): number {
  const unitPerDn = ratio / rangeOf(noise);
  const readDn = noise.tukeyScaleDn * tukeyStandardDeviation(noise.tukeyLambda);
  const offset =
    (readDn ** 2 + noise.gaussianSigmaDn ** 2 + noise.rowSigmaDn ** 2) * unitPerDn ** 2;
  return Math.sqrt(noise.gainDnPerElectron * unitPerDn * Math.max(0, light) + offset);
}

/** Adds the night's stars and lamps to a patch's scene. */
export function lightNight(
  scene: Scene,
  night: Night,
  { toBalancedCamera }: SceneLook,
  { parameters, ratio }: { readonly parameters: DarknessParameters; readonly ratio: number },
  random: Random,
): void {
  if (night.stars) {
    let sky = random.logUniform(0.005, 0.4);
    if (random.chance(0.7)) {
      paintSky(scene, sky, toBalancedCamera, random);
    } else {
      // Land below the sky: the photo's own content in starlight.
      const dim = random.logUniform(0.03, 0.5);
      sky = 0.5 * dim;
      for (let at = 0; at < scene.samples.length; at++) scene.samples[at]! *= dim;
    }
    const fwhmPixels = random.logUniform(1, 4);
    const field = {
      perMegapixel: random.logUniform(50, 20_000),
      fwhmPixels,
      snr: [3, 300],
      steepness: random.uniform(0.2, 1.5),
      fluxAtSnrOne: fluxOfSnr(sigmaAt(sky, parameters, ratio), fwhmPixels),
      toCamera: toBalancedCamera,
    } as const;
    addStars(scene, drawStars(scene, field, random));
  }
  if (night.lamps) {
    const dim = random.logUniform(0.03, 1);
    for (let at = 0; at < scene.samples.length; at++) scene.samples[at]! *= dim;
    addLamps(scene, drawLamps(scene, 1 + random.integer(8), random));
  }
}

/** Draws a glow from a corner of the sensor, up to a third of white when amplified. */
function drawAmpGlow(
  side: number,
  noise: DarknessParameters,
  ratio: number,
  random: Random,
): AmpGlow {
  return {
    x: random.uniform(-side, 2 * side),
    y: random.pick([-0.5 * side, 1.5 * side]),
    peakDn: (random.logUniform(0.03, 0.6) * rangeOf(noise)) / ratio,
    reachPixels: random.logUniform(0.5, 4) * side,
  };
}

/** Adds to the clean mosaic what the sensor mistakes for light. */
export function glowNight(
  cleanDn: Float32Array,
  side: number,
  night: Night,
  darkness: { readonly parameters: DarknessParameters; readonly ratio: number },
  random: Random,
): void {
  if (!night.ampGlow) return;
  const { parameters, ratio } = darkness;
  addAmpGlow(cleanDn, side, side, drawAmpGlow(side, parameters, ratio, random));
}

/** Applies to the noisy mosaic what sensors do to it at night. */
export function spoilNight(
  noisy: Uint16Array,
  side: number,
  night: Night,
  noise: DarknessParameters,
  random: Random,
): void {
  if (night.clipBlack) clipBlack(noisy, side, noise.blackLevel);
  if (night.hotPixels) addDefects(noisy, side, random.logUniform(1e-4, 1e-3), noise, random);
}

/** Whether a patch has an effect that a teacher trained without nights would get wrong. */
export function isNight(night: Night): boolean {
  return nightNames.some((name) => night[name]);
}
