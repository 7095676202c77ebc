/** Writes a run's weights as a model that `enhance` takes: the ONNX file and its manifest. */

import { createHash } from 'node:crypto';
import path from 'node:path';
import { writeAtomically } from '../../base/atomic.ts';
import { manifestSchema, type Manifest } from '../../network/manifest.ts';
import { inferenceModel, type Passes } from '../../network/inference-model.ts';
import type { Checkpoint } from './checkpoint.ts';
import { onnxMetadata } from './provenance.ts';
import type { ModelTitle } from './model-title.ts';

/** Further contents of a model. */
export interface ModelMaking {
  /** More facts about the run, for the manifest. */
  readonly facts?: Manifest['training'];
  /** The model card, as Markdown. */
  readonly card?: string;
  readonly passes?: Passes;
  /** More of the ONNX file's metadata. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * The manifest of a model made from a checkpoint's weights, with the whole recipe.
 * @param onnx the network's file
 * @throws ZodError if the title does not fit
 */
function manifestOf(
  { recipe, dataset, state }: Checkpoint,
  title: ModelTitle,
  onnx: Uint8Array,
  { facts = {}, passes = 1 }: ModelMaking,
): Manifest {
  return manifestSchema.parse({
    format: 'nightglass-model',
    version: 1,
    ...title,
    file: `${title.id}.onnx`,
    sha256: createHash('sha256').update(onnx).digest('hex'),
    unet: recipe.unet,
    input: { packing: 'RGGB', clamp: recipe.clamp, whiteBalanced: recipe.whiteBalanced },
    output: { domain: recipe.domain, order: 'depth-to-space-dcr' },
    passes,
    training: { ...facts, step: state.step, dataset, recipe },
  });
}

/** A model's files. */
export interface ModelFiles {
  readonly onnx: string;
  readonly manifest: string;
  /** The model card; absent where nothing is known about the run. */
  readonly card?: string;
  /** The checkpoint that its weights come from. */
  readonly modelStep: number;
}

/**
 * Writes `<id>.onnx`, its card `<id>.md` and `<id>.json` into a folder, replacing existing files. The
 * manifest is written last: a model without one is not found, and a manifest with the wrong weights is
 * refused by its checksum.
 * @returns their paths
 * @throws Refusal `disk`
 */
export async function writeModel(
  folder: string,
  checkpoint: Checkpoint,
  title: ModelTitle,
  making: ModelMaking = {},
): Promise<ModelFiles> {
  const { card, passes } = making;
  const { recipe, dataset, state } = checkpoint;
  const { id, name, licence } = title;
  const facts = { id, name, licence, dataset, step: state.step, ...making.metadata };
  const bytes = inferenceModel(recipe.unet, state.weights, passes, onnxMetadata(recipe, facts));
  const manifest = manifestOf(checkpoint, title, bytes, making);
  const paths = {
    onnx: path.join(folder, manifest.file),
    manifest: path.join(folder, `${manifest.id}.json`),
    ...(card === undefined ? {} : { card: path.join(folder, `${manifest.id}.md`) }),
    modelStep: checkpoint.state.step,
  };
  await writeAtomically(paths.onnx, [bytes], { overwrite: true });
  if (card !== undefined && paths.card !== undefined) {
    await writeAtomically(paths.card, [Buffer.from(card)], { overwrite: true });
  }
  const json = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  await writeAtomically(paths.manifest, [json], { overwrite: true });
  return paths;
}
