/** Adam on the processor (Kingma & Ba 2015), with weights, moments and gradient in one memory. */

import { readFileSync } from 'node:fs';

/** Adam's constants, as in the paper. */
export const beta1 = 0.9;
export const beta2 = 0.999;
/** Adam's ε, adapted to a variance that is stored without its factor (1 − β₂). */
export const keptEpsilon = 1e-8 / Math.sqrt(1 - beta2);

/** Avoids division by a gradient of length 0. */
export const normMin = 1e-12;

/**
 * The learning rate with Adam's bias correction and with the factors (1 − β) that the stored
 * moments lack. This saves two multiplications per parameter.
 * @param step counted from 1
 */
export function stepRate(learningRate: number, step: number): number {
  const corrected = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
  return (corrected * (1 - beta1)) / Math.sqrt(1 - beta2);
}

const pageBytes = 2 ** 16;
/** Vectors are aligned to the processor's cache lines. */
const lineBytes = 64;

const program = new WebAssembly.Module(readFileSync(new URL('adam.wasm', import.meta.url)));

/** A range of numbers whose gradients are contiguous too, but at another offset. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly gradientStart: number;
}

/**
 * The numbers trained on the processor, arranged so that `adam.wat` updates them in one pass. The
 * runtime reads the weights and writes the gradient in place.
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
   * @param size numbers; four vectors of this size and the table of runs must fit into 4 GiB
   * @param runs cover all numbers; the length of each but the last is a multiple of four
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
   * Updates weights and moments by the gradient, which is first scaled down to `clipNorm` if it is
   * longer.
   * @param rate from `stepRate`
   * @returns the gradient's length before clipping
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
