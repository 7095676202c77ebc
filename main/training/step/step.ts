/** One training step as one ONNX graph: forward, loss, backward, clipping and Adam. */

import { Graph, sizeOf, type Value } from '../../network/onnx.ts';
import {
  parameterCount,
  unet,
  unetParameters,
  type Parameter,
  type UnetShape,
} from '../../network/unet.ts';
import { Tape } from './autodiff.ts';
import { loss, type LossWeights } from './loss.ts';
import { BlockedLayers } from './blocked-layers.ts';
import { blockedParameters } from './blocked-order.ts';
import { CardSums, sumOfSquares } from './card-sums.ts';
import { PixelSums } from './pixel-sums.ts';
import { PlainLayers } from './plain-layers.ts';

export interface StepShape {
  readonly unet: UnetShape;
  readonly batch: number;
  /** Side of a patch in packed pixels (half the sensor's). */
  readonly patchPacked: number;
  readonly loss: LossWeights;
  /** Gradients longer than this are shortened to it (L2 norm over all parameters). */
  readonly clipNorm: number;
  /** Channels in a block of `BlockedLayers`; absent for `PlainLayers`. */
  readonly block?: number | undefined;
  /** Whether a graphics card is to make the plain layers' sums. */
  readonly isForCard?: boolean | undefined;
}

/** A run of the parameter vector that goes in and out of the graph as one tensor. */
export interface StepSegment {
  /** What its tensors' names end with. */
  readonly suffix: string;
  /** Where it begins in the whole vector. */
  readonly offset: number;
  readonly size: number;
  readonly parameters: readonly Parameter[];
}

/** Numbers of a segment of small weights at most: what Adam works on fits the processor's nearest cache but one. */
const segmentSize = 2 ** 15;

/**
 * The plain step takes all parameters in one piece: few nodes, as graphics cards like it. The blocked
 * one takes large weights each by itself, so that Adam's dozen passes over one find it in the processor's cache,
 * and small ones that follow each other together, as a pass costs some time of its own.
 */
export function stepSegments({ unet: net, block }: StepShape): readonly StepSegment[] {
  if (block === undefined) {
    const parameters = unetParameters(net);
    return [{ suffix: '', offset: 0, size: parameterCount(net), parameters }];
  }
  const segments: StepSegment[] = [];
  for (const parameter of blockedParameters(net, block)) {
    const { name, offset, size } = parameter;
    const last = segments.at(-1);
    if (last !== undefined && last.size + size <= segmentSize) {
      const parameters = [...last.parameters, parameter];
      segments[segments.length - 1] = { ...last, size: last.size + size, parameters };
    } else {
      segments.push({ suffix: `.${name}`, offset, size, parameters: [parameter] });
    }
  }
  return segments;
}

/** Adam's constants (Kingma & Ba 2015). */
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/**
 * The step's graph.
 *
 * Inputs: `mosaic` [batch, 4, p, p], `target` [batch, 12, p, p], `weights…`, `momentum…`, `variance…` for
 * each of `stepSegments`, `rate` [] from `stepRate`. Outputs: `loss` [], `norm` [] (of the gradient
 * before clipping), and `weights2…`, `momentum2…`, `variance2…`, to be fed back.
 *
 * The moments are kept without their (1 − β) factors, which `stepRate` holds instead: two
 * multiplications over all parameters less.
 */
export function stepModel(shape: StepShape): Uint8Array {
  const graph = new Graph('step');
  const { segments, value } = lossAndGradient(new Tape(graph), shape);
  const rate = graph.input('rate', []);
  const squares = segments.map(({ gradient }) =>
    shape.isForCard === true
      ? sumOfSquares(graph, gradient)
      : graph.apply('ReduceSumSquare', [gradient], [], { attributes: { keepdims: 0 } }),
  );
  const norm = graph.apply('Sqrt', [graph.apply('Sum', squares, [])], []);
  const atLeast = graph.apply('Max', [norm, graph.scalar(1e-12)], []);
  const share = graph.apply('Div', [graph.scalar(shape.clipNorm), atLeast], []);
  const shorten = graph.apply('Min', [graph.scalar(1), share], []);
  graph.output('loss', value);
  graph.output('norm', norm);
  for (const segment of segments) adam(graph, segment, shorten, rate);
  return graph.model();
}

interface SegmentGradient extends StepSegment {
  readonly weights: Value;
  readonly gradient: Value;
}

function adam(graph: Graph, segment: SegmentGradient, shorten: Value, rate: Value): void {
  const { suffix, size, weights, gradient } = segment;
  const momentum = graph.input(`momentum${suffix}`, [size]);
  const variance = graph.input(`variance${suffix}`, [size]);
  const op = (name: string, ...inputs: Value[]): Value => graph.apply(name, inputs, [size]);
  const clipped = op('Mul', gradient, shorten);
  const momentum2 = op('Add', op('Mul', momentum, graph.scalar(beta1)), clipped);
  const variance2 = op(
    'Add',
    op('Mul', variance, graph.scalar(beta2)),
    op('Mul', clipped, clipped),
  );
  const spread = op('Add', op('Sqrt', variance2), graph.scalar(epsilon / Math.sqrt(1 - beta2)));
  const weights2 = op('Sub', weights, op('Div', op('Mul', momentum2, rate), spread));
  graph.output(`weights2${suffix}`, weights2);
  graph.output(`momentum2${suffix}`, momentum2);
  graph.output(`variance2${suffix}`, variance2);
}

/** Loss and gradient alone, for the tests that hold them against finite differences. */
export function gradientModel(shape: StepShape): Uint8Array {
  const graph = new Graph('gradient');
  const { segments, value } = lossAndGradient(new Tape(graph), shape);
  graph.output('loss', value);
  for (const { suffix, gradient } of segments) graph.output(`gradient${suffix}`, gradient);
  return graph.model();
}

/**
 * The number for the step's `rate` input: the learning rate with Adam's bias correction and the
 * factors left out of the moments.
 * @param step counted from 1
 */
export function stepRate(learningRate: number, step: number): number {
  const corrected = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
  return (corrected * (1 - beta1)) / Math.sqrt(1 - beta2);
}

function lossAndGradient(tape: Tape, shape: StepShape) {
  const { graph } = tape;
  const { batch, patchPacked: side, unet: net, block, isForCard } = shape;
  const mosaic = graph.input('mosaic', [batch, net.inputChannels, side, side]);
  const target = graph.input('target', [batch, net.outputChannels, side, side]);
  const views = new Map<string, Value>();
  const inputs = stepSegments(shape).map((segment) => {
    const weights = graph.input(`weights${segment.suffix}`, [segment.size]);
    for (const { name, offset, shape: dimensions } of segment.parameters) {
      const view = tape.view(weights, offset - segment.offset, dimensions);
      views.set(name, tape.track(view));
    }
    return { ...segment, weights };
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
  const gradients = tape.gradients(value);
  const segments = inputs.map((segment): SegmentGradient => {
    const flat = segment.parameters.map(({ name }) => {
      const gradient = gradients.get(parameter(name).name);
      if (gradient === undefined) throw new Error(`expected a gradient for ${name}`);
      return tape.reshape(gradient, [sizeOf(gradient.shape)]);
    });
    const [only] = flat;
    const gradient =
      flat.length === 1 && only !== undefined
        ? only
        : graph.apply('Concat', flat, [segment.size], { attributes: { axis: 0 } });
    return { ...segment, gradient };
  });
  return { segments, value };
}
