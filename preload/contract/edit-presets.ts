/** Presets of edits: looks that come with the program, in the order in which they are shown. */

import { defaultEdits, editsOfGroups, type Edits } from './edits.ts';

export interface EditPreset {
  readonly name: string;
  readonly edits: Partial<Edits>;
}

/**
 * A look made of a photo's edits: brightness, model, black level and frame are matters of the single
 * photo.
 */
export function lookOf(edits: Edits): Partial<Edits> {
  const { black: _, ...look } = editsOfGroups(edits, ['strength', 'whiteBalance', 'tone']);
  return look;
}

/** Each look says all that another one says, but for the white balance. */
const { whiteBalance: _, ...plain } = lookOf(defaultEdits);

export const shippedEditPresets: readonly EditPreset[] = [
  {
    name: 'City lights',
    edits: { ...plain, highlights: -0.6, shadows: 0.2, contrast: 0.15, saturation: 0.05 },
  },
  {
    name: 'Starry sky',
    edits: { ...plain, strength: 0.9, shadows: -0.15, contrast: 0.3, saturation: 0.12 },
  },
  {
    name: 'Soft dusk',
    edits: { ...plain, highlights: -0.35, shadows: 0.35, contrast: -0.15, saturation: 0.08 },
  },
  {
    name: 'Fine grain',
    edits: { ...plain, strength: 0.6, highlights: -0.2, contrast: 0.1 },
  },
  {
    name: 'Black and white',
    edits: { ...plain, strength: 0.75, highlights: -0.2, contrast: 0.3, saturation: -1 },
  },
];
