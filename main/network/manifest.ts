/** A model's manifest: its input, its output, and its origin. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { firstLevelSchema } from '../../preload/contract/choices.ts';
import { appRoot } from '../base/root.ts';
import type { NetworkTerms } from '../develop/dialect.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import { checkSelfContained } from './external-data.ts';

/** Parameters of the U-Net, as in `UnetShape`. */
export const unetShapeSchema = z
  .object({
    inputChannels: z.literal(4),
    outputChannels: z.literal(12),
    baseChannels: z.number().int().min(4).max(64),
    /** Tile overlap and grid are made for at most five levels, or four from half size down. */
    levels: z.number().int().min(2).max(5),
    /** Older models have no other. */
    firstLevel: firstLevelSchema.default('full'),
  })
  .refine(
    ({ levels, firstLevel }) => firstLevel === 'full' || levels <= 4,
    'a first level at half size has at most four levels',
  );

/**
 * A network's output: `camera-linear`, linear white-balanced camera RGB; `srgb`, the finished
 * picture in sRGB with its curve, as networks trained the way of "Learning to See in the Dark" do.
 */
export const outputDomainSchema = z.enum(['camera-linear', 'srgb']);
export type OutputDomain = z.infer<typeof outputDomainSchema>;

/** Bound of the input in amplified units; the develop line clamps to the same maximum. */
export const inputClampSchema = z.number().positive().max(4);

/** `input` and `output` are claims about the file, which `openModel` checks. */
export const manifestSchema = z
  .object({
    format: z.literal('nightglass-model'),
    version: z.literal(1),
    /** Short name for `--model`. */
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    name: z.string().min(1).max(100),
    description: z.string().max(2000),
    /** Name of the ONNX file beside this one. */
    file: z.string().regex(/^[^/\\]+\.onnx$/),
    /** SHA-256 of the ONNX file, hexadecimal. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    unet: unetShapeSchema,
    input: z.object({
      /** Order of the four planes: R, G (R's row), G (B's row), B. */
      packing: z.literal('RGGB'),
      /** Input is (raw − black) / (white − black) × ratio × white balance, clamped to ± this. */
      clamp: inputClampSchema,
      /** Whether the input is white-balanced; always true for a camera-linear output. */
      whiteBalanced: z.boolean(),
    }),
    output: z.object({
      domain: outputDomainSchema,
      /** Channel (dy · 2 + dx) · 3 + colour. */
      order: z.literal('depth-to-space-dcr'),
    }),
    /** Number of passes over a tile. The second one sees it transposed, and both are averaged. */
    passes: z.literal([1, 2]).default(1),
    licence: z.string().min(1),
    /** Facts about the training run, for the model card only. */
    training: z.record(z.string(), z.json()),
  })
  .refine(
    ({ input, output }) => input.whiteBalanced || output.domain === 'srgb',
    'a camera-linear output needs a white-balanced input',
  );

export type Manifest = z.infer<typeof manifestSchema>;

/** What the develop line needs to know about the network. */
export function termsOf({ input, output }: Manifest): NetworkTerms {
  return {
    clamp: input.clamp,
    whiteBalanced: input.whiteBalanced,
    domain: output.domain,
  };
}

/** A model whose file matches its manifest. */
export interface Model {
  readonly manifest: Manifest;
  readonly onnx: Uint8Array;
}

/** Default of `--model`. */
export const defaultModelId = 'fast';

/** Folder of the shipped models. */
export const modelsFolder = path.join(appRoot, 'models');

/** Whether a model is named by its path rather than its id. */
function isPlace(which: string): boolean {
  return /[/\\]|\.(json|onnx)$/.test(which);
}

/** Identifies the same model from any folder. */
export function placeOfModel(which: string): string {
  return isPlace(which) ? path.resolve(which) : which;
}

/**
 * Finds and reads a model.
 * @param which the id of a shipped model, or the path of a manifest or of the ONNX file beside one
 * @throws Refusal `bad-argument` if it is unknown, `model` if it is damaged or does not match its
 *   manifest
 */
export async function readModel(which: string): Promise<Model> {
  const isPath = isPlace(which);
  const file = isPath
    ? which.replace(/\.onnx$/, '.json')
    : path.join(modelsFolder, `${path.basename(which)}.json`);
  const name = isPath ? path.basename(file) : which;
  const manifest = await readManifest(file, name, isPath);
  const onnxFile = path.join(path.dirname(file), manifest.file);
  let onnx: Uint8Array;
  try {
    onnx = await readFile(onnxFile);
  } catch (error) {
    throw new Refusal(
      'model',
      `expected the weights ${manifest.file} of model ${name} but ${describeError(error)}`,
    );
  }
  const sha256 = createHash('sha256').update(onnx).digest('hex');
  if (sha256 !== manifest.sha256) {
    throw new Refusal(
      'model',
      `expected ${manifest.file} to be the file its manifest ${path.basename(file)} describes but its checksum differs: get both again from where they came`,
    );
  }
  checkSelfContained(onnx, manifest.file);
  return { manifest, onnx };
}

async function readManifest(file: string, name: string, isPath: boolean): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new Refusal(
      'bad-argument',
      isPath
        ? `expected a model's manifest at ${file} but there is none that can be read`
        : `expected the id of a model or a path to one but "${name}" is neither`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Refusal(
      'model',
      `expected JSON in the manifest ${path.basename(file)} but it is damaged`,
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Refusal(
      'model',
      `expected a model manifest in ${path.basename(file)} but ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`,
    );
  }
  return parsed.data;
}
