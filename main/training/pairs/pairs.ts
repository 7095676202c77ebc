/**
 * Pairs of a short and a long exposure of one scene: the types of a dataset and of the facts about each
 * pair, which the window shows and run folders store.
 */

import { z } from 'zod';

const splitNameSchema = z.enum(['train', 'validation', 'test']);
export type SplitName = z.infer<typeof splitNameSchema>;

/** Two files that belong together by their names, a list or their EXIF. */
const pairSchema = z.object({
  /** Unique in its dataset: the short exposure's path below the dataset's folder, with `/`. */
  id: z.string().min(1),
  /** Pairs of one scene never fall into different splits. */
  scene: z.string().min(1),
  /** Absolute path of the dark RAW file. */
  short: z.string().min(1),
  /** Absolute path of the target. */
  long: z.string().min(1),
  /** `raw`: a long exposure. `picture`: a finished picture, PNG or TIFF. */
  target: z.enum(['raw', 'picture']),
  /** Long ÷ short exposure by the names or EXIF; without it `checkPairs` reads the EXIF. */
  statedRatio: z.number().positive().optional(),
  /** The split a list file, or the paper's numbering of scenes, puts it into. */
  split: splitNameSchema.optional(),
});
export type Pair = z.infer<typeof pairSchema>;

/** A file without a partner, or a line of a list whose files are missing. */
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

/** Remarks on a pair that is kept. */
const noticeSchema = z.enum([
  'ratio-corrected',
  'ratio-measured',
  'ratio-unchecked',
  'slightly-misaligned',
  'partly-saturated',
  'scene-joined',
]);
export type Notice = z.infer<typeof noticeSchema>;

/** Measurements of a pair whose files could be read. */
const pairFactsSchema = z.object({
  /** Make and model of the short exposure; "an unknown camera" where the file does not say. */
  camera: z.string(),
  iso: z.number().positive().optional(),
  cfa: z.enum(['RGGB', 'BGGR', 'GRBG', 'GBRG']),
  /** Visible pixels of the short exposure, as stored. */
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  /** The ratio that amplifies the short exposure. */
  ratio: z.number().positive(),
  /** By names or EXIF. */
  statedRatio: z.number().positive().optional(),
  /** Long ÷ short light of unsaturated mid-tones, and its standard error relative to it. */
  measuredRatio: z.number().positive().optional(),
  measuredRatioError: z.number().nonnegative().optional(),
  /**
   * How far the long exposure's scene lies to the right of and below the short's, and the uncertainty;
   * pixels.
   */
  shift: z.object({ x: z.number(), y: z.number(), precision: z.number().nonnegative() }).optional(),
  /** Similarity of the light distributions of both frames, −1 … 1, where it can be measured. */
  likeness: z.number().optional(),
  /** Share of the long exposure's samples that are at their limit, 0 … 1. */
  saturated: z.number().min(0).max(1),
});
export type PairFacts = z.infer<typeof pairFactsSchema>;

export const pairReportSchema = z.object({
  /** The pair as found, but with the scene of an earlier pair if both share a long exposure. */
  pair: pairSchema,
  /** Identifies equal scenes: the scene as found, and a digest of the long exposure's samples. */
  found: z.object({ scene: z.string().min(1), longDigest: z.string() }).optional(),
  /** Present if the pair is left out: the reason as a code and as a sentence. */
  fault: z.object({ code: faultSchema, sentence: z.string() }).optional(),
  notices: z.array(z.object({ code: noticeSchema, sentence: z.string() })),
  facts: pairFactsSchema.optional(),
});
export type PairReport = z.infer<typeof pairReportSchema>;

/** A pair for training or scoring. */
export const usablePairSchema = pairSchema.extend({
  ratio: z.number().positive(),
  camera: z.string(),
  /** Digest of the long exposure's samples; absent in older runs. */
  longDigest: z.string().optional(),
  /** Visible pixels, as stored. */
  width: z.number().int().positive(),
  height: z.number().int().positive(),
});
export type UsablePair = z.infer<typeof usablePairSchema>;

/** A dataset as a run stores it: the pairs of each split. */
export const pairSplitsSchema = z.object({
  train: z.array(usablePairSchema),
  validation: z.array(usablePairSchema),
  test: z.array(usablePairSchema),
});
export type PairSplits = z.infer<typeof pairSplitsSchema>;
