/**
 * A checkpoint: weights, moments, step and recipe, enough to continue a run bit for bit. (The next
 * patches follow from the seed and the step, so they need no state here.)
 *
 * Layout: `NGCK`, a little-endian uint32 with the length of a JSON header, the header, padding to a
 * multiple of four, then weights, momentum and variance as little-endian float32.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { describeError, Refusal } from '../../base/refusal.ts';
import { parameterCount } from '../../network/unet.ts';
import { lossTrendSchema, freshTrend, type LossTrend } from './loss-trend.ts';
import { recipeSchema, type Recipe } from '../recipe.ts';
import type { TrainingState } from '../step/state.ts';

export interface Checkpoint {
  readonly recipe: Recipe;
  /** Identifies the training data, so that a resumed run cannot silently change it. */
  readonly dataset: string;
  readonly state: TrainingState;
  /** How the run went so far; absent where nothing is known. */
  readonly trend?: LossTrend;
}

const magic = 'NGCK';
const prefixBytes = 8;

const headerSchema = z.object({
  version: z.literal(1),
  recipe: recipeSchema,
  dataset: z.string(),
  step: z.number().int().nonnegative(),
  parameters: z.number().int().positive(),
  /** The trend of the loss, by the name that files give it; absent in older files. */
  course: lossTrendSchema.default(freshTrend),
  /** CRC-32 of weights, momentum and variance; absent in older files. */
  crc32: z.number().int().optional(),
});

/** The file's bytes, as chunks in order. */
export function encodeCheckpoint({
  recipe,
  dataset,
  state,
  trend = freshTrend,
}: Checkpoint): Uint8Array[] {
  const arrays = [state.weights, state.momentum, state.variance].map(bytesOf);
  const header = {
    version: 1,
    recipe,
    dataset,
    step: state.step,
    parameters: state.weights.length,
    course: trend,
    crc32: arrays.reduce((sum, bytes) => crc32(bytes, sum), 0),
  };
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(padded(prefixBytes + json.length));
  prefix.write(magic, 0, 'latin1');
  prefix.writeUInt32LE(json.length, 4);
  json.copy(prefix, prefixBytes);
  return [prefix, ...arrays];
}

/**
 * Reads a checkpoint back.
 * @throws Refusal `dataset` if the file cannot be read or is not a whole checkpoint
 */
export async function readCheckpoint(file: string): Promise<Required<Checkpoint>> {
  const name = path.basename(file);
  const refuse = (what: string): Refusal =>
    new Refusal('dataset', `expected a training checkpoint in ${name} but ${what}`);
  if (!existsSync(file)) throw refuse('it is not there');
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw refuse(`it cannot be read: ${describeError(error)}`);
  }
  if (bytes.length < prefixBytes || bytes.toString('latin1', 0, 4) !== magic) {
    throw refuse('it does not start like one');
  }
  const jsonLength = bytes.readUInt32LE(4);
  const header = headerSchema.safeParse(
    parseJson(bytes.subarray(prefixBytes, prefixBytes + jsonLength)),
  );
  if (!header.success) throw refuse('its header is damaged');
  const { recipe, dataset, step, parameters, course: trend } = header.data;
  if (parameters !== parameterCount(recipe.unet))
    throw refuse('its weights do not fit its network');
  const start = padded(prefixBytes + jsonLength);
  if (bytes.length !== start + 3 * 4 * parameters) throw refuse('it is cut short');
  const { crc32: sum } = header.data;
  if (sum !== undefined && sum !== crc32(bytes.subarray(start))) throw refuse('it is damaged');
  const array = (index: number): Float32Array => {
    const begin = bytes.byteOffset + start + index * 4 * parameters;
    return new Float32Array(bytes.buffer.slice(begin, begin + 4 * parameters));
  };
  return {
    recipe,
    dataset,
    state: { step, weights: array(0), momentum: array(1), variance: array(2) },
    trend,
  };
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function bytesOf(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
