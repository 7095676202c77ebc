/**
 * A camera's noise as `nightglass calibrate` measures it: the profile's file, what training draws
 * from it, and the curves that the window shows of it.
 */

import { z } from 'zod';

/** A measured number and its standard error, both in the unit that the name says. */
const figureSchema = z.object({ value: z.number(), error: z.number().nonnegative() });
export type Figure = z.infer<typeof figureSchema>;

const perSite = <T extends z.ZodType>(value: T) => z.tuple([value, value, value, value]);

/**
 * A smooth map of what stays on the sensor in the dark. The frame is divided into columns × rows
 * equal cells; each value is its cell's mean, and what lies between centres is interpolated.
 */
const shadingSchema = z
  .object({
    columns: z.number().int().min(1).max(64),
    rows: z.number().int().min(1).max(64),
    /** One map a site, row-major, DN above that site's black level. */
    sites: perSite(z.array(z.number()).max(4096)),
    /** Standard error of one value, DN. */
    errorDn: z.number().nonnegative(),
  })
  .refine(
    ({ columns, rows, sites }) => sites.every(({ length }) => length === columns * rows),
    'expected columns × rows values for each site',
  );

/** How often each deviation from black was seen, beside the distribution that was fitted to it. */
const noiseCurveSchema = z.object({
  /** Centre of the first bin, DN from the black level, and the width of every bin. */
  firstDn: z.number(),
  binDn: z.number().positive(),
  /** Samples a DN, as a share of all: what was measured, and what the fit expects. */
  measured: z.array(z.number().nonnegative()).max(512),
  fitted: z.array(z.number().nonnegative()).max(512),
});

/** ISOs with their exposure times that a profile holds at most. */
export const settingsMax = 256;

/** Dark frames of one ISO and one exposure time. Sites are in reading order of the camera's CFA. */
export const darkMeasurementSchema = z.object({
  /** Absent where the files do not say. */
  exposureSeconds: z.number().positive().optional(),
  frames: z.number().int().positive(),
  blackLevel: perSite(figureSchema),
  /** Mean of the masked margins of the same frames, where the files carry them. */
  opticalBlack: perSite(z.number()).optional(),
  /** How far a site's mean wanders from frame to frame (standard deviation, DN); needs two frames. */
  blackDriftDn: figureSchema.optional(),
  /** Standard deviation of a sample's own noise: without rows, columns, shading and rounding. */
  readSigmaDn: figureSchema,
  /** The same noise as a Tukey lambda distribution: its shape, and its scale. */
  tukeyLambda: figureSchema,
  tukeyScaleDn: figureSchema,
  /** Standard deviation of the offset that each row, each column shares. */
  rowSigmaDn: figureSchema,
  columnSigmaDn: figureSchema,
  shading: shadingSchema,
  /** Correlation of neighbours of one colour; near 0 unless the camera smooths its RAW files. */
  correlation: z.object({ across: figureSchema, down: figureSchema }),
  /** Share of the samples cut off at the file's lowest number, 0–1. */
  clippedShare: z.number().min(0).max(1),
  /** Pixels that are far too bright in nearly every frame: their share, and deciles of by how much. */
  hot: z.object({
    share: z.number().min(0).max(1),
    /** 5 %, 15 % … 95 % of them are brighter than black by less than this; empty without any. */
    excessDn: z.array(z.number()).max(10),
  }),
  curve: noiseCurveSchema,
});
export type DarkMeasurement = z.infer<typeof darkMeasurementSchema>;

/** What evenly lit frames of one ISO gave. */
const photonTransferSchema = z.object({
  pairs: z.number().int().nonnegative(),
  /** Frames that had no partner of the same exposure, measured alone. */
  singles: z.number().int().nonnegative(),
  /** Variance against mean above black; the line is `offsetDn2 + gain · meanDn`. */
  points: z.array(z.object({ meanDn: z.number(), varianceDn2: z.number() })).max(64),
  offsetDn2: z.number(),
  gain: z.number(),
});
export type PhotonTransfer = z.infer<typeof photonTransferSchema>;

const gainSchema = z.object({
  gainDnPerElectron: figureSchema,
  /** Measured on flat frames, scaled from another ISO of them, or published for this model. */
  source: z.enum(['flats', 'other-iso', 'published']),
});
export type Gain = z.infer<typeof gainSchema>;

const isoMeasurementSchema = z.object({
  iso: z.number().positive(),
  /** What the files themselves say at this ISO. */
  whiteLevel: z.number().positive(),
  statedBlackLevel: perSite(z.number()),
  /** By exposure time, shortest first. */
  dark: z.array(darkMeasurementSchema).min(1).max(settingsMax),
  /** Absent where nothing is known of it. */
  gain: gainSchema.optional(),
  photonTransfer: photonTransferSchema.optional(),
});
export type IsoMeasurement = z.infer<typeof isoMeasurementSchema>;

/** Something to know about the measurement, in plain words. */
const remarkSchema = z.object({
  code: z.enum([
    'left-out', 'few-frames', 'light-leak', 'drift', 'clipped-black', 'denoised', 'quantised',
    'columns', 'many-hot-pixels', 'no-flats', 'gain-unsure', 'single-flats', 'uneven-flats',
    'unused-flats',
  ]),
  /** A warning says that a figure should not be trusted; a note explains. */
  level: z.enum(['note', 'warning']),
  message: z.string(),
}); // prettier-ignore
export type Remark = z.infer<typeof remarkSchema>;

/** Hot pixels that a profile lists at most; the brightest are kept. */
export const hotPixelsMax = 20_000;

export const cameraProfileSchema = z.object({
  format: z.literal('nightglass-camera'),
  version: z.literal(1),
  name: z.string().min(1).max(100),
  /** As the files spell them. */
  make: z.string(),
  model: z.string(),
  /** When the measurement was made, ISO 8601. */
  measuredAt: z.string(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  cfa: z.enum(['RGGB', 'BGGR', 'GRBG', 'GBRG']),
  /** XYZ (D65) → camera RGB before white balance, row-major, as the files have it. */
  xyzToCamera: z.tuple([
    z.number(), z.number(), z.number(),
    z.number(), z.number(), z.number(),
    z.number(), z.number(), z.number(),
  ]), // prettier-ignore
  /** Bits of the file's numbers, and their step: 4 where 12 bits are stored as 14. */
  bits: z.number().int().min(1).max(16),
  stepDn: z.number().int().positive(),
  /** Ascending. */
  isos: z.array(isoMeasurementSchema).min(1).max(settingsMax),
  /** x, y, x, y … on the visible frame, brightest first. */
  hotPixels: z.array(z.number().int().nonnegative()).max(2 * hotPixelsMax),
  remarks: z.array(remarkSchema).max(200),
});
export type CameraProfile = z.infer<typeof cameraProfileSchema>;
