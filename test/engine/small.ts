/** A tiny network, and small night shots, for tests that need a whole engine but not its quality. */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll } from 'vitest';

import type { Manifest } from '../../main/network/manifest.ts';
import { inferenceModel, type Passes } from '../../main/network/inference-model.ts';
import type { UnetShape } from '../../main/network/unet.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { firstWeights } from '../../main/training/step/weights.ts';
import { bytesOf, nightMosaic } from '../raw/written.ts';

export const smallShape = {
  inputChannels: 4,
  outputChannels: 12,
  baseChannels: 4,
  levels: 5,
  firstLevel: 'full',
} as const;

const folders: string[] = [];

// Registered once, while the file is collected: what is registered within a test is not called.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'nightglass-small-'));
  folders.push(folder);
  return folder;
}

/** The network as ONNX; of another shape than the small one if told so. */
export function smallOnnx(shape: UnetShape = smallShape, passes: Passes = 1): Uint8Array {
  return inferenceModel(shape, firstWeights(shape, 7), passes);
}

/** What a test changes in a model: its manifest's fields, or the bytes of its network. */
export interface ModelChanges {
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly onnx?: Uint8Array;
}

/**
 * Writes the small model into a folder, and its manifest with the checksum of what was written.
 * @returns the manifest's path
 */
export function writeSmallModel(folder: string, changes: ModelChanges = {}): string {
  const onnx = changes.onnx ?? smallOnnx();
  const manifest: Manifest = {
    format: 'nightglass-model',
    version: 1,
    id: 'small',
    name: 'Small',
    description: 'Untrained, for tests.',
    file: 'small.onnx',
    sha256: createHash('sha256').update(onnx).digest('hex'),
    unet: smallShape,
    input: { packing: 'RGGB', clamp: 4, whiteBalanced: true },
    output: { domain: 'camera-linear', order: 'depth-to-space-dcr' },
    passes: 1,
    licence: 'CC0-1.0',
    training: {},
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'small.onnx'), onnx);
  const file = path.join(folder, 'small.json');
  writeFileSync(file, JSON.stringify({ ...manifest, ...changes.manifest }));
  return file;
}

/** The small model's shape with other weights, under another id. @returns the manifest's path */
export function smallModelNamed(folder: string, id: string): string {
  const onnx = inferenceModel(smallShape, firstWeights(smallShape, 8));
  const named = path.join(folder, `${id}.json`);
  renameSync(writeSmallModel(folder, { onnx, manifest: { id } }), named);
  return named;
}

/** A night shot as the bytes of a DNG, 96×80 unless told otherwise. */
export function smallDng(changes: Partial<Mosaic> = {}): Uint8Array {
  return bytesOf(cfaDng(nightMosaic({ width: 96, height: 80, ...changes })));
}

/** Photos that were taken hours apart are no burst. */
export function takenAtHour(hour: number): Pick<Mosaic, 'shot'> {
  const takenAt = new Date(Date.UTC(2024, 0, 2, hour)).toISOString().slice(0, 19);
  return { shot: { ...nightMosaic().shot, takenAt } };
}

/** Night shots `1.dng` to `count.dng` in a folder; their paths. */
export function writeSmallDngs(
  folder: string,
  count: number,
  changes: Partial<Mosaic> = {},
): readonly string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: count }, (_, index) => {
    const file = path.join(folder, `${index + 1}.dng`);
    writeFileSync(file, smallDng({ ...takenAtHour(3 + index), ...changes }));
    return file;
  });
}
