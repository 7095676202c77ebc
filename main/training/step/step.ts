/**
 * Builds a training step as an ONNX graph: forward, loss, backward, and, for graphics cards,
 * clipping and the optimiser.
 */

import type { Optimizer } from '../../../preload/contract/choices.ts';
import { Graph, sizeOf, type Value } from '../../network/onnx.ts';
import {
  parameterCount,
  unet,
  unetParameters,
  type Parameter,
  type UnetShape,
} from '../../network/unet.ts';
import { beta1, beta2, keptEpsilon, muonBeta, normMin } from './adam.ts';
import { Tape } from './autodiff.ts';
import { loss, type LossWeights } from './loss.ts';
import { BlockedLayers } from './blocked-layers.ts';
import { blockedParameters, gradientShapeOf } from './blocked-order.ts';
import { CardSums, sumOfSquares } from './card-sums.ts';
import { hiddenMatrices, orthogonal } from './muon.ts';
import { PixelSums } from './pixel-sums.ts';
import { PlainLayers } from './plain-layers.ts';

export interface StepShape {
  readonly unet: UnetShape;
  readonly batch: number;
  /** Side of a patch in packed pixels (half the sensor's). */
  readonly patchPacked: number;
  readonly loss: LossWeights;
  /** Longer gradients are scaled down to this length (L2 norm over all parameters). */
  readonly clipNorm: number;
  /** Default: `adam`. Only for graphics cards. */
  readonly optimizer?: Optimizer | undefined;
  /** Channels per block of `BlockedLayers`; absent for `PlainLayers`. */
  readonly block?: number | undefined;
  /** Whether the plain layers' sums are arranged for a graphics card. */
  readonly isForCard?: boolean | undefined;
}

/** Parameters that are one input tensor of a gradient's graph, and one output. */
export interface ParameterTensor {
  /** Its names are `weights` and `gradient` followed by this. */
  readonly suffix: string;
  readonly shape: readonly number[];
  /** As many numbers, possibly in another order (`gradientRuns`). */
  readonly gradientShape: readonly number[];
  /** Its start in the vector of all numbers. */
  readonly offset: number;
  readonly parameters: readonly Parameter[];
}

/**
 * The plain graph takes all parameters as one tensor: few nodes, which suits graphics cards. The
 * blocked graph has a tensor for each, laid out as its convolution needs it, so that nothing is
 * cut, joined or copied.
 */
export function parameterTensors({ unet: net, block }: StepShape): readonly ParameterTensor[] {
  if (block === undefined) {
    const parameters = unetParameters(net);
    const shape = [parameterCount(net)];
    return [{ suffix: '', shape, gradientShape: shape, offset: 0, parameters }];
  }
  return blockedParameters(net, block).map((parameter) => ({
    suffix: `.${parameter.name}`,
    shape: parameter.shape,
    gradientShape: gradientShapeOf(parameter, block),
    offset: parameter.offset,
    parameters: [parameter],
  }));
}

/**
 * A whole step as one graph, for devices that keep weights and moments.
 *
 * Inputs: `mosaic` [batch, 4, p, p], `target` [batch, 12, p, p], `weights`, `momentum`, `variance`
 * [parameters], `rate` [] from `stepRate`, and with Muon `muonRate` [] from `muonRateAt`. Outputs: `loss` [], `norm` [] (of the gradient before
 * clipping), and `weights2`, `momentum2`, `variance2` for the next step.
 */
export function stepModel(shape: Omit<StepShape, 'block'>): Uint8Array {
  const graph = new Graph('step');
  const { gradients, value } = lossAndGradients(new Tape(graph), shape);
  const [whole] = gradients;
  if (whole === undefined) throw new Error('expected all parameters in one tensor');
  const { weights, gradient } = whole;
  const square =
    shape.isForCard === true
      ? sumOfSquares(graph, gradient)
      : graph.apply('ReduceSumSquare', [gradient], [], { attributes: { keepdims: 0 } });
  const norm = graph.apply('Sqrt', [square], []);
  const atLeast = graph.apply('Max', [norm, graph.scalar(normMin)], []);
  const share = graph.apply('Div', [graph.scalar(shape.clipNorm), atLeast], []);
  graph.output('loss', value);
  graph.output('norm', norm);
  const shorten = graph.apply('Min', [graph.scalar(1), share], []);
  optimise(graph, shape, { weights, gradient, shorten });
  return graph.model();
}

/** What an optimiser is given; all but the scalar `shorten` are flat vectors of all parameters. */
interface Given {
  readonly weights: Value;
  readonly gradient: Value;
  /** Clips the gradient. */
  readonly shorten: Value;
}

/** The same as `Adam` on the processor, and `Muon` there where the shape asks for it. */
function optimise(
  graph: Graph,
  { unet: net, optimizer }: Pick<StepShape, 'unet' | 'optimizer'>,
  { weights, gradient, shorten }: Given,
): void {
  const { shape } = weights;
  const isMuon = optimizer === 'muon';
  const rate = graph.input('rate', []);
  const momentum = graph.input('momentum', shape);
  const variance = graph.input('variance', shape);
  const op = (name: string, ...inputs: Value[]): Value => graph.apply(name, inputs, shape);
  const clipped = op('Mul', gradient, shorten);
  const kept = isMuon ? graph.table('momenta', shape, momentaOf(net)) : graph.scalar(beta1);
  const momentum2 = op('Add', op('Mul', momentum, kept), clipped);
  const variance2 = op(
    'Add',
    op('Mul', variance, graph.scalar(beta2)),
    op('Mul', clipped, clipped),
  );
  const spread = op('Add', op('Sqrt', variance2), graph.scalar(keptEpsilon));
  const adamChange = op('Div', op('Mul', momentum2, rate), spread);
  const direction = op('Add', op('Mul', momentum2, graph.scalar(muonBeta)), clipped);
  const change = isMuon ? mixedChange(graph, net, { adamChange, direction }) : adamChange;
  graph.output('weights2', op('Sub', weights, change));
  graph.output('momentum2', momentum2);
  graph.output('variance2', variance2);
}

/** Each number's share of its momentum that stays. */
function momentaOf(net: UnetShape): Float32Array {
  const momenta = new Float32Array(parameterCount(net)).fill(beta1);
  for (const { offset, size } of hiddenMatrices(net, undefined)) {
    momenta.fill(muonBeta, offset, offset + size);
  }
  return momenta;
}

/** Adam's change of the weights, and Muon's where they are hidden, in one vector. */
function mixedChange(
  graph: Graph,
  net: UnetShape,
  { adamChange, direction }: { readonly adamChange: Value; readonly direction: Value },
): Value {
  const muonRate = graph.input('muonRate', []);
  const matrices = new Map(hiddenMatrices(net, undefined).map((one) => [one.name, one]));
  const reshaped = (x: Value, shape: readonly number[]): Value =>
    graph.apply('Reshape', [x, graph.integers(shape)], shape);
  const parts = unetParameters(net).map(({ name, offset, size }): Value => {
    const matrix = matrices.get(name);
    const bounds = [offset, offset + size, 0].map((bound) => graph.integers([bound]));
    const part = (of: Value): Value => graph.apply('Slice', [of, ...bounds], [size]);
    if (matrix === undefined) return part(adamChange);
    const made = orthogonal(graph, reshaped(part(direction), [matrix.rows, matrix.columns]));
    const scale = graph.apply('Mul', [muonRate, graph.scalar(matrix.scale)], []);
    return graph.apply('Mul', [reshaped(made, [size]), scale], [size]);
  });
  return graph.apply('Concat', parts, adamChange.shape, { attributes: { axis: 0 } });
}

/**
 * Loss and gradient, which are the processor's whole step except for Adam. Inputs: `mosaic`,
 * `target`, and `weights…` for each of `parameterTensors`. Outputs: `loss`, and `gradient…` for
 * each.
 */
export function gradientModel(shape: StepShape): Uint8Array {
  const graph = new Graph('gradient');
  const { gradients, value } = lossAndGradients(new Tape(graph), shape);
  // The runtime computes the last output first. So a layer's gradients are computed before those of
  // the layer below it, while their inputs are still in the processor's caches, and that memory is
  // soon free again.
  const order = unetParameters(shape.unet).map(({ name }) => name);
  const layer = ({ parameters }: ParameterTensor): number =>
    order.indexOf(parameters[0]?.name ?? '');
  for (const { suffix, gradient } of gradients.toSorted((a, b) => layer(a) - layer(b))) {
    graph.output(`gradient${suffix}`, gradient);
  }
  graph.output('loss', value);
  return graph.model();
}

interface TensorGradient extends ParameterTensor {
  readonly weights: Value;
  readonly gradient: Value;
}

function lossAndGradients(tape: Tape, shape: StepShape) {
  const { graph } = tape;
  const { batch, patchPacked: side, unet: net, block, isForCard } = shape;
  const mosaic = graph.input('mosaic', [batch, net.inputChannels, side, side]);
  const target = graph.input('target', [batch, net.outputChannels, side, side]);
  const views = new Map<string, Value>();
  const tensors = parameterTensors(shape).map((tensor) => {
    const weights = graph.input(`weights${tensor.suffix}`, tensor.shape);
    for (const { name, offset, shape: dimensions } of tensor.parameters) {
      const view = tape.view(weights, offset - tensor.offset, dimensions);
      views.set(name, tape.track(view));
    }
    return { ...tensor, weights };
  });
  const parameter = (name: string): Value => {
    const view = views.get(name);
    if (view === undefined) throw new Error(`expected a parameter named ${name}`);
    return view;
  };
  const layers =
    block === undefined
      ? new PlainLayers(tape, isForCard === true ? new CardSums(tape) : new PixelSums(tape))
      : new BlockedLayers(tape, block, net.outputChannels);
  const value = loss(tape, unet(layers, parameter, net, mosaic), target, shape.loss);
  const byName = tape.gradients(value);
  const gradients = tensors.map((tensor): TensorGradient => {
    const parts = tensor.parameters.map(({ name }) => {
      const gradient = byName.get(parameter(name).name);
      if (gradient === undefined) throw new Error(`expected a gradient for ${name}`);
      return gradient;
    });
    return { ...tensor, gradient: joined(tape, parts, tensor.gradientShape) };
  });
  return { gradients, value };
}

/** Joins several parts in a vector; a single one is returned as it is. */
function joined(tape: Tape, parts: readonly Value[], shape: readonly number[]): Value {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return tape.reshape(only, shape);
  const flat = parts.map((part) => tape.reshape(part, [sizeOf(part.shape)]));
  return tape.graph.apply('Concat', flat, shape, { attributes: { axis: 0 } });
}
