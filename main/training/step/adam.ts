/** Adam on the processor (Kingma & Ba 2015): weights, their moments and their gradient in one memory. */

import { readFileSync } from 'node:fs';

/** Adam's constants, as the paper has them. */
export const beta1 = 0.9;
export const beta2 = 0.999;
/** Its ε, for a variance that is kept without its factor (1 − β₂). */
export const keptEpsilon = 1e-8 / Math.sqrt(1 - beta2);

/** A gradient of length 0 is not divided by. */
export const normMin = 1e-12;

/**
 * The learning rate with Adam's bias correction, and with the factors (1 − β) that moments are kept without:
 * two multiplications over all parameters less.
 * @param step counted from 1
 */
export function stepRate(learningRate: number, step: number): number {
  const corrected = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
  return (corrected * (1 - beta1)) / Math.sqrt(1 - beta2);
}

const pageBytes = 2 ** 16;
/** Vectors begin at whole lines of the processor's caches. */
const lineBytes = 64;

const program = new WebAssembly.Module(readFileSync(new URL('adam.wasm', import.meta.url)));

/** Numbers whose gradients lie together, though not where they do in their own vector. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly gradientStart: number;
}

/**
 * The numbers that a processor trains, side by side, so that `adam.wat` changes them in one pass. The
 * runtime reads weights and writes the gradient in place.
 */
export class Adam {
  /** [size] each */
  readonly weights: Float32Array<ArrayBuffer>;
  readonly momentum: Float32Array<ArrayBuffer>;
  readonly variance: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array<ArrayBuffer>;
  readonly #squares: () => number;
  readonly #update: (shorten: number, rate: number) => void;

  /**
   * @param size numbers: four vectors of them, and their runs, in 4 GiB
   * @param runs all numbers, in runs of whole fours but for the last
   */
  constructor(
    size: number,
    runs: readonly Stretch[] = [{ start: 0, end: size, gradientStart: 0 }],
  ) {
    const bytes = Math.ceil((4 * size) / lineBytes) * lineBytes;
    const table = runs.flatMap(({ start, end, gradientStart }) => [start, end, gradientStart]);
    const tableEnd = 4 * bytes + 4 * table.length;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(tableEnd / pageBytes) });
    const { buffer } = memory;
    if (!(buffer instanceof ArrayBuffer)) throw new Error('expected memory of one thread');
    this.weights = new Float32Array(buffer, 0, size);
    this.momentum = new Float32Array(buffer, bytes, size);
    this.variance = new Float32Array(buffer, 2 * bytes, size);
    this.gradient = new Float32Array(buffer, 3 * bytes, size);
    new Uint32Array(buffer, 4 * bytes).set(table.map((place) => 4 * place));
    const { exports } = new WebAssembly.Instance(program, { adam: { memory } });
    const [squares, update] = [called(exports['squares']), called(exports['update'])];
    this.#squares = () => Number(squares(bytes));
    this.#update = (shorten, rate) => {
      update(bytes, 4 * bytes, tableEnd, shorten, rate, beta1, beta2, keptEpsilon);
    };
  }

  /**
   * Changes weights and moments by the gradient, which is shortened to `clipNorm` first if it is longer.
   * @param rate from `stepRate`
   * @returns the gradient's length before that
   */
  step(rate: number, clipNorm: number): number {
    const norm = Math.sqrt(this.#squares());
    this.#update(Math.min(1, clipNorm / Math.max(norm, normMin)), rate);
    return norm;
  }
}

function called(value: WebAssembly.ExportValue | undefined): (...numbers: number[]) => unknown {
  if (typeof value !== 'function') throw new Error('expected a function in adam.wasm');
  return (...numbers): unknown => Reflect.apply(value, undefined, numbers);
}
