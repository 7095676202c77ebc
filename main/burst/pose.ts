/**
 * Aligns one frame with another: a shift by phase correlation, then rotation, shift and finally
 * perspective by robust Gauss-Newton, from coarse to fine.
 */

import type { NoiseProfile } from '../raw/mosaic.ts';
import { shiftBetween } from './phase-correlation.ts';
import { solved } from './linear-system.ts';
import { blurred, halved, medianOf, stabilised, type Plane } from './planes.ts';

/**
 * Maps a position in the reference to the frame, both in pixels from the middle of the frame: (x',
 * y', s) = pose · (x, y, 1), then x' / s and y' / s. Row-major 3 × 3.
 */
export type Pose = readonly [
  number, number, number,
  number, number, number,
  number, number, number,
]; // prettier-ignore

export const still: Pose = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** A frame's brightness at several scales. */
export interface Pyramid {
  /** Width of the frame itself, pixels. */
  readonly width: number;
  readonly height: number;
  /** From fine to coarse, each half the size of the one before. */
  readonly levels: readonly Level[];
}

interface Level {
  /** Side of the square of the frame's pixels that a value averages. */
  readonly unit: number;
  readonly plane: Plane;
}

/** More values than this at the finest scale do not improve the alignment. */
const finestMax = 1_600_000;
/** Values along the longer side at the coarsest scale, at most. */
const coarsestSide = 192;

/**
 * @param cells means of 2 × 2 samples
 * @param size of the frame, pixels
 */
export function pyramidOf(
  cells: Plane,
  size: { readonly width: number; readonly height: number },
): Pyramid {
  let plane = cells;
  let unit = 2;
  const levels: Level[] = [];
  for (;;) {
    if (plane.values.length <= finestMax) levels.push({ unit, plane });
    if (Math.max(plane.width, plane.height) <= coarsestSide) break;
    plane = halved(plane);
    unit *= 2;
  }
  return { width: size.width, height: size.height, levels };
}

/** The frame that another is aligned to. */
export interface Target {
  readonly pyramid: Pyramid;
  readonly noise: NoiseProfile;
}

export interface Placement {
  readonly pose: Pose;
  /** Correlation of the two frames' structure after alignment, −1 to 1. */
  readonly likeness: number;
}

/** Standard deviation of the blur before fitting, in values; the finest scale is fitted twice. */
const sigmas = { coarse: 1.5, fine: [2, 1.6] } as const;

/**
 * Aligns a frame roughly, enough to tell whether it shows the reference's scene.
 * @param gain factor that brings the frame to the reference's brightness
 */
export function placeRoughly(reference: Target, frame: Pyramid, gain: number): Placement {
  const from = reference.pyramid.levels.at(-1);
  const to = frame.levels.at(-1);
  if (from === undefined || to === undefined) throw new Error('expected a pyramid with a level');
  const [a, b] = [lit(from.plane, reference.noise, 1, 1), lit(to.plane, reference.noise, gain, 1)];
  const side = 2 ** Math.ceil(Math.log2(Math.max(a.width, a.height)));
  const shift = shiftBetween(a, b, side);
  const start: Pose = [
    1, 0, Math.round(shift.x) * from.unit,
    0, 1, Math.round(shift.y) * from.unit,
    0, 0, 1,
  ]; // prettier-ignore
  const size = reference.pyramid;
  const fit = (pose: Pose): Placement => {
    const found = fitted(
      prepare(lit(from.plane, reference.noise, 1, sigmas.coarse), from.unit, size),
      lit(to.plane, reference.noise, gain, sigmas.coarse),
      pose,
      'turn',
      20,
    ).pose;
    return { pose: found, likeness: likenessOf(a, b, found, from.unit, size) };
  };
  const shifted = fit(start);
  // A false peak would mislead for frames that hardly moved, so no shift is tried too.
  const unmoved = isStill(start) ? shifted : fit(still);
  return unmoved.likeness > shifted.likeness ? unmoved : shifted;
}

/** Aligns a frame as exactly as its light allows, starting from a rough alignment. */
export function placeFinely(reference: Target, frame: Pyramid, gain: number, rough: Pose): Pose {
  let pose = rough;
  const levels = reference.pyramid.levels;
  for (let index = levels.length - 1; index >= 0; index--) {
    const from = levels[index];
    const to = frame.levels[index];
    if (from === undefined || to === undefined) continue;
    for (const sigma of index === 0 ? sigmas.fine : [sigmas.coarse]) {
      const prepared = prepare(
        lit(from.plane, reference.noise, 1, sigma),
        from.unit,
        reference.pyramid,
      );
      const other = lit(to.plane, reference.noise, gain, sigma);
      const turned = fitted(prepared, other, pose, 'turn', 12);
      pose = turned.pose;
      if (index > 0) continue;
      const bent = fitted(prepared, other, pose, 'perspective', 12);
      if (isBetter(bent, sigma) && isMild(bent.pose, pose, reference.pyramid)) pose = bent.pose;
    }
  }
  return pose;
}

function isStill(pose: Pose): boolean {
  return pose.every((value, index) => value === still[index]);
}

/**
 * Brightness prepared for comparison: scaled to the reference's, blurred, with about equal noise.
 */
function lit(plane: Plane, noise: NoiseProfile, gain: number, sigma: number): Plane {
  const smooth = blurred(plane, sigma);
  const values = gain === 1 ? smooth.values : smooth.values.map((value) => value * gain);
  return stabilised({ ...smooth, values }, noise);
}

interface Prepared {
  readonly plane: Plane;
  /** Slopes of the reference, per pixel of the frame. */
  readonly across: Float32Array;
  readonly down: Float32Array;
  readonly unit: number;
  readonly centreX: number;
  readonly centreY: number;
  /** Half the frame's diagonal, which is the unit of positions during fitting. */
  readonly reach: number;
}

function prepare(
  plane: Plane,
  unit: number,
  size: { readonly width: number; readonly height: number },
): Prepared {
  const { width, height, values } = blurred(plane, 0.7);
  const across = new Float32Array(values.length);
  const down = new Float32Array(values.length);
  const scale = 0.5 / unit;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * width + 1, end = (y + 1) * width - 1; at < end; at++) {
      across[at] = (values[at + 1]! - values[at - 1]!) * scale;
      down[at] = (values[at + width]! - values[at - width]!) * scale;
    }
  }
  return {
    plane,
    across,
    down,
    unit,
    centreX: (size.width - 1) / 2,
    centreY: (size.height - 1) / 2,
    reach: Math.hypot(size.width, size.height) / 2,
  };
}

/** What a fit may change: rotation and shift, or any perspective. */
type Freedom = 'turn' | 'perspective';

interface Fit {
  readonly pose: Pose;
  /** Cauchy's measure of the differences per value, in the first round and in the best one. */
  readonly before: number;
  readonly after: number;
  /** Number of values in the best round. */
  readonly count: number;
}

/** Approximate number of values used in one round. */
const samplesMax = 300_000;
/** Fitting ends with a round that moves the corners by less than this share of a value's side. */
const enoughShare = 0.002;

/**
 * Robust Gauss-Newton with Cauchy weights. Each round finds the small movement of the reference
 * that explains most of the differences, from the reference's own slopes.
 */
function fitted(
  reference: Prepared,
  frame: Plane,
  start: Pose,
  freedom: Freedom,
  rounds: number,
): Fit {
  const { plane, across, down, unit, centreX, centreY, reach } = reference;
  const { width, height } = plane;
  const step = Math.max(1, Math.round(Math.sqrt(plane.values.length / samplesMax)));
  const columns = Math.max(0, Math.ceil((width - 4) / step));
  const rows = Math.max(0, Math.ceil((height - 4) / step));
  const differences = new Float32Array(columns * rows);
  const places = new Int32Array(columns * rows);
  const offset = (unit - 1) / 2;
  const size = freedom === 'turn' ? 3 : 8;
  let pose = start;
  let best: Fit = { pose: start, before: Infinity, after: Infinity, count: 0 };
  let spread = 0;
  for (let round = 0; round < rounds; round++) {
    const [p0, p1, p2, p3, p4, p5, p6, p7, p8] = pose;
    let count = 0;
    for (let y = 2; y < height - 2; y += step) {
      const v = y * unit + offset - centreY;
      for (let x = 2; x < width - 2; x += step) {
        const u = x * unit + offset - centreX;
        const s = 1 / (p6 * u + p7 * v + p8);
        const fx = ((p0 * u + p1 * v + p2) * s + centreX - offset) / unit;
        const fy = ((p3 * u + p4 * v + p5) * s + centreY - offset) / unit;
        if (!(fx > 1 && fy > 1 && fx < frame.width - 2 && fy < frame.height - 2)) continue;
        const x0 = Math.floor(fx);
        const y0 = Math.floor(fy);
        const at = y0 * frame.width + x0;
        const wx = fx - x0;
        const wy = fy - y0;
        const upper = frame.values[at]! + (frame.values[at + 1]! - frame.values[at]!) * wx;
        const below = at + frame.width;
        const lower = frame.values[below]! + (frame.values[below + 1]! - frame.values[below]!) * wx;
        const place = y * width + x;
        differences[count] = upper + (lower - upper) * wy - plane.values[place]!;
        places[count] = place;
        count++;
      }
    }
    if (count < 64) return best;
    const middle = medianOf(differences, count);
    // While perspective is fitted the scale of the differences is fixed, so that the first and the
    // last round are comparable.
    if (freedom === 'turn' || round === 0) {
      const sizes = differences.subarray(0, count).map((value) => Math.abs(value - middle));
      spread = 1.4826 * medianOf(sizes) + 1e-6;
    }
    const system = new Float64Array(size * size);
    const sides = new Float64Array(size);
    const row = new Float64Array(size);
    const soft = 1 / (2.5 * spread) ** 2;
    let left = 0;
    for (let i = 0; i < count; i++) {
      const place = places[i]!;
      const y = Math.floor(place / width);
      const x = place - y * width;
      const u = (x * unit + offset - centreX) / reach;
      const v = (y * unit + offset - centreY) / reach;
      const gx = across[place]!;
      const gy = down[place]!;
      const difference = differences[i]! - middle;
      const weight = 1 / (1 + difference * difference * soft);
      left += Math.log1p(difference * difference * soft);
      row[0] = gx;
      row[1] = gy;
      if (size === 3) row[2] = gy * u - gx * v;
      else {
        row[2] = gx * u;
        row[3] = gx * v;
        row[4] = gy * u;
        row[5] = gy * v;
        const along = gx * u + gy * v;
        row[6] = -along * u;
        row[7] = -along * v;
      }
      for (let a = 0; a < size; a++) {
        const weighted = weight * row[a]!;
        sides[a]! -= weighted * difference;
        for (let b = a, cell = a * size + a; b < size; b++, cell++)
          system[cell]! += weighted * row[b]!;
      }
    }
    const after = left / count;
    if (round === 0) best = { pose, before: after, after, count };
    else if (after < best.after) best = { pose, before: best.before, after, count };
    const change = solved(system, sides, size);
    if (change === undefined) return best;
    pose = composed(pose, movement(change, reach));
    const moved = change.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (moved < enoughShare * unit) return { ...best, pose };
  }
  return { ...best, pose };
}

/** The matrix of a small movement, in pixels; its rotations are in units of 1 / `reach`. */
function movement(change: Float64Array, reach: number): Pose {
  const at = (index: number): number => change[index] ?? 0;
  if (change.length === 3) {
    const angle = at(2) / reach;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return [cos, -sin, at(0), sin, cos, at(1), 0, 0, 1];
  }
  const [a, b, c, d] = [at(2) / reach, at(3) / reach, at(4) / reach, at(5) / reach];
  const [p, q] = [at(6) / reach ** 2, at(7) / reach ** 2];
  return [1 + a, b, at(0), c, 1 + d, at(1), p, q, 1];
}

/**
 * Perspective has five more parameters to fit noise with, so it must explain more than they would.
 */
function isBetter({ before, after, count }: Fit, sigma: number): boolean {
  // Blurred values are not independent: this many of them are worth one.
  const independent = count / (4 * Math.PI * sigma * sigma);
  return (before - after) * independent > 6;
}

/** Applies b first, then a; scaled so that the last number is 1. */
function composed(a: Pose, b: Pose): Pose {
  const cell = (row: number, column: number): number =>
    a[row * 3]! * b[column]! + a[row * 3 + 1]! * b[3 + column]! + a[row * 3 + 2]! * b[6 + column]!;
  const last = cell(2, 2);
  return [
    cell(0, 0) / last, cell(0, 1) / last, cell(0, 2) / last,
    cell(1, 0) / last, cell(1, 1) / last, cell(1, 2) / last,
    cell(2, 0) / last, cell(2, 1) / last, 1,
  ]; // prettier-ignore
}

/** Hands rotate and tilt a camera only slightly; a perspective of more than 3 % is a wrong fit. */
function isMild(bent: Pose, turned: Pose, { width, height }: Pyramid): boolean {
  return cornersApart(bent, turned, width, height) < 0.03 * Math.hypot(width, height);
}

/** The largest distance between the positions of a corner under both poses, pixels. */
function cornersApart(a: Pose, b: Pose, width: number, height: number): number {
  let most = 0;
  for (const x of [-0.5, 0.5]) {
    for (const y of [-0.5, 0.5]) {
      const [ax, ay] = placed(a, x * width, y * height);
      const [bx, by] = placed(b, x * width, y * height);
      most = Math.max(most, Math.hypot(ax - bx, ay - by));
    }
  }
  return most;
}

/** The position that a pose maps a position to, in pixels from the frame's middle. */
export function placed(pose: Pose, x: number, y: number): readonly [number, number] {
  const s = 1 / (pose[6] * x + pose[7] * y + pose[8]);
  return [(pose[0] * x + pose[1] * y + pose[2]) * s, (pose[3] * x + pose[4] * y + pose[5]) * s];
}

/**
 * Correlation of two frames' structure. Structure coarser than 12 values is ignored, because
 * unrelated scenes share it.
 */
function likenessOf(
  a: Plane,
  b: Plane,
  pose: Pose,
  unit: number,
  size: { readonly width: number; readonly height: number },
): number {
  const [first, second] = [banded(a), banded(b)];
  const offset = (unit - 1) / 2;
  const [centreX, centreY] = [(size.width - 1) / 2, (size.height - 1) / 2];
  let [ab, aa, bb] = [0, 0, 0];
  for (let y = 0; y < a.height; y++) {
    for (let x = 0; x < a.width; x++) {
      const [px, py] = placed(pose, x * unit + offset - centreX, y * unit + offset - centreY);
      const fx = Math.round((px + centreX - offset) / unit);
      const fy = Math.round((py + centreY - offset) / unit);
      if (fx < 0 || fy < 0 || fx >= b.width || fy >= b.height) continue;
      const p = first[y * a.width + x]!;
      const q = second[fy * b.width + fx]!;
      ab += p * q;
      aa += p * p;
      bb += q * q;
    }
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

function banded(plane: Plane): Float32Array {
  const near = blurred(plane, 1.5);
  const far = blurred(plane, 12);
  return near.values.map((value, index) => value - far.values[index]!);
}
