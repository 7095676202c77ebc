/** Builds ONNX graphs. Every value carries its shape, so that mistakes surface while building. */

import { ProtobufWriter } from './protobuf.ts';

/** A fixed size, or the name of one that is only known when the graph runs. */
export type Dimension = number | string;
export type Shape = readonly Dimension[];
export type ElementType = 'float32' | 'int64' | 'bool';

/** A tensor in a graph: its name, element type and shape. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
}

type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] };
export type Attributes = Readonly<Record<string, Attribute>>;

interface Node {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

interface Initializer {
  readonly value: Value;
  readonly bytes: Uint8Array;
}

export interface NodeOptions {
  readonly attributes?: Attributes;
  readonly type?: ElementType;
  readonly domain?: string;
}

/** Codes of onnx.proto3's TensorProto.DataType and AttributeProto.AttributeType. */
const elementTypeCode = { float32: 1, int64: 7, bool: 9 } as const;
const attributeCode = { float: 1, int: 2, string: 3, floats: 6, ints: 7 } as const;

const irVersion = 8;
/** 17 still has ReduceMean's axes as an attribute, and every ONNX Runtime since 1.12 reads it. */
const opset = 17;

/** Number of elements of a static shape. */
export function sizeOf(shape: Shape): number {
  return fixed(shape).reduce((product, size) => product * size, 1);
}

/**
 * The shape as numbers.
 * @throws Error if a dimension has only a name
 */
export function fixed(shape: Shape): number[] {
  return shape.map((size) => {
    if (typeof size === 'string') throw new Error(`expected a fixed size but found "${size}"`);
    return size;
  });
}

/** An ONNX graph under construction. */
export class Graph {
  readonly #name: string;
  readonly #nodes: Node[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #constants = new Map<string, Value>();
  readonly #domains = new Set<string>();
  /** Public names of outputs, by their names during construction. */
  readonly #outputNames = new Map<string, string>();
  #count = 0;

  constructor(name: string) {
    this.#name = name;
  }

  input(name: string, shape: Shape, type: ElementType = 'float32'): Value {
    const value = { name, shape, type };
    this.#inputs.push(value);
    return value;
  }

  /**
   * Makes a node's value an output under this name. Nodes that lead to the last output run first
   * (see `#orderedNodes`).
   */
  output(name: string, value: Value): void {
    this.#outputNames.set(value.name, name);
    this.#outputs.push({ ...value, name });
  }

  /** A named constant: a weight. */
  weight(name: string, shape: Shape, data: Float32Array): Value {
    if (data.length !== sizeOf(shape)) {
      throw new Error(
        `expected ${String(sizeOf(shape))} numbers for ${name} but received ${String(data.length)}`,
      );
    }
    return this.#initialize({ name, shape, type: 'float32' }, data);
  }

  /** A constant list of integers; equal lists are stored once. */
  integers(values: readonly number[]): Value {
    return this.#shared(`i${values.join(',')}`, () =>
      this.#initialize(
        this.#fresh([values.length], 'int64'),
        BigInt64Array.from(values, (value) => BigInt(value)),
      ),
    );
  }

  /** A constant number; equal numbers are stored once. */
  scalar(value: number): Value {
    return this.#shared(`f${String(value)}`, () =>
      this.#initialize(this.#fresh([], 'float32'), Float32Array.of(value)),
    );
  }

  /** An unnamed constant matrix or tensor; stored once for each key. */
  table(key: string, shape: Shape, data: Float32Array): Value {
    return this.#shared(`t${key}`, () => this.#initialize(this.#fresh(shape, 'float32'), data));
  }

  /** Adds a node with one output of the given shape. */
  apply(op: string, inputs: readonly Value[], shape: Shape, options: NodeOptions = {}): Value {
    const output = this.#fresh(shape, options.type ?? 'float32');
    this.#push(op, inputs, [output], options);
    return output;
  }

  /**
   * The finished model file's bytes.
   * @param metadata facts about the model, by name
   */
  model(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    const model = new ProtobufWriter()
      .int(1, irVersion)
      .string(2, 'nightglass')
      .message(7, this.#graphMessage());
    model.message(8, new ProtobufWriter().string(1, '').int(2, opset));
    for (const domain of this.#domains) {
      model.message(8, new ProtobufWriter().string(1, domain).int(2, 1));
    }
    for (const [key, value] of Object.entries(metadata)) {
      model.message(14, new ProtobufWriter().string(1, key).string(2, value));
    }
    return model.bytes();
  }

  #push(
    op: string,
    inputs: readonly Value[],
    outputs: readonly Value[],
    { attributes = {}, domain = '' }: NodeOptions = {},
  ): void {
    if (domain !== '') this.#domains.add(domain);
    this.#nodes.push({ op, domain, inputs, outputs, attributes });
  }

  #fresh(shape: Shape, type: ElementType): Value {
    return { name: `v${String(this.#count++)}`, shape, type };
  }

  #shared(key: string, make: () => Value): Value {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#constants.set(key, made);
    return made;
  }

  #initialize(value: Value, data: Float32Array | BigInt64Array): Value {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.push({ value, bytes });
    return value;
  }

  /**
   * The nodes that outputs depend on. Nodes whose results no other node uses come last, in the
   * order of the outputs. ONNX Runtime does not run nodes in the file's order: it starts with
   * everything that leads to the last such node, continues with what the one before it needs in
   * addition, and so on.
   */
  #orderedNodes(): Node[] {
    const needed = new Set(this.#outputNames.keys());
    const followed = new Set<string>();
    const used = this.#nodes.toReversed().filter(({ inputs, outputs }) => {
      if (!outputs.some(({ name }) => needed.has(name))) return false;
      for (const { name } of inputs) {
        needed.add(name);
        followed.add(name);
      }
      return true;
    });
    const order = [...this.#outputNames.keys()];
    const isFollowed = ({ outputs }: Node): boolean =>
      outputs.some(({ name }) => followed.has(name));
    const place = ({ outputs }: Node): number =>
      Math.max(...outputs.map(({ name }) => order.indexOf(name)));
    const nodes = used.toReversed();
    const last = nodes.filter((node) => !isFollowed(node));
    return [...nodes.filter(isFollowed), ...last.toSorted((a, b) => place(a) - place(b))];
  }

  #graphMessage(): ProtobufWriter {
    const graph = new ProtobufWriter();
    const nameOf = ({ name }: Value): string => this.#outputNames.get(name) ?? name;
    this.#orderedNodes().forEach((node, index) =>
      graph.message(1, nodeMessage(node, index, nameOf)),
    );
    graph.string(2, this.#name);
    for (const initializer of this.#initializers) graph.message(5, tensorMessage(initializer));
    for (const value of this.#inputs) graph.message(11, valueMessage(value));
    for (const value of this.#outputs) graph.message(12, valueMessage(value));
    return graph;
  }
}

// The field numbers below are those of onnx.proto3 (github.com/onnx/onnx).

function nodeMessage(node: Node, index: number, nameOf: (value: Value) => string): ProtobufWriter {
  const message = new ProtobufWriter();
  for (const input of node.inputs) message.string(1, nameOf(input));
  for (const output of node.outputs) message.string(2, nameOf(output));
  message.string(3, `${node.op}_${String(index)}`).string(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    message.message(5, attributeMessage(name, attribute));
  }
  if (node.domain !== '') message.string(7, node.domain);
  return message;
}

function attributeMessage(name: string, value: Attribute): ProtobufWriter {
  const message = new ProtobufWriter().string(1, name);
  if (typeof value === 'string') {
    return message.raw(4, new TextEncoder().encode(value)).int(20, attributeCode.string);
  }
  if (typeof value === 'number') return message.int(3, value).int(20, attributeCode.int);
  if ('float' in value) return message.float(2, value.float).int(20, attributeCode.float);
  if ('floats' in value) {
    for (const item of value.floats) message.float(7, item);
    return message.int(20, attributeCode.floats);
  }
  for (const item of value) message.int(8, item);
  return message.int(20, attributeCode.ints);
}

function tensorMessage({ value, bytes }: Initializer): ProtobufWriter {
  const message = new ProtobufWriter();
  for (const size of fixed(value.shape)) message.int(1, size);
  return message.int(2, elementTypeCode[value.type]).string(8, value.name).raw(9, bytes);
}

function valueMessage({ name, shape, type }: Value): ProtobufWriter {
  const dimensions = new ProtobufWriter();
  for (const size of shape) {
    const dimension = new ProtobufWriter();
    if (typeof size === 'string') dimension.string(2, size);
    else dimension.int(1, size);
    dimensions.message(1, dimension);
  }
  const tensor = new ProtobufWriter().int(1, elementTypeCode[type]).message(2, dimensions);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor));
}
