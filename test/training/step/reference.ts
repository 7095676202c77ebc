/** The network and its loss in plain float64 arrays: what the ONNX graphs are held against. */

import { meanCameraToSrgb } from '../../../main/darkness/scene.ts';
import {
  leakySlope,
  unet,
  unetParameters,
  type UnetOperations,
} from '../../../main/network/unet.ts';
import type { LossWeights } from '../../../main/training/step/loss.ts';
import type { StepShape } from '../../../main/training/step/step.ts';

/** n × c × h × w; weights use the same four places for out × in × k × k, biases the first. */
interface Tensor {
  readonly shape: readonly [number, number, number, number];
  readonly data: Float64Array;
}

function zeros(n: number, c: number, h: number, w: number): Tensor {
  return { shape: [n, c, h, w], data: new Float64Array(n * c * h * w) };
}

function convolve(x: Tensor, weight: Tensor, bias: Tensor, kernel: 1 | 3): Tensor {
  const [n, channels, h, w] = x.shape;
  const outputs = weight.shape[0];
  const pad = (kernel - 1) / 2;
  const y = zeros(n, outputs, h, w);
  for (let image = 0; image < n; image++) {
    for (let o = 0; o < outputs; o++) {
      const plane = (image * outputs + o) * h * w;
      y.data.fill(bias.data[o]!, plane, plane + h * w);
      for (let i = 0; i < channels; i++) {
        const source = (image * channels + i) * h * w;
        for (let ky = 0; ky < kernel; ky++) {
          for (let kx = 0; kx < kernel; kx++) {
            const factor = weight.data[((o * channels + i) * kernel + ky) * kernel + kx]!;
            const [down, right] = [ky - pad, kx - pad];
            for (let row = Math.max(0, -down); row < Math.min(h, h - down); row++) {
              const to = plane + row * w;
              const from = source + (row + down) * w + right;
              for (let column = Math.max(0, -right); column < Math.min(w, w - right); column++) {
                y.data[to + column]! += factor * x.data[from + column]!;
              }
            }
          }
        }
      }
    }
  }
  return y;
}

/** Channels of side × side pixels in one pixel, or the reverse: where each number of `pixels` stands in `cells`. */
function cellPlaces([n, c, h, w]: Tensor['shape'], side: number): Int32Array {
  const [rows, columns] = [h / side, w / side];
  return Int32Array.from({ length: n * c * h * w }, (_, at) => {
    const [image, channel] = [Math.floor(at / (c * h * w)), Math.floor(at / (h * w)) % c];
    const [row, column] = [Math.floor((at % (h * w)) / w), at % w];
    const place = (row % side) * side + (column % side);
    const plane = (image * side * side + place) * c + channel;
    return (plane * rows + Math.floor(row / side)) * columns + Math.floor(column / side);
  });
}

const operations: UnetOperations<Tensor> = {
  pack: (x, side) => {
    const [n, c, h, w] = x.shape;
    const y = zeros(n, c * side * side, h / side, w / side);
    cellPlaces(x.shape, side).forEach((place, at) => (y.data[place] = x.data[at]!));
    return y;
  },
  convolve1: (x, weight, bias, side) => {
    const cells = convolve(x, weight, bias, 1);
    const [n, c, h, w] = cells.shape;
    const y = zeros(n, c / side ** 2, h * side, w * side);
    cellPlaces(y.shape, side).forEach((place, at) => (y.data[at] = cells.data[place]!));
    return y;
  },
  convolve3: (x, weight, bias) => {
    const y = convolve(x, weight, bias, 3);
    return { ...y, data: y.data.map((v) => (v > 0 ? v : leakySlope * v)) };
  },
  maxPool: (x) => {
    const [n, c, h, w] = x.shape;
    const y = zeros(n, c, h / 2, w / 2);
    y.data.forEach((_, at) => {
      const [row, column] = [Math.floor(at / (w / 2)), at % (w / 2)];
      const from = row * 2 * w + column * 2;
      const four = [from, from + 1, from + w, from + w + 1].map((index) => x.data[index]!);
      y.data[at] = Math.max(...four);
    });
    return y;
  },
  upConvolve: (x, weight) => {
    const [n, channels, h, w] = x.shape;
    const outputs = weight.shape[1];
    const y = zeros(n, outputs, h * 2, w * 2);
    for (let image = 0; image < n; image++) {
      for (let o = 0; o < outputs; o++) {
        for (let row = 0; row < h * 2; row++) {
          for (let column = 0; column < w * 2; column++) {
            let sum = 0;
            for (let i = 0; i < channels; i++) {
              const from = ((image * channels + i) * h + (row >> 1)) * w + (column >> 1);
              const tap = ((i * outputs + o) * 2 + (row & 1)) * 2 + (column & 1);
              sum += x.data[from]! * weight.data[tap]!;
            }
            y.data[((image * outputs + o) * h * 2 + row) * w * 2 + column] = sum;
          }
        }
      }
    }
    return y;
  },
  concat: (a, b) => {
    const [n, first, h, w] = a.shape;
    const second = b.shape[1];
    const y = zeros(n, first + second, h, w);
    for (let image = 0; image < n; image++) {
      const at = image * (first + second) * h * w;
      y.data.set(a.data.subarray(image * first * h * w, (image + 1) * first * h * w), at);
      const rest = b.data.subarray(image * second * h * w, (image + 1) * second * h * w);
      y.data.set(rest, at + first * h * w);
    }
    return y;
  },
};

/** What a training step is given. */
export interface Example {
  /** [batch, 4, p, p] */
  readonly mosaic: Float32Array;
  /** [batch, 12, p, p] */
  readonly target: Float32Array;
}

/** The loss of a network with these weights on an example, all in float64. */
export function referenceLoss(step: StepShape, weights: Float64Array, example: Example): number {
  const { batch, patchPacked: side, unet: shape } = step;
  const views = new Map<string, Tensor>();
  for (const { name, shape: dimensions, offset, size } of unetParameters(shape)) {
    const [a = 1, b = 1, c = 1, d = 1] = dimensions;
    views.set(name, { shape: [a, b, c, d], data: weights.subarray(offset, offset + size) });
  }
  const parameter = (name: string): Tensor => views.get(name) ?? zeros(0, 0, 0, 0);
  const mosaic: Tensor = {
    shape: [batch, shape.inputChannels, side, side],
    data: Float64Array.from(example.mosaic),
  };
  const prediction = unet(operations, parameter, shape, mosaic);
  const target: Tensor = { ...prediction, data: Float64Array.from(example.target) };
  return lossOf(prediction, target, step.loss);
}

/** The formulas of the recipe, each a mean over all elements. */
function lossOf(prediction: Tensor, target: Tensor, weights: LossWeights): number {
  const tone = (x: number): number =>
    Math.sign(x) * ((Math.abs(x) + 0.004) ** (1 / 2.2) - 0.004 ** (1 / 2.2));
  const mean = (a: Float64Array, b: Float64Array, of: (a: number, b: number) => number): number =>
    a.reduce((sum, value, at) => sum + of(value, b[at]!), 0) / a.length;
  const l1 = (a: number, b: number): number => Math.abs(a - b);
  const toned = (a: number, b: number): number => l1(tone(a), tone(b));
  const pictures = [rendered(prediction, tone), rendered(target, tone)] as const;
  return (
    weights.toned * mean(prediction.data, target.data, toned) +
    weights.tonedSquared * mean(prediction.data, target.data, (a, b) => toned(a, b) ** 2) +
    weights.linear * mean(prediction.data, target.data, l1) +
    weights.squared * mean(prediction.data, target.data, (a, b) => (a - b) ** 2) +
    weights.blocks * mean(blockMeans(prediction), blockMeans(target), toned) +
    weights.rendered * mean(pictures[0].data, pictures[1].data, (a, b) => (a - b) ** 2) +
    weights.renderedBlocks * meanLab(pictures[0], pictures[1]) +
    weights.renderedLog * meanLogarithm(pictures[0], pictures[1])
  );
}

/** (|ΔL*| + |Δa*| + |Δb*|) / 3 near grey, in hundreds: of blocks, and of whole patches if they are larger. */
function meanLab(a: Tensor, b: Tensor): number {
  const [meansA, meansB] = [blockMeans(a), blockMeans(b)];
  const [n, , h, w] = a.shape;
  const blocks = (h * w) / 256;
  const size = (lab: readonly number[]): number => lab.reduce((all, v) => all + Math.abs(v), 0);
  let [sum, wholes] = [0, 0];
  for (let patch = 0; patch < n; patch++) {
    const whole = [0, 0, 0];
    for (let block = 0; block < blocks; block++) {
      const colour = (which: number): number =>
        [0, 3, 6, 9].reduce((total, site) => {
          const index = (patch * 12 + site + which) * blocks + block;
          return total + (meansA[index]! - meansB[index]!) / 4;
        }, 0);
      const [red, green, blue] = [colour(0), colour(1), colour(2)];
      const lab = [
        0.22 * red + 0.73 * green + 0.07 * blue,
        0.97 * red - 1.49 * green + 0.52 * blue,
        0.34 * red + 1.06 * green - 1.41 * blue,
      ];
      sum += size(lab);
      lab.forEach((value, at) => (whole[at]! += value / blocks));
    }
    wholes += size(whole);
  }
  return sum / (n * blocks * 3) + (blocks > 1 ? wholes / (n * 3) : 0);
}

/** Of each patch's mean square. */
function meanLogarithm(a: Tensor, b: Tensor): number {
  const [n] = a.shape;
  const size = a.data.length / n;
  let sum = 0;
  for (let patch = 0; patch < n; patch++) {
    let squares = 0;
    for (let at = patch * size; at < (patch + 1) * size; at++) {
      squares += (a.data[at]! - b.data[at]!) ** 2;
    }
    sum += Math.log(1 + 1e5 * (squares / size));
  }
  return sum / n;
}

/** Camera RGB → sRGB, clipped, then the tone curve. */
function rendered({ shape, data }: Tensor, tone: (x: number) => number): Tensor {
  const [, c, h, w] = shape;
  const picture = data.map((_, at) => {
    const channel = Math.floor(at / (h * w)) % c;
    const red = at - (channel % 3) * h * w;
    const row = (channel % 3) * 3;
    const light = [0, 1, 2].reduce(
      (sum, i) => sum + meanCameraToSrgb[row + i]! * data[red + i * h * w]!,
      0,
    );
    return tone(Math.min(Math.max(light, 0), 1));
  });
  return { shape, data: picture };
}

/** Means over blocks of 16 × 16. */
function blockMeans({ shape: [n, c, h, w], data }: Tensor): Float64Array {
  const [rows, columns] = [h / 16, w / 16];
  const means = new Float64Array(n * c * rows * columns);
  data.forEach((value, at) => {
    const plane = Math.floor(at / (h * w));
    const [row, column] = [Math.floor((at % (h * w)) / w), at % w];
    const block = (plane * rows + Math.floor(row / 16)) * columns + Math.floor(column / 16);
    means[block]! += value / 256;
  });
  return means;
}
