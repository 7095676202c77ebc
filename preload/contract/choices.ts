/**
 * Everything that is chosen by name, such as devices, colour spaces and file formats, each listed
 * once.
 */

import { z } from 'zod';
import type { Range } from './edits.ts';

/** Devices for the network, named after ONNX Runtime's back ends. */
export const devices = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
export const deviceSchema = z.enum(devices);
/** `auto`: the fastest device that computes correctly. */
export const deviceChoices = ['auto', ...devices] as const;
export const deviceChoiceSchema = z.enum(deviceChoices);

/** Devices for training. */
const trainingDevices = ['cpu', 'webgpu'] as const;
export const trainingDeviceSchema = z.enum(trainingDevices);
export const trainingDeviceChoices = ['auto', ...trainingDevices] as const;
export const trainingDeviceChoiceSchema = z.enum(trainingDeviceChoices);

/**
 * Size of a network's first level, beside the packed mosaic's: `full`, or `half`, with more channels
 * for as much work.
 */
export const firstLevels = ['full', 'half'] as const;
export const firstLevelSchema = z.enum(firstLevels);
export type FirstLevel = z.infer<typeof firstLevelSchema>;

/** How training turns gradients into steps. `muon`: for hidden convolutions; Adam for the rest. */
export const optimizers = ['adam', 'muon'] as const;
export const optimizerSchema = z.enum(optimizers);
export type Optimizer = z.infer<typeof optimizerSchema>;

/** Colour spaces of finished pictures. */
export const spaces = ['srgb', 'display-p3', 'rec2020'] as const;
export const spaceSchema = z.enum(spaces);

export const formats = ['tiff', 'png', 'jpeg', 'dng'] as const;
/** Bits per sample in TIFF and PNG. */
export const bitDepths = [8, 16] as const;
export const compressions = ['deflate', 'lzw', 'none'] as const;
/** Quality of JPEG. */
export const qualityRange = { min: 1, max: 100, default: 92 } as const satisfies Range;

const bitsSchema = z.literal(bitDepths);

/** What a picture tells about its photo: everything, not where it was taken, or no names and words at all. */
export const privacies = ['keep-all', 'no-location', 'no-personal'] as const;
export const privacySchema = z.enum(privacies);

export const creditLengthMax = 200;
/** A name or a notice that every picture bears; empty: the photo's own. */
export const creditSchema = z.string().max(creditLengthMax);

/** What is written about the photo. */
export const recordTermsSchema = z.strictObject({
  privacy: privacySchema,
  creator: creditSchema,
  copyright: creditSchema,
  /** Stars given here; absent or 0: those of the file. */
  rating: z.number().int().min(0).max(5).optional(),
});

/** Format and options of an exported picture. */
export const outputSchema = z.discriminatedUnion('format', [
  z.strictObject({
    format: z.literal('tiff'),
    bits: bitsSchema,
    compression: z.enum(compressions),
  }),
  z.strictObject({ format: z.literal('png'), bits: bitsSchema }),
  z.strictObject({
    format: z.literal('jpeg'),
    quality: z.number().int().min(qualityRange.min).max(qualityRange.max),
  }),
  z.strictObject({ format: z.literal('dng') }),
]);

/**
 * What to do if a file of the name exists: number the new one, keep the old one, or replace it.
 * Only pictures made by this program are replaced. Any other file is kept, and the new one is
 * numbered.
 */
export const conflictPolicies = ['rename', 'skip', 'overwrite'] as const;
export const conflictPolicySchema = z.enum(conflictPolicies);
export type ConflictPolicy = z.infer<typeof conflictPolicySchema>;
