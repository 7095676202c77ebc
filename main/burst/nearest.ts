/** Finds, for each sample of the reference, the nearest sample of the same colour in another frame. */

import { siteColours } from '../raw/cfa.ts';
import type { Mosaic } from '../raw/mosaic.ts';
import type { Pose } from './pose.ts';

/** What a frame holds for one row of the reference; all arrays are reused for the next row. */
export interface NearestRow {
  /** Row of the reference, and the index of its first pixel. */
  readonly y: number;
  readonly row: number;
  /** For each pixel of the row: the index of the frame's sample, or −1 outside the frame. */
  readonly sources: Int32Array;
  /** How far that sample lies right of and below the place that the pose asks for, pixels. */
  readonly right: Float32Array;
  readonly below: Float32Array;
}

/**
 * Within so many pixels the pose is taken to be linear, which saves a division a pixel. A
 * perspective of 3 % bends by less than a thousandth of a pixel over them.
 */
const span = 32;

/**
 * For each site, row by row, finds the sample of its colour nearest to where the pose puts the site
 * in the frame.
 * @param wants rows for which it answers false are skipped
 */
export function eachRow(
  frame: Size & Pick<Mosaic, 'cfa'>,
  pose: Pose,
  visit: (row: NearestRow) => void,
  wants: (y: number) => boolean = () => true,
): void {
  const { width, height } = frame;
  const places = { x: new Float64Array(width), y: new Float64Array(width) };
  const sources = new Int32Array(width);
  const right = new Float32Array(width);
  const below = new Float32Array(width);
  // Row plus column of a green site, modulo 2.
  const greenParity = siteColours(frame.cfa)[0] === 'G' ? 0 : 1;
  for (let y = 0; y < height; y++) {
    if (!wants(y)) continue;
    const found = { y, row: y * width, sources, right, below };
    findPlaces(places, pose, y, frame);
    const firstGreen = (y + greenParity) & 1;
    findGreens(found, places, frame, firstGreen, greenParity);
    findOthers(found, places, frame, 1 - firstGreen);
    visit(found);
  }
}

type Size = Pick<Mosaic, 'width' | 'height'>;

/** Where the pose puts each pixel of a row in the frame, pixels from the middle of its first. */
interface Places {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

function findPlaces(
  { x: acrossRow, y: downRow }: Places,
  [p0, p1, p2, p3, p4, p5, p6, p7, p8]: Pose,
  y: number,
  { width, height }: Size,
): void {
  const centreX = (width - 1) / 2;
  const centreY = (height - 1) / 2;
  const v = y - centreY;
  let u = -centreX;
  let s = 1 / (p6 * u + p7 * v + p8);
  let fx = (p0 * u + p1 * v + p2) * s + centreX;
  let fy = (p3 * u + p4 * v + p5) * s + centreY;
  for (let from = 0; from < width; from += span) {
    u = from + span - centreX;
    s = 1 / (p6 * u + p7 * v + p8);
    const endX = (p0 * u + p1 * v + p2) * s + centreX;
    const endY = (p3 * u + p4 * v + p5) * s + centreY;
    const stepX = (endX - fx) / span;
    const stepY = (endY - fy) / span;
    for (let x = from, to = Math.min(width, from + span); x < to; x++) {
      acrossRow[x] = fx + (x - from) * stepX;
      downRow[x] = fy + (x - from) * stepY;
    }
    fx = endX;
    fy = endY;
  }
}

function findGreens(
  { sources, right, below }: NearestRow,
  { x: acrossRow, y: downRow }: Places,
  { width, height }: Size,
  first: number,
  greenParity: number,
): void {
  const lastX = width - 0.5;
  const lastY = height - 0.5;
  for (let x = first; x < width; x += 2) {
    const px = acrossRow[x]!;
    const py = downRow[x]!;
    if (!(px >= -0.5 && py >= -0.5 && px < lastX && py < lastY)) {
      sources[x] = -1;
      continue;
    }
    let sx = (px + 0.5) | 0;
    let sy = (py + 0.5) | 0;
    if (((sx + sy) & 1) !== greenParity) {
      const dx = px - sx;
      const dy = py - sy;
      // A step along the axis with the larger remaining distance leads to the nearest green.
      if (Math.abs(dx) > Math.abs(dy)) sx += dx > 0 ? 1 : -1;
      else sy += dy > 0 ? 1 : -1;
      if (sx < 0) sx += 2;
      if (sy < 0) sy += 2;
      if (sx >= width) sx -= 2;
      if (sy >= height) sy -= 2;
    }
    sources[x] = sy * width + sx;
    right[x] = sx - px;
    below[x] = sy - py;
  }
}

function findOthers(
  { y, sources, right, below }: NearestRow,
  { x: acrossRow, y: downRow }: Places,
  { width, height }: Size,
  first: number,
): void {
  const lastX = width - 0.5;
  const lastY = height - 0.5;
  const oddRow = y & 1;
  for (let x = first; x < width; x += 2) {
    const px = acrossRow[x]!;
    const py = downRow[x]!;
    if (!(px >= -0.5 && py >= -0.5 && px < lastX && py < lastY)) {
      sources[x] = -1;
      continue;
    }
    let sx = (((px - first + 1) / 2) | 0) * 2 + first;
    let sy = (((py - oddRow + 1) / 2) | 0) * 2 + oddRow;
    if (sx >= width) sx -= 2;
    if (sy >= height) sy -= 2;
    sources[x] = sy * width + sx;
    right[x] = sx - px;
    below[x] = sy - py;
  }
}
