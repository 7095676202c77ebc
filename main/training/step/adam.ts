/**
 * Adam on the processor (Kingma & Ba 2015), with weights, moments and gradient in one memory, and the
 * moments of weights that Muon moves (`muon.ts`).
 */

import { readFileSync } from 'node:fs';

/** Adam's constants, as in the paper. */
export const beta1 = 0.9;
export const beta2 = 0.999;
/** Adam's ε, adapted to a variance that is stored without its factor (1 − β₂). */
export const keptEpsilon = 1e-8 / Math.sqrt(1 - beta2);

/** Muon's momentum (Jordan et al. 2024), stored without its factor (1 − β). */
export const muonBeta = 0.95;

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
  readonly #move: (start: number, end: number, rate: number) => void;

  /**
   * @param size numbers; four vectors of this size and the table of runs must fit into 4 GiB
   * @param runs of the numbers that Adam updates
   * @param muonRuns of the numbers that Muon moves; both together cover all numbers, and the length
   *   of each run but that of the last number is a multiple of four
   */
  constructor(
    size: number,
    runs: readonly Stretch[] = [{ start: 0, end: size, gradientStart: 0 }],
    muonRuns: readonly Stretch[] = [],
  ) {
    const bytes = Math.ceil((4 * size) / lineBytes) * lineBytes;
    const table = [...runs, ...muonRuns].flatMap((run) => [run.start, run.end, run.gradientStart]);
    const muonTable = 4 * bytes + 4 * 3 * runs.length;
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
    const [direct, move] = [called(exports['direct']), called(exports['move'])];
    this.#squares = () => Number(squares(bytes));
    this.#update = (shorten, rate) => {
      update(bytes, 4 * bytes, muonTable, shorten, rate, beta1, beta2, keptEpsilon);
      direct(bytes, muonTable, tableEnd, shorten, muonBeta);
    };
    this.#move = (start, end, rate) => {
      move(bytes, 4 * start, 4 * end, rate);
    };
  }

  /**
   * Updates weights and moments by the gradient, which is first scaled down to `clipNorm` if it is
   * longer. Weights of Muon's runs stay; `variance` then holds the directions in which they should
   * move.
   * @param rate from `stepRate`
   * @returns the gradient's length before clipping
   */
  step(rate: number, clipNorm: number): number {
    const norm = Math.sqrt(this.#squares());
    this.#update(Math.min(1, clipNorm / Math.max(norm, normMin)), rate);
    return norm;
  }

  /**
   * Moves weights against what `gradient` holds for them in their own order.
   * @param start of the weights; a multiple of four, as is their number
   */
  move(start: number, end: number, rate: number): void {
    this.#move(start, end, rate);
  }
}

function called(value: WebAssembly.ExportValue | undefined): (...numbers: number[]) => unknown {
  if (typeof value !== 'function') throw new Error('expected a function in adam.wasm');
  return (...numbers): unknown => Reflect.apply(value, undefined, numbers);
}
