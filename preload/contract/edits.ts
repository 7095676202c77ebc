/** Everything a photographer can decide about one photo, with the limits of its sliders. */

import { z } from 'zod';
import { modelIdSchema } from './call.ts';

/** `black` counts in steps of a sensor of 14 bits, whatever the file's own. */
export const blackSteps = 16_384;

export interface Range {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

/** The limits of sliders and of the schemas below. */
export const ranges = {
  /** Long ÷ short exposure; shown on a logarithmic scale. */
  ratio: { min: 1, max: 300, default: 1 },
  /** 1 removes all noise; 0 returns all grain. */
  strength: { min: 0, max: 1, default: 1 },
  /** Raises the black level, in steps of a sensor of 14 bits. */
  black: { min: -32, max: 32, default: 0 },
  kelvin: { min: 2000, max: 25_000, default: 5500 },
  /** Positive is more magenta. */
  tint: { min: -150, max: 150, default: 0 },
  /** Stops. */
  exposure: { min: -5, max: 5, default: 0 },
  highlights: { min: -1, max: 1, default: 0 },
  shadows: { min: -1, max: 1, default: 0 },
  contrast: { min: -1, max: 1, default: 0 },
  /** −1 is grey. */
  saturation: { min: -1, max: 1, default: 0 },
  /** Degrees by which the picture is turned clockwise inside the crop frame. */
  angle: { min: -45, max: 45, default: 0 },
} as const satisfies Record<string, Range>;

const within = ({ min, max }: Range) => z.number().min(min).max(max);

export const ratioSchema = within(ranges.ratio);
/** `auto`: measured on the photo. */
export const ratioChoiceSchema = z.union([z.literal('auto'), ratioSchema]);

export const whiteBalanceSchema = z.union([
  z.literal('as-shot'),
  z.literal('auto'),
  z.strictObject({ kelvin: within(ranges.kelvin), tint: within(ranges.tint) }),
]);

/** Minimum share of a side that a crop must have. */
const cropSideMin = 0.01;

const share = z.number().min(0).max(1);

/**
 * A rectangle in shares (0–1) of the picture after EXIF orientation and quarter-turns. It may touch
 * the picture's edges but not extend beyond them.
 */
export const cropSchema = z
  .strictObject({
    x: share,
    y: share,
    width: share.min(cropSideMin),
    height: share.min(cropSideMin),
  })
  .refine(({ x, y, width, height }) => x + width <= 1 + 1e-6 && y + height <= 1 + 1e-6, {
    message: 'expected a crop inside the picture',
  });

/** In place of a model's id: the default for the photo's camera, or for all photos. */
export const defaultModel = 'default';

export const editsSchema = z.strictObject({
  /** Id of the model that develops the photo, or `defaultModel`. */
  model: modelIdSchema,
  ratio: ratioChoiceSchema,
  strength: within(ranges.strength),
  black: within(ranges.black),
  whiteBalance: whiteBalanceSchema,
  exposure: within(ranges.exposure),
  highlights: within(ranges.highlights),
  shadows: within(ranges.shadows),
  contrast: within(ranges.contrast),
  saturation: within(ranges.saturation),
  crop: cropSchema,
  angle: within(ranges.angle),
  /** Quarter-turns clockwise, after EXIF orientation, before the crop. */
  rotate: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]),
});

export type Edits = z.infer<typeof editsSchema>;
export type WhiteBalanceChoice = z.infer<typeof whiteBalanceSchema>;
export type Crop = z.infer<typeof cropSchema>;

/** The edits of an untouched photo. */
export const defaultEdits: Edits = {
  model: defaultModel,
  ratio: 'auto',
  strength: 1,
  black: 0,
  whiteBalance: 'as-shot',
  exposure: 0,
  highlights: 0,
  shadows: 0,
  contrast: 0,
  saturation: 0,
  crop: { x: 0, y: 0, width: 1, height: 1 },
  angle: 0,
  rotate: 0,
};

/** What is pasted together. */
export const editGroups = ['model', 'ratio', 'strength', 'whiteBalance', 'tone', 'frame'] as const;
export const editGroupSchema = z.enum(editGroups);
export type EditGroup = z.infer<typeof editGroupSchema>;

const partOf: Readonly<Record<EditGroup, (edits: Edits) => Partial<Edits>>> = {
  model: ({ model }) => ({ model }),
  ratio: ({ ratio }) => ({ ratio }),
  strength: ({ strength }) => ({ strength }),
  whiteBalance: ({ whiteBalance }) => ({ whiteBalance }),
  tone: ({ black, exposure, highlights, shadows, contrast, saturation }) => ({
    black,
    exposure,
    highlights,
    shadows,
    contrast,
    saturation,
  }),
  frame: ({ crop, angle, rotate }) => ({ crop, angle, rotate }),
};

/** The edits of some groups; all groups together hold every edit. */
export function editsOfGroups(edits: Edits, groups: readonly EditGroup[]): Partial<Edits> {
  return groups.reduce<Partial<Edits>>((part, group) => ({ ...part, ...partOf[group](edits) }), {});
}
