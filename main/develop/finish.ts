/**
 * The last stage: turns tiles of linear camera RGB into upright pixels of the finished picture, in
 * its colour space, toned and encoded, one tile at a time.
 */

import type { CameraColour, Matrix3, Orientation, Vector3 } from '../raw/mosaic.ts';
import { gamutShare, cameraToOutput, luminanceWeights, multiply } from './colour.ts';
import type { FinishedImage, OutputSpace } from '../raw/image.ts';
import { isNeutral, Toner, type ToneEdits } from './look.ts';
import { placementOf } from './orientation.ts';
import type { PackedGrid } from './pack.ts';
import { toneMax, toneTable, toneTableScale } from './tone.ts';
import type { DevelopedTile } from './unpack.ts';

export interface Look {
  readonly space: OutputSpace;
  /**
   * The requested white balance relative to the one the network was given; 1, 1, 1 changes nothing.
   */
  readonly balance: Vector3;
  /** Absent or neutral leaves the network's picture as it is. */
  readonly tone?: ToneEdits | undefined;
}

/** The frame that a picture is made from. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  readonly grid: PackedGrid;
  readonly colour: CameraColour;
}

const identity: Matrix3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** A picture that is filled tile by tile. */
export class Finisher {
  readonly image: FinishedImage;
  readonly #frame: Frame;
  readonly #matrix: Matrix3;
  readonly #toner: Toner | undefined;
  readonly #luminance: Vector3;
  readonly #table: Uint16Array;

  constructor(frame: Frame, look: Look) {
    const isTurned = frame.orientation >= 5;
    const [width, height] = isTurned ? [frame.height, frame.width] : [frame.width, frame.height];
    this.#frame = frame;
    const [red, green, blue] = look.balance;
    const matrix = multiply(cameraToOutput(frame.colour, look.space), [
      red,
      0,
      0,
      0,
      green,
      0,
      0,
      0,
      blue,
    ]);
    this.#luminance = luminanceWeights(look.space);
    if (look.tone !== undefined && !isNeutral(look.tone)) {
      this.#toner = new Toner(matrix, this.#luminance, look.tone);
      this.#matrix = identity;
    } else {
      this.#matrix = matrix;
    }
    this.#table = toneTable(look.space);
    const samples = new Uint16Array(width * height * 3);
    this.image = { width, height, samples, space: look.space };
  }

  /** Puts one developed tile into its place. Tiles may come in any order. */
  add({ area, samples: developed }: DevelopedTile): void {
    const samples = this.#toner?.apply(developed) ?? developed;
    const { width, height, grid } = this.#frame;
    const { origin, perRow, perColumn } = placementOf(this.#frame.orientation, this.image);
    const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = this.#matrix;
    const table = this.#table;
    const out = this.image.samples;
    const [left, top] = [area.x - grid.columnsBefore, area.y - grid.rowsBefore];
    const firstX = Math.max(0, -left);
    const lastX = Math.min(area.width, width - left);
    const firstY = Math.max(0, -top);
    const lastY = Math.min(area.height, height - top);
    const count = Math.max(0, lastX - firstX) * 3;
    const row = new Float64Array(count);
    for (let y = firstY; y < lastY; y++) {
      // Three short loops: in a single one, the rare pixel out of gamut would slow down every
      // other.
      const from = (y * area.width + firstX) * 3;
      let least = 0;
      for (let i = 0; i < count; i += 3) {
        const cr = samples[from + i]!;
        const cg = samples[from + i + 1]!;
        const cb = samples[from + i + 2]!;
        const r = m0 * cr + m1 * cg + m2 * cb;
        const g = m3 * cr + m4 * cg + m5 * cb;
        const b = m6 * cr + m7 * cg + m8 * cb;
        row[i] = r;
        row[i + 1] = g;
        row[i + 2] = b;
        least = Math.min(least, r, g, b);
      }
      if (least < 0) this.#bringIntoGamut(row);
      let to = origin + (top + y) * perRow + (left + firstX) * perColumn;
      for (let i = 0; i < count; i += 3, to += perColumn) {
        out[to] = table[nearest(row[i]!)]!;
        out[to + 1] = table[nearest(row[i + 1]!)]!;
        out[to + 2] = table[nearest(row[i + 2]!)]!;
      }
    }
  }

  /**
   * Moves colours outside the space's gamut towards grey of the same luminance until they fit, in
   * place. Unlike clipping a channel, this keeps the hue.
   */
  #bringIntoGamut(row: Float64Array): void {
    const [lr, lg, lb] = this.#luminance;
    for (let i = 0; i < row.length; i += 3) {
      const r = row[i]!;
      const g = row[i + 1]!;
      const b = row[i + 2]!;
      const least = Math.min(r, g, b);
      if (least >= 0) continue;
      const grey = Math.max(0, lr * r + lg * g + lb * b);
      const keep = gamutShare(grey, least);
      row[i] = Math.max(0, grey + keep * (r - grey));
      row[i + 1] = Math.max(0, grey + keep * (g - grey));
      row[i + 2] = Math.max(0, grey + keep * (b - grey));
    }
  }
}

/** Index of a linear value in the tone table; NaN counts as black. */
function nearest(light: number): number {
  return (Math.sqrt(Math.max(0, Math.min(toneMax, light))) * toneTableScale + 0.5) | 0;
}
