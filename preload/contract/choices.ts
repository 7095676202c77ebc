/** What can be chosen by name: devices, colour spaces, file formats and the rest, each list once. */

import { z } from 'zod';
import type { Range } from './edits.ts';

/** What a network can run on, by the names of ONNX Runtime's back ends. */
export const devices = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
export const deviceSchema = z.enum(devices);
/** `auto`: the fastest device that calculates right. */
export const deviceChoices = ['auto', ...devices] as const;
export const deviceChoiceSchema = z.enum(deviceChoices);

/** What training can run on. */
const trainingDevices = ['cpu', 'webgpu'] as const;
export const trainingDeviceSchema = z.enum(trainingDevices);
export const trainingDeviceChoices = ['auto', ...trainingDevices] as const;
export const trainingDeviceChoiceSchema = z.enum(trainingDeviceChoices);

/** Colour spaces of finished pictures. */
export const spaces = ['srgb', 'display-p3', 'rec2020'] as const;
export const spaceSchema = z.enum(spaces);

export const formats = ['tiff', 'png', 'jpeg', 'dng'] as const;
/** Bits of a sample in TIFF and PNG. */
export const bitDepths = [8, 16] as const;
export const compressions = ['deflate', 'lzw', 'none'] as const;
/** Of JPEG. */
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

/** How a picture is written. */
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
 * Where a file of the name exists: number the new one, keep the old one, or replace it. Only pictures
 * of this program are replaced; another file keeps its name, and the new one is numbered.
 */
export const conflictPolicies = ['rename', 'skip', 'overwrite'] as const;
export const conflictPolicySchema = z.enum(conflictPolicies);
export type ConflictPolicy = z.infer<typeof conflictPolicySchema>;
