/**
 * A camera's noise as measured by `nightglass calibrate`: the format of the profile's file, which
 * training and the window's curves use.
 */

import { z } from 'zod';

/** A measured number and its standard error, both in the unit of the name. */
const figureSchema = z.object({ value: z.number(), error: z.number().nonnegative() });
export type Figure = z.infer<typeof figureSchema>;

const perSite = <T extends z.ZodType>(value: T) => z.tuple([value, value, value, value]);

/**
 * A coarse map of the sensor's signal in the dark. The frame is divided into columns × rows equal
 * cells. Each value is the mean of its cell; between centres it is interpolated.
 */
const shadingSchema = z
  .object({
    columns: z.number().int().min(1).max(64),
    rows: z.number().int().min(1).max(64),
    /** One map per site, row-major, in DN above that site's black level. */
    sites: perSite(z.array(z.number()).max(4096)),
    /** Standard error of one value, DN. */
    errorDn: z.number().nonnegative(),
  })
  .refine(
    ({ columns, rows, sites }) => sites.every(({ length }) => length === columns * rows),
    'expected columns × rows values for each site',
  );

/** How often each deviation from black occurred, with the fitted distribution. */
const noiseCurveSchema = z.object({
  /** Centre of the first bin, DN from the black level, and the width of every bin. */
  firstDn: z.number(),
  binDn: z.number().positive(),
  /** Samples per DN, as a share of all: as measured, and as expected by the fit. */
  measured: z.array(z.number().nonnegative()).max(512),
  fitted: z.array(z.number().nonnegative()).max(512),
});

/** Maximum number of combinations of ISO and exposure time in a profile. */
export const settingsMax = 256;

/**
 * Measurement of dark frames of one ISO and one exposure time. Sites are in reading order of the
 * camera's CFA.
 */
export const darkMeasurementSchema = z.object({
  /** Absent if the files do not say. */
  exposureSeconds: z.number().positive().optional(),
  frames: z.number().int().positive(),
  blackLevel: perSite(figureSchema),
  /** Mean of the masked margins of the same frames, if the files contain them. */
  opticalBlack: perSite(z.number()).optional(),
  /** Variation of a site's mean from frame to frame (standard deviation, DN); needs two frames. */
  blackDriftDn: figureSchema.optional(),
  /** Standard deviation of a sample's own noise, without rows, columns, shading and rounding. */
  readSigmaDn: figureSchema,
  /** The same noise as a Tukey lambda distribution: its shape, and its scale. */
  tukeyLambda: figureSchema,
  tukeyScaleDn: figureSchema,
  /**
   * Standard deviation of the offsets that the samples of a row, or of a column, have in common.
   */
  rowSigmaDn: figureSchema,
  columnSigmaDn: figureSchema,
  shading: shadingSchema,
  /** Correlation of neighbours of one colour; near 0 unless the camera smooths its RAW files. */
  correlation: z.object({ across: figureSchema, down: figureSchema }),
  /** Share of the samples clipped at the file's lowest number, 0–1. */
  clippedShare: z.number().min(0).max(1),
  /**
   * Pixels that are far too bright in nearly every frame: their share, and deciles of their excess.
   */
  hot: z.object({
    share: z.number().min(0).max(1),
    /** 5 %, 15 % … 95 % of them exceed black by less than this; empty if there are none. */
    excessDn: z.array(z.number()).max(10),
  }),
  curve: noiseCurveSchema,
});
export type DarkMeasurement = z.infer<typeof darkMeasurementSchema>;

/** Result of evenly lit frames of one ISO. */
const photonTransferSchema = z.object({
  pairs: z.number().int().nonnegative(),
  /** Number of frames without a partner of the same exposure, measured singly. */
  singles: z.number().int().nonnegative(),
  /** Variance against mean above black; the fitted line is `offsetDn2 + gain · meanDn`. */
  points: z.array(z.object({ meanDn: z.number(), varianceDn2: z.number() })).max(64),
  offsetDn2: z.number(),
  gain: z.number(),
});
export type PhotonTransfer = z.infer<typeof photonTransferSchema>;

const gainSchema = z.object({
  gainDnPerElectron: figureSchema,
  /**
   * Measured on flat frames, scaled from another ISO's measurement, or published for this model.
   */
  source: z.enum(['flats', 'other-iso', 'published']),
});
export type Gain = z.infer<typeof gainSchema>;

const isoMeasurementSchema = z.object({
  iso: z.number().positive(),
  /** Levels that the files state at this ISO. */
  whiteLevel: z.number().positive(),
  statedBlackLevel: perSite(z.number()),
  /** By exposure time, shortest first. */
  dark: z.array(darkMeasurementSchema).min(1).max(settingsMax),
  /** Absent if unknown. */
  gain: gainSchema.optional(),
  photonTransfer: photonTransferSchema.optional(),
});
export type IsoMeasurement = z.infer<typeof isoMeasurementSchema>;

/** A remark on the measurement, in plain words. */
const remarkSchema = z.object({
  code: z.enum([
    'left-out', 'few-frames', 'light-leak', 'drift', 'clipped-black', 'denoised', 'quantised',
    'columns', 'many-hot-pixels', 'no-flats', 'gain-unsure', 'single-flats', 'uneven-flats',
    'unused-flats',
  ]),
  /** A warning says that a figure is not reliable; a note explains. */
  level: z.enum(['note', 'warning']),
  message: z.string(),
}); // prettier-ignore
export type Remark = z.infer<typeof remarkSchema>;

/** Maximum number of hot pixels in a profile; the brightest are kept. */
export const hotPixelsMax = 20_000;

export const cameraProfileSchema = z.object({
  format: z.literal('nightglass-camera'),
  version: z.literal(1),
  name: z.string().min(1).max(100),
  /** As spelled in the files. */
  make: z.string(),
  model: z.string(),
  /** Time of the measurement, ISO 8601. */
  measuredAt: z.string(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  cfa: z.enum(['RGGB', 'BGGR', 'GRBG', 'GBRG']),
  /** XYZ (D65) → camera RGB before white balance, row-major, as stated in the files. */
  xyzToCamera: z.tuple([
    z.number(), z.number(), z.number(),
    z.number(), z.number(), z.number(),
    z.number(), z.number(), z.number(),
  ]), // prettier-ignore
  /** Bits of the file's numbers, and their step size: 4 if 12 bits are stored as 14. */
  bits: z.number().int().min(1).max(16),
  stepDn: z.number().int().positive(),
  /** Ascending. */
  isos: z.array(isoMeasurementSchema).min(1).max(settingsMax),
  /** x, y, x, y … on the visible frame, brightest first. */
  hotPixels: z.array(z.number().int().nonnegative()).max(2 * hotPixelsMax),
  remarks: z.array(remarkSchema).max(200),
});
export type CameraProfile = z.infer<typeof cameraProfileSchema>;
