/** The U-Net as an ONNX file with its weights inside. */

import { fixed, Graph, type Shape, type Value } from './onnx.ts';
import {
  convolutionAttributes,
  graphOperations,
  leakyRelu,
  packedSide,
  unet,
  unetParameters,
  withChannels,
  type UnetOperations,
  type UnetShape,
} from './unet.ts';

/**
 * Number of passes over each tile. With 2, the network also sees the tile transposed, which keeps
 * the R, G / G, B pattern, and the two answers are averaged. This doubles the work and removes
 * errors that the two answers do not share.
 */
export type Passes = 1 | 2;

/**
 * The network as an ONNX file. Input `mosaic` [1, inputChannels, height, width], output `packed`
 * [1, outputChannels, height, width]; height and width are free until a session fixes them.
 * @param weights [parameters], in the order of `unetParameters`
 * @param metadata where the network comes from, by name
 * @throws Error for two passes of anything but 4 channels to 12
 */
export function inferenceModel(
  shape: UnetShape,
  weights: Float32Array,
  passes: Passes = 1,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const graph = new Graph('unet');
  const constants = new Constants(graph, shape, weights);
  const x = graph.input('mosaic', [1, shape.inputChannels, 'height', 'width']);
  const look = (constant: Constant, at: Value): Value =>
    unet(inferenceOperations(graph, constant), (name) => constants.parameter(name), shape, at);
  const whole = (part: Part): Value => constants.part(part);
  let packed = look(whole, x);
  if (passes === 2) {
    if (shape.inputChannels !== 4 || shape.outputChannels !== 12) {
      throw new Error('expected 4 channels in and 12 out for a transposed mosaic');
    }
    const second = look(
      (part) => transposed(graph, whole(part), part.name, packedSide(shape)),
      after(graph, x, packed),
    );
    const both = graph.apply('Add', [packed, second], packed.shape);
    packed = graph.apply('Mul', [both, graph.scalar(0.5)], packed.shape);
  }
  graph.output('packed', { ...packed, shape: [1, shape.outputChannels, 'height', 'width'] });
  return graph.model(metadata);
}

/**
 * Returns a tensor unchanged, but makes it depend on another one. Otherwise the runtime would start
 * both passes at once and hold the memory of both.
 */
function after(graph: Graph, x: Value, first: Value): Value {
  const bounds = [
    [0, 0, 0],
    [1, 1, 1],
    [1, 2, 3],
  ].map((list) => graph.integers(list));
  const corner = graph.apply('Slice', [first, ...bounds], [1, 1, 1, 1]);
  const nothing = graph.apply('Mul', [corner, graph.scalar(0)], [1, 1, 1, 1]);
  return graph.apply('Add', [x, nothing], x.shape);
}

/** A weight or bias, or the part of a weight that applies to some of its inputs. */
interface Part {
  readonly name: string;
  readonly inputs?: { readonly index: number; readonly first: number; readonly count: number };
}

type Constant = (part: Part) => Value;

/** The weights as the graph's constants, each stored once. */
class Constants {
  readonly #graph: Graph;
  readonly #parameters: ReadonlyMap<string, { shape: Shape; numbers: Float32Array }>;
  readonly #stored = new Map<string, Value>();

  constructor(graph: Graph, shape: UnetShape, weights: Float32Array) {
    this.#graph = graph;
    this.#parameters = new Map(
      unetParameters(shape).map(({ name, shape: dimensions, offset, size }) => [
        name,
        { shape: dimensions, numbers: weights.subarray(offset, offset + size) },
      ]),
    );
  }

  /** A placeholder for a parameter until it is used. */
  parameter(name: string): Value {
    return { name, shape: this.#find(name).shape, type: 'float32' };
  }

  part({ name, inputs }: Part): Value {
    const { shape, numbers } = this.#find(name);
    if (inputs === undefined) return this.#store(name, shape, () => numbers);
    const { index, first, count } = inputs;
    const [outputs = 1, all = 1, ...kernel] = fixed(shape);
    return this.#store(`${name}.${String(index)}`, [outputs, count, ...kernel], () => {
      const taps = kernel.reduce((product, side) => product * side, 1);
      const own = new Float32Array(outputs * count * taps);
      for (let o = 0; o < outputs; o++) {
        const start = (o * all + first) * taps;
        own.set(numbers.subarray(start, start + count * taps), o * count * taps);
      }
      return own;
    });
  }

  #store(name: string, shape: Shape, numbers: () => Float32Array): Value {
    const stored = this.#stored.get(name) ?? this.#graph.weight(name, shape, numbers());
    this.#stored.set(name, stored);
    return stored;
  }

  #find(name: string) {
    const found = this.#parameters.get(name);
    if (found === undefined) throw new Error(`expected a parameter named ${name}`);
    return found;
  }
}

/**
 * Weights that do to a tile what the network does to the transposed tile: kernels are transposed,
 * and the two greens are swapped, as are the off-diagonal pixels of each 2×2 of the output. This
 * only affects constants, once, when the file is opened.
 */
function transposed(graph: Graph, constant: Value, name: string, side: 1 | 2): Value {
  const { shape } = constant;
  const taken = (value: Value, axis: number, order: readonly number[]): Value =>
    graph.apply('Gather', [value, graph.integers(order)], shape, { attributes: { axis } });
  if (name.startsWith('out.')) return taken(constant, 0, turnedOrder(side, 3));
  if (name.endsWith('.bias')) return constant;
  const kernel = graph.apply('Transpose', [constant], shape, {
    attributes: { perm: [0, 1, 3, 2] },
  });
  return name === 'down0a.weight' ? taken(kernel, 1, turnedOrder(side, 1)) : kernel;
}

/**
 * Where the channels of a transposed mosaic stand in the mosaic's own. A channel belongs to a pixel
 * of side × side packed ones and to a site of 2×2 there; rows and columns of both change places.
 * @param perSite channels of a site
 */
function turnedOrder(side: 1 | 2, perSite: number): number[] {
  const turned = (place: number, width: number): number =>
    (place % width) * width + Math.floor(place / width);
  return Array.from({ length: side * side * 4 * perSite }, (_, at) => {
    const [cell, channel] = [Math.floor(at / perSite), at % perSite];
    const [pixel, site] = [Math.floor(cell / 4), cell % 4];
    return (turned(pixel, side) * 4 + turned(site, 2)) * perSite + channel;
  });
}

/**
 * Operations whose weights are constants. Concatenation is avoided: convolving the joined inputs
 * equals the sum of convolving each one. At the network's largest level this saves a copy of both,
 * a fifth of the memory and some time.
 */
function inferenceOperations(graph: Graph, constant: Constant): UnetOperations<Value> {
  const operations = graphOperations(graph);
  const joined = new Map<string, readonly [Value, Value]>();
  return {
    ...operations,
    upConvolve: (x, weight) => operations.upConvolve(x, constant(weight)),
    concat: (a, b) => {
      const name = `${a.name}+${b.name}`;
      joined.set(name, [a, b]);
      return {
        name,
        shape: withChannels(a, Number(a.shape[1]) + Number(b.shape[1])),
        type: 'float32',
      };
    },
    convolve1: (x, weight, bias, side) =>
      operations.convolve1(x, constant(weight), constant(bias), side),
    convolve3: (x, weight, bias) => {
      const parts = joined.get(x.name);
      if (parts === undefined) return operations.convolve3(x, constant(weight), constant(bias));
      let first = 0;
      const [a, b] = parts.map((part, index) => {
        const count = Number(part.shape[1]);
        const inputs = [part, constant({ name: weight.name, inputs: { index, first, count } })];
        first += count;
        // The bias is added only once.
        if (index === 0) inputs.push(constant(bias));
        return graph.apply('Conv', inputs, withChannels(part, weight.shape[0]), {
          attributes: convolutionAttributes(3),
        });
      });
      if (a === undefined || b === undefined) throw new Error('expected two parts');
      return leakyRelu(graph, graph.apply('Add', [a, b], a.shape));
    },
  };
}
