/** The same network with fewer looks or more: for looking at, where time counts, or for teaching. */

import { createHash } from 'node:crypto';
import { inferenceModel, type Passes } from './inference-model.ts';
import type { Model } from './manifest.ts';
import { modelWeights } from './model-weights.ts';

/**
 * The same network looking at each tile once, for half the work.
 * @returns undefined for a model that looks once anyway, and for one that did not come from here
 */
export function glanceOf(model: Model): Model | undefined {
  return lookingModel(model, 1);
}

/** @returns undefined for a model that looks as often anyway, and for one that did not come from here */
export function lookingModel(model: Model, passes: Passes): Model | undefined {
  const { manifest } = model;
  if (manifest.passes === passes) return undefined;
  let weights: Float32Array;
  try {
    weights = modelWeights(model);
  } catch {
    return undefined;
  }
  const onnx = inferenceModel(manifest.unet, weights, passes);
  const sha256 = createHash('sha256').update(onnx).digest('hex');
  return { manifest: { ...manifest, passes, sha256 }, onnx };
}
