/**
 * Muon: the weights of hidden convolutions move along their momentum made orthogonal, so that every
 * direction in which a layer can change does so by as much (Jordan et al. 2024, "Muon: An optimizer
 * for hidden layers in neural networks"). The first and last layer and all biases keep Adam.
 */

import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import { fixed, Graph, type Value } from '../../network/onnx.ts';
import { unetParameters, type Parameter, type UnetShape } from '../../network/unet.ts';
import type { Adam } from './adam.ts';
import { blockedParameters } from './blocked-order.ts';

/** Muon's rate beside the recipe's learning rate, which is Adam's. */
const muonRateRatio = 10;

/**
 * Weights move every so many steps, as much farther: the momentum changes little from step to step,
 * and making it orthogonal takes about half as long as a step.
 */
const muonEvery = 2;

/**
 * How far Muon moves in a step: 0 in steps in which it does not.
 * @param learningRate the recipe's, which is Adam's
 * @param step counted from 1
 */
export function muonRateAt(learningRate: number, step: number): number {
  return step % muonEvery === 0 ? learningRate * muonRateRatio * muonEvery : 0;
}

/** Jordan's coefficients: small singular values grow fast, and all come to lie between 0.7 and 1.2. */
const [linear, cubic, quintic] = [3.4445, -4.775, 2.0315];
const iterations = 5;
/** Avoids division by zero for a direction without length. */
const sizeMin = 1e-30;

/** The weight of a hidden convolution as a matrix of outputs × inputs, in the order of its vector. */
export interface HiddenMatrix {
  readonly name: string;
  /** Its range in the vector of all numbers. */
  readonly offset: number;
  readonly size: number;
  /** Rows and columns in memory, of vectors of `lanes` numbers: [rows, columns, lanes]. */
  readonly rows: number;
  readonly columns: number;
  /** 1 for a plain matrix. In blocks, the rows' numbers are adjacent: output = row · lanes + lane. */
  readonly lanes: number;
  /** √(outputs / inputs) where there are more outputs: a change of all outputs by about as much. */
  readonly scale: number;
}

/** Whether Muon moves a parameter. */
export function isHidden(name: string): boolean {
  return name.endsWith('.weight') && name !== 'down0a.weight' && name !== 'out.weight';
}

/** The matrices in the order of `blockedParameters`, or without a block in that of `unetParameters`. */
export function hiddenMatrices(unet: UnetShape, block: number | undefined): HiddenMatrix[] {
  const parameters = block === undefined ? unetParameters(unet) : blockedParameters(unet, block);
  return parameters.filter(({ name }) => isHidden(name)).map((one) => matrixOf(one, block));
}

function matrixOf(
  { name, shape, offset, size }: Parameter,
  block: number | undefined,
): HiddenMatrix {
  const [first = 1] = shape;
  // An upward convolution is [in, out, 2, 2], or a convolution to four times its outputs in blocks.
  const isTurned = block === undefined && name.startsWith('rise');
  const outputs = isTurned ? size / first : first;
  const inputs = size / outputs;
  const lanes = block ?? 1;
  const rows = isTurned ? first : outputs / lanes;
  const scale = Math.sqrt(Math.max(1, outputs / inputs));
  return { name, offset, size, rows, columns: size / rows / lanes, lanes, scale };
}

/**
 * The directions made orthogonal, as one graph. Inputs: `direction.NAME` [rows, columns, lanes] for
 * each matrix; outputs: `step.NAME`, the same shape and order.
 */
function muonModel(matrices: readonly HiddenMatrix[]): Uint8Array {
  const graph = new Graph('muon');
  for (const { name, rows, columns, lanes } of matrices) {
    const direction = graph.input(`direction.${name}`, [rows, columns, lanes]);
    const isBlocked = lanes > 1;
    const moved = isBlocked ? swapped(graph, direction) : direction;
    const matrix = isBlocked ? [columns, rows * lanes] : [rows, columns];
    const made = orthogonal(graph, reshaped(graph, moved, matrix));
    const step = reshaped(graph, made, fixed(moved.shape));
    graph.output(`step.${name}`, isBlocked ? swapped(graph, step) : step);
  }
  return graph.model();
}

/** [a, b, lanes] → [b, a, lanes]. The runtime's Transpose of three axes runs in a single thread. */
function swapped(graph: Graph, x: Value): Value {
  const [a = 1, b = 1, lanes = 1] = fixed(x.shape);
  const order = Array.from({ length: a * b }, (_, at) => (at % a) * b + Math.floor(at / a));
  const vectors = reshaped(graph, x, [a * b, lanes]);
  const moved = graph.apply('Gather', [vectors, graph.integers(order)], vectors.shape, {
    attributes: { axis: 0 },
  });
  return reshaped(graph, moved, [b, a, lanes]);
}

function reshaped(graph: Graph, x: Value, shape: readonly number[]): Value {
  return graph.apply('Reshape', [x, graph.integers(shape)], shape);
}

/**
 * A matrix of the same directions whose singular values are near 1, by five steps of Newton–Schulz:
 * X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X. They are made on the smaller side's products A = X Xᵀ alone,
 * where each step multiplies A by Q² and the result by Q = a + b A + c A²; that takes a third of the
 * multiplications for a matrix ten times as wide as high.
 *
 * X begins with a length that is √|A| (Frobenius) and so at least its largest singular value.
 * @param x [m, n]
 * @returns [m, n]
 */
export function orthogonal(graph: Graph, x: Value): Value {
  const [m = 1, n = 1] = fixed(x.shape);
  const side = Math.min(m, n);
  const square = [side, side];
  const transpose = m <= n ? { transB: 1 } : { transA: 1 };
  const own = graph.apply('Gemm', [x, x], square, { attributes: transpose });
  const squares = graph.apply('ReduceSumSquare', [own], [], { attributes: { keepdims: 0 } });
  const length = graph.apply('Sqrt', [squares], []);
  const size = graph.apply('Max', [length, graph.scalar(sizeMin)], []);
  /** p · y + a · y */
  const times = (p: Value, y: Value): Value =>
    graph.apply('Gemm', [p, y, y], square, { attributes: { beta: { float: linear } } });
  let products = graph.apply('Div', [own, size], square);
  let factor: Value | undefined;
  for (let step = 0; step < iterations; step++) {
    const change = graph.apply('Gemm', [products, products, products], square, {
      attributes: { alpha: { float: quintic }, beta: { float: cubic } },
    });
    factor =
      factor === undefined
        ? graph.apply('Add', [change, identity(graph, side, linear)], square)
        : times(change, factor);
    if (step < iterations - 1) products = times(change, times(change, products));
  }
  if (factor === undefined) throw new Error('expected at least one iteration');
  const scaled = graph.apply('Div', [factor, graph.apply('Sqrt', [size], [])], square);
  return graph.apply('MatMul', m <= n ? [scaled, x] : [x, scaled], [m, n]);
}

function identity(graph: Graph, side: number, height: number): Value {
  const numbers = new Float32Array(side * side);
  for (let at = 0; at < numbers.length; at += side + 1) numbers[at] = height;
  return graph.table(`identity:${String(side)}:${String(height)}`, [side, side], numbers);
}

/** Muon on the processor. */
export interface Muon {
  /**
   * Makes the directions orthogonal and moves the weights.
   * @param rate from `muonRateAt`; above 0
   */
  move(rate: number): Promise<void>;
  release(): Promise<void>;
}

/**
 * Opens Muon for numbers in `adam`, whose `step` leaves the directions of Muon's runs in `variance`.
 * @param threads all processor threads of the machine if not given
 */
export async function openMuon(
  matrices: readonly HiddenMatrix[],
  adam: Adam,
  threads: number | undefined,
): Promise<Muon> {
  const session = await ort.InferenceSession.create(muonModel(matrices), {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    extra: { session: { intra_op: { spin_duration_us: '20' } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
  const tensors = (kind: string, vector: Float32Array): InferenceSession.FeedsType =>
    Object.fromEntries(
      matrices.map(({ name, offset, size, rows, columns, lanes }) => {
        const numbers = vector.subarray(offset, offset + size);
        return [`${kind}.${name}`, new ort.Tensor('float32', numbers, [rows, columns, lanes])];
      }),
    );
  const directions = tensors('direction', adam.variance);
  const steps = tensors('step', adam.gradient);
  return {
    async move(rate) {
      await session.run(directions, steps);
      for (const { offset, size, scale } of matrices) {
        adam.move(offset, offset + size, rate * scale);
      }
    },
    release: () => session.release(),
  };
}
