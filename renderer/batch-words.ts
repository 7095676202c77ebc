/** Words about commands on many photos: what they act on, what they write, and what was undone. */

import type { Outputs } from '../preload/contract/contract.ts';
import type { ExportChoice, ExportPreset } from '../preload/contract/settings.ts';
import { counted, strings } from './strings.ts';

/** Asked before a command acts on photos that nobody selected, or writes files. */
export interface Question {
  readonly title: string;
  readonly words: string;
  /** What the button that agrees says. */
  readonly action: string;
}

type Travelled = NonNullable<Outputs['library.undo']['step']>;

interface EnhanceCounts {
  /** Photos to be exported now, in one way or in several. */
  readonly waiting: number;
  /** What is to be written with each preset that has anything to write. */
  readonly pictures: readonly { readonly preset: ExportPreset; readonly count: number }[];
  /** Photos of the command that are exported already. */
  readonly exported: number;
  /** Photos of the folder that the command leaves alone. */
  readonly others: number;
}

export const batchWords = {
  enhanceCount: (count: number, isSelected: boolean) =>
    isSelected ? `Enhance ${count} selected` : `Enhance all ${count.toLocaleString('en')}`,
  pasteTitle: (count: number) => `Paste edits to ${counted(count, 'photo', 'photos')}`,
  pasteCount: (count: number) => (count === 1 ? 'Paste' : `Paste to ${count}`),
  editGroups: {
    model: 'Model',
    ratio: 'Exposure ratio',
    strength: 'Noise removed',
    whiteBalance: 'White balance',
    tone: 'Tone',
    frame: 'Crop, angle and turns',
  },
  copiedFrom: (name: string) => `Edits of ${name} taken over`,
  /** Of a change that may be out of sight. */
  travelled: (direction: 'undo' | 'redo', { kind, photos, name = '' }: Travelled) => {
    const whose = photos.length === 1 ? name : counted(photos.length, 'photo', 'photos');
    const kinds = {
      rating: 'rating',
      mark: 'flag or label',
      edits: 'edits',
      snapshots: 'snapshots',
    } as const;
    const what = kinds[kind];
    return `${direction === 'undo' ? 'Undone' : 'Done again'}: ${what} of ${whose}`;
  },
  exportAs: (count: number, output: string) =>
    `${count === 1 ? 'Export' : `Export ${count}`} → ${output}`,
  willWrite: (count: number, output: string) => `${counted(count, 'photo', 'photos')} → ${output}`,
  formatOfBits: (format: string, bits: number) => `${format} ${bits}-bit`,
  formatOfQuality: (format: string, quality: number) => `${format} quality ${quality}`,
  sizeOf: (pixels: number) => `${pixels} pixels long`,
  besideThem: 'Nightglass beside them',
  enhanceQuestion: ({ waiting, pictures, exported, others }: EnhanceCounts): Question => ({
    title: `Enhance ${counted(waiting, 'photo', 'photos')}?`,
    words: [
      ...pictures.map(
        ({ preset: { name, choice }, count }) =>
          `${name}: ${counted(count, 'photo', 'photos')} → ${exportWords(choice)}.`,
      ),
      [
        ...(exported === 0 ? [] : [`${exported} exported already.`]),
        ...(others === 0 ? [] : [`${counted(others, 'other photo stays', 'other photos stay')}.`]),
      ].join(' '),
    ].join('\n'),
    action: `Enhance ${waiting.toLocaleString('en')}`,
  }),
  /** @param mark such as "★★★" or "Picked" */
  markQuestion: (count: number, mark: string): Question => ({
    title: `Mark all ${counted(count, 'photo', 'photos')} shown?`,
    words: `None is selected, so all that are shown get: ${mark}.`,
    action: `Mark ${count.toLocaleString('en')}`,
  }),
  stars: (rating: number) => (rating === 0 ? 'no stars' : '★'.repeat(rating)),
  trashQuestion: (count: number): Question => ({
    title: `Move ${counted(count, 'photo', 'photos')} to the trash?`,
    words:
      'Their edits and the JPEGs that the camera put beside them go too. You can take them back from the system’s trash.',
    action: `Move ${count.toLocaleString('en')}`,
  }),
} as const;

/** "Archive TIFF + Web JPEG". */
export function presetNames(presets: readonly { readonly name: string }[]): string {
  return presets.map(({ name }) => name).join(' + ');
}

/** What presets write for some photos, a line for each: for the tip of a button. */
export function presetTip(count: number, presets: readonly ExportPreset[]): string {
  return presets
    .map(({ name, choice }) => `${name}: ${batchWords.willWrite(count, exportWords(choice))}`)
    .join('\n');
}

/** What is written and where, in short: "TIFF 16-bit, Nightglass beside them". */
export function exportWords({ output, longSide, folder }: ExportChoice): string {
  const format = strings.formats[output.format];
  const kind =
    'bits' in output
      ? batchWords.formatOfBits(format, output.bits)
      : 'quality' in output
        ? batchWords.formatOfQuality(format, output.quality)
        : format;
  const size =
    longSide === undefined || output.format === 'dng' ? [] : [batchWords.sizeOf(longSide)];
  return [kind, ...size, folder ?? batchWords.besideThem].join(', ');
}
