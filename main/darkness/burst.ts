/**
 * Simulates a burst of a clean photo: several frames of one scene, each with the camera held
 * slightly differently.
 */

import type { CameraLinearImage } from '../raw/image.ts';
import type { Mosaic } from '../raw/mosaic.ts';
import { Refusal } from '../base/refusal.ts';
import { codeOfLight, lightOfCode, type LinearPhoto } from './linear-photo.ts';
import { simulatedCamera, darknessOf } from './cameras.ts';
import type { DarknessParameters } from './darkness.ts';
import { Random } from './random.ts';
import { simulateMosaic, type SimulationOptions } from './simulate.ts';

/** How the camera was held in one frame, relative to the first. */
export interface HeldPose {
  /** The scene lies this many pixels further right and down than in the first frame. */
  readonly x: number;
  readonly y: number;
  /** Degrees, clockwise as seen, about the middle of the frame. */
  readonly degrees: number;
  /** Further movement of the scene during the frame's exposure, pixels. */
  readonly shakeX: number;
  readonly shakeY: number;
  /** Factor on the light of this frame, because lamps flicker. */
  readonly light: number;
}

export interface BurstOptions extends Omit<SimulationOptions, 'random' | 'area' | 'darkness'> {
  readonly frames: number;
  /** Determines every bit of the result. */
  readonly seed: number;
  /** Longest side of a frame, pixels. Default: as long as the photo allows. */
  readonly crop?: number;
  /** Largest rotation of a frame, degrees. Default 0.5. */
  readonly turnMax?: number;
  /** Largest shift of a frame in each direction, pixels. Default 20. */
  readonly shiftMax?: number;
  /** Largest movement during a frame, pixels. Default 0. */
  readonly shakeMax?: number;
  /** Largest relative difference of a frame's light. Default 0. */
  readonly flicker?: number;
  /** Whether a person walks through the scene. */
  readonly hasWalker?: boolean;
}

export interface SimulatedFrame {
  readonly mosaic: Mosaic;
  readonly pose: HeldPose;
  /** The walker, in pixels of the first frame; absent without one. */
  readonly walker?: Walker;
}

/** A striped ellipse, upright in the first frame's pixels. */
export interface Walker {
  readonly x: number;
  readonly y: number;
  readonly radiusX: number;
  readonly radiusY: number;
}

export interface SimulatedBurst {
  /** The camera is still in the first frame. */
  readonly frames: readonly SimulatedFrame[];
  /** The noise-free scene of the first frame, see `Simulation`. */
  readonly truth: CameraLinearImage;
  readonly darkness: DarknessParameters;
}

/**
 * First key of every burst's random numbers, so that other simulations with the same seed have
 * different noise.
 */
const burstKey = 0x6275_7273;
const framesMax = 64;
const sideMin = 64;
/** Number of positions averaged to simulate movement during a frame. */
const shakeSteps = 5;

/**
 * Takes a burst. The strength of the camera's noise is drawn once. The noise itself and the offset
 * of black are drawn for each frame, because the calibrations give that offset as a scatter from
 * frame to frame.
 *
 * @throws Refusal `bad-argument` for a number of frames outside 2–64, and as `simulateMosaic`;
 *   `dataset` for a photo too small to move the frame in
 */
export function simulateBurst(photo: LinearPhoto, options: BurstOptions): SimulatedBurst {
  const { frames: count, seed, turnMax = 0.5, shiftMax = 20, shakeMax = 0, flicker = 0 } = options;
  if (!Number.isInteger(count) || count < 2 || count > framesMax) {
    throw new Refusal('bad-argument', `expected 2 to ${framesMax} frames but received ${count}`);
  }
  const random = new Random(burstKey, seed);
  const area = heldArea(photo, shiftMax + shakeMax + 2, turnMax, options.crop);
  const camera =
    typeof options.camera === 'string' ? simulatedCamera(options.camera) : options.camera;
  const darkness = darknessOf(camera, options.iso, random);
  const walk = walkOf(area, random);
  const taken = Array.from({ length: count }, (_, index) => {
    const pose = index === 0 ? heldStill : drawPose(random, turnMax, shiftMax, shakeMax, flicker);
    const walker = options.hasWalker === true ? walk(index) : undefined;
    const held = seen(photo, area, pose, walker);
    const own = new Random(burstKey, seed, index + 1);
    const { biasDn } = darknessOf(camera, options.iso, own);
    const simulation = simulateMosaic(held, {
      ...options,
      camera,
      ratio: options.ratio / pose.light,
      darkness: { ...darkness, biasDn },
      random: own,
    });
    const { shot } = simulation.mosaic;
    const exposureSeconds = (shot.exposureSeconds ?? 1) * pose.light;
    const takenAt = timeOf(index, exposureSeconds);
    const mosaic = { ...simulation.mosaic, shot: { ...shot, exposureSeconds, takenAt } };
    return { frame: { mosaic, pose, ...(walker === undefined ? {} : { walker }) }, simulation };
  });
  const [first] = taken;
  if (first === undefined) throw new Error('expected a first frame');
  return { frames: taken.map(({ frame }) => frame), truth: first.simulation.truth, darkness };
}

const heldStill: HeldPose = { x: 0, y: 0, degrees: 0, shakeX: 0, shakeY: 0, light: 1 };

function drawPose(
  random: Random,
  turnMax: number,
  shiftMax: number,
  shakeMax: number,
  flicker: number,
): HeldPose {
  const angle = random.uniform(0, 2 * Math.PI);
  const shake = shakeMax * random.unit();
  return {
    x: random.uniform(-shiftMax, shiftMax),
    y: random.uniform(-shiftMax, shiftMax),
    degrees: random.uniform(-turnMax, turnMax),
    shakeX: shake * Math.cos(angle),
    shakeY: shake * Math.sin(angle),
    light: 1 + random.uniform(-flicker, flicker),
  };
}

/** Cameras write whole seconds. The burst starts on New Year's Eve. */
function timeOf(index: number, exposureSeconds: number): string {
  const begun =
    Date.UTC(2026, 11, 31, 22, 0, 0) + Math.floor(index * (exposureSeconds + 0.1)) * 1000;
  return new Date(begun).toISOString().slice(0, 19);
}

/** Where a position of the first frame lies in another frame, in pixels from the middle. */
export function heldAt(
  { x, y, degrees }: HeldPose,
  u: number,
  v: number,
): readonly [number, number] {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [cos * u - sin * v + x, sin * u + cos * v + y];
}

interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The largest frame in the middle of the photo that stays inside it in every pose. */
function heldArea(photo: LinearPhoto, shiftMax: number, turnMax: number, crop = Infinity): Area {
  const turned = (Math.hypot(photo.width, photo.height) / 2) * ((turnMax * Math.PI) / 180);
  const margin = Math.ceil(shiftMax + turned) + 2;
  const side = (length: number): number => Math.floor(Math.min(length - 2 * margin, crop) / 2) * 2;
  const [width, height] = [side(photo.width), side(photo.height)];
  if (width < sideMin || height < sideMin) {
    throw new Refusal(
      'dataset',
      `expected ${sideMin + 2 * margin} pixels a side in ${photo.name}, to move about in, but it has ${photo.width} × ${photo.height}`,
    );
  }
  return { left: (photo.width - width) >> 1, top: (photo.height - height) >> 1, width, height };
}

/** A person who comes from the left and walks a third of their width per frame. */
function walkOf({ width, height }: Area, random: Random): (index: number) => Walker {
  const radiusX = width / 22;
  const radiusY = height / 7;
  const x = width * random.uniform(0.25, 0.5);
  const y = height * random.uniform(0.5, 0.75);
  return (index) => ({ x: x + index * radiusX * 0.7, y, radiusX, radiusY });
}

/** The part of the photo that a frame in this pose sees. */
function seen(
  photo: LinearPhoto,
  area: Area,
  pose: HeldPose,
  walker: Walker | undefined,
): LinearPhoto {
  const { left, top, width, height } = area;
  const codes = new Uint16Array(width * height * 3);
  const steps = pose.shakeX === 0 && pose.shakeY === 0 ? 1 : shakeSteps;
  const angle = (-pose.degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  const light = new Float64Array(3);
  const sum = new Float64Array(3);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++, out += 3) {
      sum.fill(0);
      for (let step = 0; step < steps; step++) {
        const part = steps === 1 ? 0 : step / (steps - 1) - 0.5;
        const u = x - centreX - pose.x - part * pose.shakeX;
        const v = y - centreY - pose.y - part * pose.shakeY;
        const atX = cos * u - sin * v + centreX;
        const atY = sin * u + cos * v + centreY;
        cubicLight(photo, left + atX, top + atY, light);
        if (walker !== undefined) addWalker(walker, atX, atY, light);
        for (let c = 0; c < 3; c++) sum[c]! += light[c]! / steps;
      }
      for (let c = 0; c < 3; c++) codes[out + c] = codeOfLight(sum[c]!);
    }
  }
  return { name: photo.name, width, height, codes, space: photo.space };
}

function addWalker(
  { x, y, radiusX, radiusY }: Walker,
  atX: number,
  atY: number,
  light: Float64Array,
): void {
  const far = Math.hypot((atX - x) / radiusX, (atY - y) / radiusY);
  // A soft edge one or two pixels wide.
  const share = Math.max(0, Math.min(1, (1 - far) * radiusX * 0.5 + 0.5));
  if (share === 0) return;
  const stripe = 0.18 + 0.14 * Math.sin((atY - y) / 5);
  const colour = [stripe * 1.3, stripe, stripe * 0.6];
  for (let c = 0; c < 3; c++) light[c] = light[c]! * (1 - share) + share * colour[c]!;
}

/**
 * Catmull-Rom interpolation over the four nearest pixels in each direction; negative overshoot
 * becomes black.
 */
function cubicLight(
  { width, height, codes }: LinearPhoto,
  x: number,
  y: number,
  light: Float64Array,
): void {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const across = cubicWeights(x - x0);
  const down = cubicWeights(y - y0);
  light.fill(0);
  for (let j = 0; j < 4; j++) {
    const row = Math.max(0, Math.min(height - 1, y0 + j - 1)) * width;
    for (let i = 0; i < 4; i++) {
      const weight = down[j]! * across[i]!;
      if (weight === 0) continue;
      const at = (row + Math.max(0, Math.min(width - 1, x0 + i - 1))) * 3;
      for (let c = 0; c < 3; c++) light[c]! += weight * lightOfCode(codes[at + c]!);
    }
  }
}

function cubicWeights(t: number): readonly [number, number, number, number] {
  const [t2, t3] = [t * t, t * t * t];
  return [
    0.5 * (-t + 2 * t2 - t3),
    0.5 * (2 - 5 * t2 + 3 * t3),
    0.5 * (t + 4 * t2 - 3 * t3),
    0.5 * (t3 - t2),
  ];
}
