/**
 * Exposure, saturation, shadows, highlights and contrast, on linear RGB of the output space. The
 * formulas are closed-form because the app's shader repeats them, so that an export matches the
 * screen.
 */

import type { Matrix3, Vector3 } from '../raw/mosaic.ts';
import { gamutShare } from './colour.ts';

export interface ToneEdits {
  /** Stops. */
  readonly exposure: number;
  /** This and the following from −1 to 1. */
  readonly highlights: number;
  readonly shadows: number;
  readonly contrast: number;
  /** −1 is grey. */
  readonly saturation: number;
}

/** Linear light at which the weight of shadows fades and that of highlights begins. */
const shadowReach = 0.1;
const highlightReach = 0.4;
/** Stops at the end of a slider, where its weight is full. */
const rangeStops = 1.5;
/** Contrast pivots the curve about middle grey; the addend keeps the logarithm of black finite. */
const middleGrey = 0.18;
const blackGuard = 0.001;
/** log₂ of the curve's slope at the end of the contrast slider. */
const contrastReach = 0.8;

export function isNeutral({
  exposure,
  highlights,
  shadows,
  contrast,
  saturation,
}: ToneEdits): boolean {
  return exposure === 0 && highlights === 0 && shadows === 0 && contrast === 0 && saturation === 0;
}

/** The factor for a pixel of luminance y ≥ 0. The curve y · gain(y) is strictly increasing. */
export function toneGain(y: number, { highlights, shadows, contrast }: ToneEdits): number {
  const shadow = (shadowReach / (shadowReach + y)) ** 2;
  const highlight = (y / (y + highlightReach)) ** 2;
  const gain = 2 ** (rangeStops * (shadows * shadow + highlights * highlight));
  const slope = 2 ** (contrastReach * contrast);
  return gain * ((y * gain + blackGuard) / (middleGrey + blackGuard)) ** (slope - 1);
}

/** Steps of the table, evenly spaced in y / (y + `tableMiddle`). */
const tableSteps = 8192;
const tableMiddle = 0.05;

/** `toneGain` as a table for a whole picture; within 10⁻⁴ of the formula. */
export class ToneCurve {
  readonly #table: Float64Array;

  constructor(edits: ToneEdits) {
    this.#table = Float64Array.from({ length: tableSteps + 2 }, (_, step) => {
      const t = Math.min(step / tableSteps, 1 - 1e-6);
      return toneGain((tableMiddle * t) / (1 - t), edits);
    });
  }

  gain(y: number): number {
    if (!(y > 0)) return this.#table[0]!;
    const at = (y / (y + tableMiddle)) * tableSteps;
    const index = at | 0;
    const low = this.#table[index]!;
    return low + (this.#table[index + 1]! - low) * (at - index);
  }
}

/** Camera RGB in, toned linear RGB of the output space out, pixel by pixel. */
export class Toner {
  readonly #matrix: Matrix3;
  readonly #luminance: Vector3;
  readonly #colourfulness: number;
  readonly #curve: ToneCurve;

  /**
   * @param matrix white-balanced camera RGB → linear RGB of the output space
   * @param luminance of that RGB
   */
  constructor(matrix: Matrix3, luminance: Vector3, edits: ToneEdits) {
    const light = 2 ** edits.exposure;
    const [a, b, c, d, e, f, g, h, i] = matrix;
    this.#matrix = [
      a * light, b * light, c * light,
      d * light, e * light, f * light,
      g * light, h * light, i * light,
    ]; // prettier-ignore
    this.#luminance = luminance;
    this.#colourfulness = 1 + edits.saturation;
    this.#curve = new ToneCurve(edits);
  }

  /** @returns as many samples, none below 0 */
  apply(samples: Float32Array): Float32Array {
    const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = this.#matrix;
    const [lr, lg, lb] = this.#luminance;
    const colourfulness = this.#colourfulness;
    const toned = new Float32Array(samples.length);
    for (let at = 0; at < samples.length; at += 3) {
      const cr = samples[at]!;
      const cg = samples[at + 1]!;
      const cb = samples[at + 2]!;
      let r = m0 * cr + m1 * cg + m2 * cb;
      let g = m3 * cr + m4 * cg + m5 * cb;
      let b = m6 * cr + m7 * cg + m8 * cb;
      let y = Math.max(0, lr * r + lg * g + lb * b);
      // Into the gamut as without a look, and once more where saturation led out of it.
      let least = Math.min(r, g, b);
      if (least < 0) {
        const keep = gamutShare(y, least);
        r = Math.max(0, y + keep * (r - y));
        g = Math.max(0, y + keep * (g - y));
        b = Math.max(0, y + keep * (b - y));
        y = lr * r + lg * g + lb * b;
      }
      r = y + (r - y) * colourfulness;
      g = y + (g - y) * colourfulness;
      b = y + (b - y) * colourfulness;
      // Out of gamut: moved towards grey of the same luminance until it fits, as is done without a
      // look.
      least = Math.min(r, g, b);
      const gain = this.#curve.gain(y);
      const keep = least < 0 ? (y / (y - least)) * gain : gain;
      const grey = y * gain;
      toned[at] = Math.max(0, grey + keep * (r - y));
      toned[at + 1] = Math.max(0, grey + keep * (g - y));
      toned[at + 2] = Math.max(0, grey + keep * (b - y));
    }
    return toned;
  }
}
