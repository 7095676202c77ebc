/**
 * Pairs of a short and a long exposure of one scene: what a dataset of them is, and what is known of
 * each pair, as data that the window shows and run folders keep.
 */

import { z } from 'zod';

const splitNameSchema = z.enum(['train', 'validation', 'test']);
export type SplitName = z.infer<typeof splitNameSchema>;

/** Two files that belong together, by their names, a list or their EXIF. */
const pairSchema = z.object({
  /** Unique in its dataset: the short exposure's path below the dataset's folder, with `/`. */
  id: z.string().min(1),
  /** Pairs of one scene never come into different splits. */
  scene: z.string().min(1),
  /** Absolute path of the dark RAW file. */
  short: z.string().min(1),
  /** Absolute path of what it should look like. */
  long: z.string().min(1),
  /** `raw`: a long exposure. `picture`: a finished picture, PNG or TIFF. */
  target: z.enum(['raw', 'picture']),
  /** Long ÷ short exposure as names or EXIF say; EXIF is asked by `checkPairs` where names do not. */
  statedRatio: z.number().positive().optional(),
  /** The split a list file, or the paper's numbering of scenes, puts it into. */
  split: splitNameSchema.optional(),
});
export type Pair = z.infer<typeof pairSchema>;

/** A file that found no partner, or a line of a list that leads nowhere. */
const unpairedSchema = z.object({ file: z.string(), reason: z.string() });
export type Unpaired = z.infer<typeof unpairedSchema>;

export const foundPairsSchema = z.object({
  /**
   * How they were found: SID's list files, SID's folders `short` and `long`, two folders, or the
   * exposures of one folder.
   */
  layout: z.enum(['lists', 'sid', 'folders', 'exif']),
  /** Sorted by id. */
  pairs: z.array(pairSchema),
  unpaired: z.array(unpairedSchema),
});
export type FoundPairs = z.infer<typeof foundPairsSchema>;

/** Why a pair is left out. */
const faultSchema = z.enum([
  'unreadable',
  'no-mosaic',
  'camera-differs',
  'layout-differs',
  'size-differs',
  'scene-differs',
  'ratio-unknown',
  'ratio-out-of-range',
  'ratio-differs',
  'misaligned',
  'saturated',
  'dark',
  'duplicate',
]);
export type Fault = z.infer<typeof faultSchema>;

/** What is worth knowing of a pair that is kept. */
const noticeSchema = z.enum([
  'ratio-corrected',
  'ratio-measured',
  'ratio-unchecked',
  'slightly-misaligned',
  'partly-saturated',
  'scene-joined',
]);
export type Notice = z.infer<typeof noticeSchema>;

/** What was measured of a pair whose files could be read. */
const pairFactsSchema = z.object({
  /** Make and model of the short exposure; "unknown camera" where the file does not say. */
  camera: z.string(),
  iso: z.number().positive().optional(),
  cfa: z.enum(['RGGB', 'BGGR', 'GRBG', 'GBRG']),
  /** Visible pixels of the short exposure, as stored. */
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  /** What the short exposure is amplified by. */
  ratio: z.number().positive(),
  /** By names or EXIF. */
  statedRatio: z.number().positive().optional(),
  /** Long ÷ short light of unsaturated mid-tones, and its standard error relative to it. */
  measuredRatio: z.number().positive().optional(),
  measuredRatioError: z.number().nonnegative().optional(),
  /**
   * How far the long exposure's scene lies to the right of and below the short's, and what that is
   * good to; pixels.
   */
  shift: z.object({ x: z.number(), y: z.number(), precision: z.number().nonnegative() }).optional(),
  /** How alike the light is spread over both frames, −1 … 1, where that can be told. */
  likeness: z.number().optional(),
  /** Share of the long exposure's samples that are at their limit, 0 … 1. */
  saturated: z.number().min(0).max(1),
});
export type PairFacts = z.infer<typeof pairFactsSchema>;

export const pairReportSchema = z.object({
  /** As found; its scene is an earlier one's where the two turned out to share a long exposure. */
  pair: pairSchema,
  /** What tells which scenes are one: its scene as found, and a digest of its long exposure's samples. */
  found: z.object({ scene: z.string().min(1), longDigest: z.string() }).optional(),
  /** Present where the pair is left out: why, as a code and as a sentence for people. */
  fault: z.object({ code: faultSchema, sentence: z.string() }).optional(),
  notices: z.array(z.object({ code: noticeSchema, sentence: z.string() })),
  facts: pairFactsSchema.optional(),
});
export type PairReport = z.infer<typeof pairReportSchema>;

/** A pair to train on or to be scored with. */
export const usablePairSchema = pairSchema.extend({
  ratio: z.number().positive(),
  camera: z.string(),
  /** Of the long exposure's samples; runs of before have none. */
  longDigest: z.string().optional(),
  /** Visible pixels, as stored. */
  width: z.number().int().positive(),
  height: z.number().int().positive(),
});
export type UsablePair = z.infer<typeof usablePairSchema>;

/** A dataset as a run keeps it: the pairs of each split. */
export const pairSplitsSchema = z.object({
  train: z.array(usablePairSchema),
  validation: z.array(usablePairSchema),
  test: z.array(usablePairSchema),
});
export type PairSplits = z.infer<typeof pairSplitsSchema>;
