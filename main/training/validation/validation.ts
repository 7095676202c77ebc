/**
 * Measures the network's current quality on a few fixed patches of pictures that it is not trained
 * on.
 */

import * as ort from 'onnxruntime-node';
import { srgbLight } from '../../develop/tone.ts';
import type { OutputDomain } from '../../network/manifest.ts';
import { Graph } from '../../network/onnx.ts';
import { inferenceModel } from '../../network/inference-model.ts';
import type { Matrix3 } from '../../raw/mosaic.ts';
import { Tape } from '../step/autodiff.ts';
import { loss } from '../step/loss.ts';
import { score, type LinearRgb } from './metrics.ts';
import type { Recipe } from '../recipe.ts';

/** A patch that every validation uses. */
export interface ValidationPatch {
  /** The photo or pair it was cut from, for display. */
  readonly name: string;
  /** P, a multiple of 16. */
  readonly sidePacked: number;
  /** [4, P, P], the network's input. */
  readonly input: Float32Array;
  /** [12, P, P], the network's desired output. */
  readonly target: Float32Array;
  /**
   * Camera RGB with the white balance of the network's input → linear sRGB, for scores and
   * pictures.
   */
  readonly cameraToSrgb: Matrix3;
  /** `srgb` if target and output are finished pictures; if absent, they are light in camera RGB. */
  readonly domain?: OutputDomain;
}

export interface Validation {
  /**
   * Means over the patches. Renderings with sRGB's curve, clipped to 0 … 1, are compared without a
   * rim of 8 pixels.
   */
  readonly psnrDb: number;
  readonly ssim: number;
  /** The training loss of the current weights. */
  readonly loss: number;
  /** The network's output for each patch. */
  readonly pictures: readonly LinearRgb[];
}

/**
 * Equal pictures, such as black ones, would make the mean infinite; a 16-bit file shows no more
 * than this.
 */
const psnrMaxDb = 100;

/** Validates networks of one recipe on the same patches. */
export class Validator {
  readonly #recipe: Recipe;
  readonly #patches: readonly ValidationPatch[];
  readonly #threads: number;

  /** @param patches all of one size */
  constructor(recipe: Recipe, patches: readonly ValidationPatch[], threads: number) {
    this.#recipe = recipe;
    this.#patches = patches;
    this.#threads = threads;
  }

  /** @param weights [parameters] */
  async validate(weights: Float32Array): Promise<Validation> {
    const [network, lossOf] = await Promise.all([
      this.#open(inferenceModel(this.#recipe.unet, weights)),
      this.#open(this.#lossModel()),
    ]);
    let [psnrDb, ssim, lossSum] = [0, 0, 0];
    const pictures: LinearRgb[] = [];
    try {
      for (const patch of this.#patches) {
        const { input, target, sidePacked: side } = patch;
        const { packed } = await network.run({
          mosaic: new ort.Tensor('float32', input, [1, 4, side, side]),
        });
        if (packed === undefined) throw new Error('expected an output named packed');
        const truth = new ort.Tensor('float32', target, [1, 12, side, side]);
        const { loss: value } = await lossOf.run({ prediction: packed, target: truth });
        const picture = pictureOf(floats(packed), patch);
        const scores = score(picture, pictureOf(target, patch), answerToSrgb(patch));
        psnrDb += Math.min(scores.rgbP, psnrMaxDb);
        ssim += scores.ssim;
        lossSum += floats(value)[0] ?? Number.NaN;
        pictures.push(picture);
        // A run yields only through microtasks, so let signals in here.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      await Promise.all([network.release(), lossOf.release()]);
    }
    const count = this.#patches.length;
    return { psnrDb: psnrDb / count, ssim: ssim / count, loss: lossSum / count, pictures };
  }

  #lossModel(): Uint8Array {
    const side = this.#patches[0]?.sidePacked ?? 0;
    const graph = new Graph('loss');
    const prediction = graph.input('prediction', [1, 12, side, side]);
    const target = graph.input('target', [1, 12, side, side]);
    graph.output('loss', loss(new Tape(graph), prediction, target, this.#recipe.loss));
    return graph.model();
  }

  async #open(model: Uint8Array): Promise<ort.InferenceSession> {
    return ort.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      logSeverityLevel: 3,
      intraOpNumThreads: this.#threads,
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
  }
}

function floats(tensor: ort.Tensor | undefined): Float32Array {
  const data = tensor?.data;
  if (!(data instanceof Float32Array)) throw new Error('expected float32 numbers');
  return data;
}

const identity: Matrix3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** The matrix from the light of `pictureOf` to linear sRGB. */
export function answerToSrgb({ domain, cameraToSrgb }: ValidationPatch): Matrix3 {
  return domain === 'srgb' ? identity : cameraToSrgb;
}

/** An output or target of a patch as light; in sRGB's colours if it is a finished picture. */
export function pictureOf(packed: Float32Array, patch: ValidationPatch): LinearRgb {
  const picture = unpacked(packed, patch.sidePacked);
  if (patch.domain !== 'srgb') return picture;
  const samples = picture.samples.map((value) => srgbLight(Math.max(0, Math.min(1, value))));
  return { ...picture, samples };
}

/**
 * Turns a packed patch into a picture.
 * @param packed [12, side, side], channel (dy · 2 + dx) · 3 + colour
 */
function unpacked(packed: Float32Array, side: number): LinearRgb {
  const width = side * 2;
  const samples = new Float32Array(width * width * 3);
  for (let channel = 0, at = 0; channel < 12; channel++) {
    const dy = channel >= 6 ? 1 : 0;
    const dx = channel % 6 >= 3 ? 1 : 0;
    for (let y = 0; y < side; y++) {
      let out = ((y * 2 + dy) * width + dx) * 3 + (channel % 3);
      for (let x = 0; x < side; x++, at++, out += 6) samples[out] = packed[at]!;
    }
  }
  return { width, height: width, samples };
}
