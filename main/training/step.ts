/** One training step as one ONNX graph: forward, loss, backward, clipping and Adam. */

import { Graph, sizeOf, type Value } from '../network/onnx.ts';
import { unet, unetParameters, type UnetShape } from '../network/unet.ts';
import { Tape } from './autodiff.ts';
import { loss, type LossWeights } from './loss.ts';
import { PlainLayers } from './plain-layers.ts';

export interface StepShape {
  readonly unet: UnetShape;
  readonly batch: number;
  /** Side of a patch in packed pixels (half the sensor's). */
  readonly patchPacked: number;
  readonly loss: LossWeights;
  /** Gradients longer than this are shortened to it (L2 norm over all parameters). */
  readonly clipNorm: number;
}

/** Adam's constants (Kingma & Ba 2015). */
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/**
 * The step's graph.
 *
 * Inputs: `mosaic` [batch, 4, p, p], `target` [batch, 12, p, p], `weights`, `momentum`, `variance`
 * [parameters] each, `rate` [] from `stepRate`. Outputs: `loss` [], `norm` [] (of the gradient
 * before clipping), and `weights2`, `momentum2`, `variance2`, to be fed back.
 *
 * The moments are kept without their (1 − β) factors, which `stepRate` holds instead: two
 * multiplications over all parameters less.
 */
export function stepModel(shape: StepShape): Uint8Array {
  const graph = new Graph('step');
  const tape = new Tape(graph);
  const { weights, gradient, value } = lossAndGradient(tape, shape);
  const size = weights.shape;
  const momentum = graph.input('momentum', size);
  const variance = graph.input('variance', size);
  const rate = graph.input('rate', []);

  const op = (name: string, ...inputs: Value[]): Value => graph.apply(name, inputs, size);
  const total = (x: Value): Value =>
    graph.apply('ReduceSum', [x], [], { attributes: { keepdims: 0 } });

  const norm = graph.apply('Sqrt', [total(op('Mul', gradient, gradient))], []);
  const shorten = graph.apply(
    'Min',
    [
      graph.scalar(1),
      graph.apply(
        'Div',
        [graph.scalar(shape.clipNorm), graph.apply('Max', [norm, graph.scalar(1e-12)], [])],
        [],
      ),
    ],
    [],
  );
  const clipped = op('Mul', gradient, shorten);
  const momentum2 = op('Add', op('Mul', momentum, graph.scalar(beta1)), clipped);
  const variance2 = op(
    'Add',
    op('Mul', variance, graph.scalar(beta2)),
    op('Mul', clipped, clipped),
  );
  const spread = op('Add', op('Sqrt', variance2), graph.scalar(epsilon / Math.sqrt(1 - beta2)));
  const weights2 = op('Sub', weights, op('Div', op('Mul', momentum2, rate), spread));

  graph.output('loss', value);
  graph.output('norm', norm);
  graph.output('weights2', weights2);
  graph.output('momentum2', momentum2);
  graph.output('variance2', variance2);
  return graph.model();
}

/** Loss and gradient alone, for the tests that hold them against finite differences. */
export function gradientModel(shape: StepShape): Uint8Array {
  const graph = new Graph('gradient');
  const { gradient, value } = lossAndGradient(new Tape(graph), shape);
  graph.output('loss', value);
  graph.output('gradient', gradient);
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
  const { batch, patchPacked: side, unet: net } = shape;
  const parameters = unetParameters(net);
  const count = parameters.reduce((total, { size }) => total + size, 0);
  const mosaic = graph.input('mosaic', [batch, net.inputChannels, side, side]);
  const target = graph.input('target', [batch, net.outputChannels, side, side]);
  const weights = graph.input('weights', [count]);

  const views = new Map<string, Value>();
  for (const { name, offset, shape: dimensions } of parameters) {
    views.set(name, tape.track(tape.view(weights, offset, dimensions)));
  }
  const parameter = (name: string): Value => {
    const view = views.get(name);
    if (view === undefined) throw new Error(`expected a parameter named ${name}`);
    return view;
  };
  const layers = new PlainLayers(tape);
  const value = loss(tape, unet(layers, parameter, net, mosaic), target, shape.loss);
  const gradients = tape.gradients(value);
  const flat = parameters.map(({ name }) => {
    const view = parameter(name);
    const gradient = gradients.get(view.name);
    if (gradient === undefined) throw new Error(`expected a gradient for ${name}`);
    return tape.reshape(gradient, [sizeOf(view.shape)]);
  });
  const gradient = graph.apply('Concat', flat, [count], { attributes: { axis: 0 } });
  return { weights, gradient, value };
}
