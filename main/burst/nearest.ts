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
  frame: Pick<Mosaic, 'width' | 'height' | 'cfa'>,
  pose: Pose,
  visit: (row: NearestRow) => void,
  wants: (y: number) => boolean = () => true,
): void {
  const { width, height } = frame;
  const sources = new Int32Array(width);
  const right = new Float32Array(width);
  const below = new Float32Array(width);
  // Row plus column of a green site, modulo 2.
  const greenParity = siteColours(frame.cfa)[0] === 'G' ? 0 : 1;
  for (let y = 0; y < height; y++) {
    if (!wants(y)) continue;
    const found = { y, row: y * width, sources, right, below };
    for (let from = 0; from < width; from += span) {
      const to = Math.min(width, from + span);
      const [fx, fy] = mapped(pose, from, y, frame);
      const [endX, endY] = mapped(pose, from + span, y, frame);
      const line = { from, to, fx, fy, stepX: (endX - fx) / span, stepY: (endY - fy) / span };
      const isGreenFirst = ((y + from) & 1) === greenParity;
      greens(frame, found, { ...line, from: isGreenFirst ? from : from + 1 }, from, greenParity);
      others(frame, found, { ...line, from: isGreenFirst ? from + 1 : from }, from);
    }
    visit(found);
  }
}

function mapped(
  [p0, p1, p2, p3, p4, p5, p6, p7, p8]: Pose,
  x: number,
  y: number,
  { width, height }: Pick<Mosaic, 'width' | 'height'>,
): readonly [number, number] {
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  const [u, v] = [x - centreX, y - centreY];
  const s = 1 / (p6 * u + p7 * v + p8);
  return [(p0 * u + p1 * v + p2) * s + centreX, (p3 * u + p4 * v + p5) * s + centreY];
}

/** Every second pixel of a span, and where the pose puts the first of the span in the frame. */
interface Line {
  readonly from: number;
  readonly to: number;
  readonly fx: number;
  readonly fy: number;
  readonly stepX: number;
  readonly stepY: number;
}

function greens(
  { width, height }: Pick<Mosaic, 'width' | 'height'>,
  { sources, right, below }: NearestRow,
  { from, to, fx, fy, stepX, stepY }: Line,
  begin: number,
  greenParity: number,
): void {
  const [lastX, lastY] = [width - 0.5, height - 0.5];
  for (let x = from; x < to; x += 2) {
    const px = fx + (x - begin) * stepX;
    const py = fy + (x - begin) * stepY;
    if (!(px >= -0.5 && py >= -0.5 && px < lastX && py < lastY)) {
      sources[x] = -1;
      continue;
    }
    let sx = (px + 0.5) | 0;
    let sy = (py + 0.5) | 0;
    if (((sx + sy) & 1) !== greenParity) {
      const [dx, dy] = [px - sx, py - sy];
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

function others(
  { width, height }: Pick<Mosaic, 'width' | 'height'>,
  { y, sources, right, below }: NearestRow,
  { from, to, fx, fy, stepX, stepY }: Line,
  begin: number,
): void {
  const [lastX, lastY] = [width - 0.5, height - 0.5];
  const [oddColumn, oddRow] = [from & 1, y & 1];
  for (let x = from; x < to; x += 2) {
    const px = fx + (x - begin) * stepX;
    const py = fy + (x - begin) * stepY;
    if (!(px >= -0.5 && py >= -0.5 && px < lastX && py < lastY)) {
      sources[x] = -1;
      continue;
    }
    let sx = 2 * (((px - oddColumn + 1) / 2) | 0) + oddColumn;
    let sy = 2 * (((py - oddRow + 1) / 2) | 0) + oddRow;
    if (sx >= width) sx -= 2;
    if (sy >= height) sy -= 2;
    sources[x] = sy * width + sx;
    right[x] = sx - px;
    below[x] = sy - py;
  }
}
