/** Cuts patches from pairs: the short exposure as the network sees it, and its target. */

import { normalisation } from '../../../develop/normalise.ts';
import { cameraToOutput } from '../../../develop/colour.ts';
import { encode } from '../../../develop/tone.ts';
import { shiftToRggb, type Shift } from '../../../raw/cfa.ts';
import type { Matrix3, Mosaic, Vector3 } from '../../../raw/mosaic.ts';
import { demosaicRim, demosaicSquare } from './demosaic.ts';
import type { PairTarget } from '../load.ts';
import { amplifiedLimit } from '../../photos/patches.ts';
import type { Random } from '../../../darkness/random.ts';
import type { Recipe } from '../../recipe.ts';

/** A pair in memory. */
export interface LoadedPair {
  readonly short: Mosaic;
  readonly target: PairTarget;
  /** The ratio that amplifies the short exposure. */
  readonly ratio: number;
}

/** The parts of a recipe that decide how patches are cut. */
export type PatchTerms = Pick<Recipe, 'patchPacked' | 'domain' | 'whiteBalanced' | 'clamp'>;

/** From this share of the range on, a sample of the long exposure is burnt out and only a lower bound. */
const full = 0.99;

/** A square of the frame, read in one of eight orientations so that it is RGGB in reading order. */
interface Cut {
  /** The first pixel read, and the steps from it along the frame's rows and columns. */
  readonly row: number;
  readonly column: number;
  readonly down: 1 | -1;
  readonly right: 1 | -1;
  readonly isTransposed: boolean;
}

/** Buffers for the work on one patch. */
export class PairPatchMaker {
  readonly #terms: PatchTerms;
  /** Side of the patch, and of the square demosaiced for it, in pixels of the frame. */
  readonly #side: number;
  readonly #wide: number;
  readonly #mosaic: Float32Array;
  readonly #colours: Float32Array;

  constructor(terms: PatchTerms) {
    this.#terms = terms;
    this.#side = terms.patchPacked * 2;
    this.#wide = this.#side + 2 * demosaicRim;
    this.#mosaic = new Float32Array(this.#wide * this.#wide);
    this.#colours = new Float32Array(this.#wide * this.#wide * 3);
  }

  /**
   * Cuts one patch at a random place and orientation. Where a flip would not begin with red, the cut
   * moves by one pixel, so that every sample keeps its colour.
   *
   * @param input 4 · P² samples from `offset · 4 · P²`: R, G (red's row), G (blue's row), B; signed,
   *   amplified, balanced and clamped as the recipe says
   * @param target 12 · P² samples from `offset · 12 · P²`, channel (dy · 2 + dx) · 3 + colour. Linear:
   *   the long exposure in camera RGB, 0 … 4, with the short one's white balance, as the network sees
   *   it; sRGB: the finished picture, or the long exposure with its own white balance, the camera's
   *   matrix and sRGB's curve, 0 … 1
   */
  make(
    pair: LoadedPair,
    random: Random,
    offset: number,
    input: Float32Array,
    target: Float32Array,
  ): void {
    const cut = drawCut(pair.short, this.#side, random);
    this.#packInput(pair, cut, offset, input);
    if (pair.target.kind === 'picture') this.#packPicture(pair.target.picture, cut, offset, target);
    else this.#packExposure(pair, pair.target.mosaic, cut, offset, target);
  }

  #packInput({ short, ratio }: LoadedPair, cut: Cut, offset: number, input: Float32Array): void {
    const { patchPacked, clamp } = this.#terms;
    const { black, scale } = normalisation(short);
    const gains = this.#inputGains(short);
    const { width, height, samples } = short;
    const area = patchPacked * patchPacked;
    const place = placesOf(cut, this.#side, 0, width, height);
    for (let site = 0; site < 4; site++) {
      const [dy, dx] = [site >> 1, site & 1];
      const gain = ratio * gains[dy + dx]!;
      let out = (offset * 4 + site) * area;
      for (let y = 0; y < patchPacked; y++) {
        for (let x = 0; x < patchPacked; x++, out++) {
          const at = place(2 * y + dy, 2 * x + dx);
          const own = ((Math.floor(at / width) & 1) << 1) | ((at % width) & 1);
          const value = (samples[at]! - black[own]!) * scale[own]! * gain;
          input[out] = Math.max(-clamp, Math.min(clamp, value));
        }
      }
    }
  }

  #inputGains({ colour }: Mosaic): Vector3 {
    return this.#terms.whiteBalanced ? colour.asShotGains : [1, 1, 1];
  }

  #packPicture(
    { width, height, samples }: { width: number; height: number; samples: Uint16Array },
    cut: Cut,
    offset: number,
    target: Float32Array,
  ): void {
    const place = placesOf(cut, this.#side, 0, width, height);
    this.#pack(offset, target, (y, x, colour) => samples[place(y, x) * 3 + colour]! / 65_535);
  }

  #packExposure(
    pair: LoadedPair,
    long: Mosaic,
    cut: Cut,
    offset: number,
    target: Float32Array,
  ): void {
    const isPicture = this.#terms.domain === 'srgb';
    const gains = isPicture ? long.colour.asShotGains : pair.short.colour.asShotGains;
    this.#lightOf(pair, long, cut, gains);
    demosaicSquare(this.#mosaic, this.#wide, this.#colours);
    const colours = this.#colours;
    const start = (y: number, x: number): number =>
      ((y + demosaicRim) * this.#wide + x + demosaicRim) * 3;
    if (isPicture) {
      const matrix = cameraToOutput(long.colour, 'srgb');
      this.#pack(offset, target, (y, x, colour) => rendered(colours, start(y, x), matrix, colour));
    } else {
      this.#pack(offset, target, (y, x, colour) => {
        const value = colours[start(y, x) + colour]!;
        return Math.max(0, Math.min(amplifiedLimit, value));
      });
    }
  }

  /**
   * The balanced light of the long exposure in reading order, with the rim for demosaicing. Where it is
   * burnt out, the amplified short exposure replaces it: the mean of the nine samples of the same
   * colour around, whose noise is a few percent there.
   */
  #lightOf({ short, ratio }: LoadedPair, long: Mosaic, cut: Cut, gains: Vector3): void {
    const { black, scale } = normalisation(long);
    const dark = normalisation(short);
    const { width, height, samples } = long;
    const place = placesOf(cut, this.#wide, demosaicRim, width, height);
    const inside = (position: number, size: number): number =>
      position < 0 ? position + 2 : position >= size ? position - 2 : position;
    for (let y = 0, out = 0; y < this.#wide; y++) {
      for (let x = 0; x < this.#wide; x++, out++) {
        const at = place(y, x);
        const [row, column] = [Math.floor(at / width), at % width];
        const site = ((row & 1) << 1) | (column & 1);
        let light = (samples[at]! - black[site]!) * scale[site]!;
        if (light >= full) {
          let sum = 0;
          for (let dy = -2; dy <= 2; dy += 2) {
            const from = inside(row + dy, height) * width;
            for (let dx = -2; dx <= 2; dx += 2) {
              sum += short.samples[from + inside(column + dx, width)]!;
            }
          }
          light = Math.max(1, (sum / 9 - dark.black[site]!) * dark.scale[site]! * ratio);
        }
        // RGGB in reading order: red where both are even.
        this.#mosaic[out] = Math.min(amplifiedLimit, light * gains[(y & 1) + (x & 1)]!);
      }
    }
  }

  /** @param valueAt the value at a pixel of the patch, in reading order */
  #pack(
    offset: number,
    target: Float32Array,
    valueAt: (y: number, x: number, colour: number) => number,
  ): void {
    const { patchPacked } = this.#terms;
    let out = offset * 12 * patchPacked * patchPacked;
    for (let channel = 0; channel < 12; channel++) {
      const dy = channel >= 6 ? 1 : 0;
      const dx = channel % 6 >= 3 ? 1 : 0;
      for (let y = 0; y < patchPacked; y++) {
        for (let x = 0; x < patchPacked; x++, out++) {
          target[out] = valueAt(2 * y + dy, 2 * x + dx, channel % 3);
        }
      }
    }
  }
}

/** Evaluation's fixed rendering: matrix, clip, sRGB's curve, as the paper's targets have it. */
function rendered(colours: Float32Array, at: number, matrix: Matrix3, colour: number): number {
  const row = colour * 3;
  const light =
    matrix[row]! * colours[at]! +
    matrix[row + 1]! * colours[at + 1]! +
    matrix[row + 2]! * colours[at + 2]!;
  return encode(Math.max(0, Math.min(1, light)), 'srgb');
}

/** Draws the place and orientation of a patch. */
function drawCut(mosaic: Mosaic, side: number, random: Random): Cut {
  const red = shiftToRggb(mosaic.cfa);
  const [isUp, isLeft] = [random.chance(0.5), random.chance(0.5)];
  const isTransposed = random.chance(0.5);
  const rows = edge(red, 'row', isUp, mosaic.height, side, random);
  const columns = edge(red, 'column', isLeft, mosaic.width, side, random);
  return { row: rows, column: columns, down: isUp ? -1 : 1, right: isLeft ? -1 : 1, isTransposed };
}

/** The first row or column read: one with red, chosen so that the patch lies in the frame if possible. */
function edge(
  red: Shift,
  axis: 'row' | 'column',
  isBackwards: boolean,
  size: number,
  side: number,
  random: Random,
): number {
  const least = isBackwards ? side - 1 : 0;
  const most = isBackwards ? size - 1 : size - side;
  const first = least + ((red[axis] - least) & 1);
  const choices = Math.floor((most - first) / 2) + 1;
  // A frame smaller than the patch is continued by mirroring.
  return choices > 0 ? first + 2 * random.integer(choices) : red[axis];
}

/**
 * The frame index of each pixel in reading order. Outside the frame it is mirrored about the edge
 * samples, which preserves the CFA phase.
 * @param rim pixels read before the first of the cut
 */
function placesOf(cut: Cut, side: number, rim: number, width: number, height: number) {
  const line = (first: number, step: 1 | -1, size: number): Int32Array =>
    Int32Array.from({ length: side }, (_, index) => mirrored(first + (index - rim) * step, size));
  const rows = line(cut.row, cut.down, height);
  const columns = line(cut.column, cut.right, width);
  return cut.isTransposed
    ? (y: number, x: number): number => rows[x]! * width + columns[y]!
    : (y: number, x: number): number => rows[y]! * width + columns[x]!;
}

function mirrored(position: number, size: number): number {
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((position % period) + period) % period;
  return folded < size ? folded : period - folded;
}
