/** Words about commands on many photos: what they act on, what they write, and what was undone. */

import type { Outputs } from '../preload/contract/contract.ts';
import type { ExportChoice, ExportPreset } from '../preload/contract/settings.ts';
import { burstWords } from './burst-words.ts';
import { counted, strings } from './strings.ts';

/** Asked before a command acts on photos that nobody selected, or writes files. */
export interface Question {
  readonly title: string;
  readonly words: string;
  /** What the button that agrees says. */
  readonly action: string;
  /** A choice that changes what is done. */
  readonly option?: {
    readonly words: string;
    readonly isChosen: boolean;
    /** The question after the choice. */
    readonly choose: (isChosen: boolean) => Question;
  };
}

type Travelled = NonNullable<Outputs['library.undo']['step']>;

export interface EnhanceCounts {
  /** Photos to be exported now, in one way or in several; a burst that is merged counts once. */
  readonly waiting: number;
  /** What is to be written with each preset that has anything to write. */
  readonly pictures: readonly {
    readonly preset: ExportPreset;
    readonly count: number;
    /** Frames of each burst among them that is merged. */
    readonly merges: readonly number[];
  }[];
  /** Frames of bursts of which the merged photo is there. */
  readonly merged: number;
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
    const what = { rating: 'rating', edits: 'edits', snapshots: 'snapshots' }[kind];
    return `${direction === 'undo' ? 'Undone' : 'Done again'}: ${what} of ${whose}`;
  },
  exportAs: (count: number, output: string) =>
    `${count === 1 ? 'Export' : `Export ${count}`} → ${output}`,
  willWrite: (count: number, output: string) => `${counted(count, 'photo', 'photos')} → ${output}`,
  formatOfBits: (format: string, bits: number) => `${format} ${bits}-bit`,
  formatOfQuality: (format: string, quality: number) => `${format} quality ${quality}`,
  sizeOf: (pixels: number) => `${pixels} pixels long`,
  besideThem: 'Nightglass beside them',
  enhanceQuestion: ({ waiting, pictures, merged, exported, others }: EnhanceCounts): Question => ({
    title: `Enhance ${counted(waiting, 'photo', 'photos')}?`,
    words: [
      ...pictures.map(
        ({ preset: { name, choice }, count, merges }) =>
          `${name}: ${counted(count, 'photo', 'photos')}${burstWords.ofThem(count, merges)} → ${exportWords(choice)}.`,
      ),
      [
        ...(merged === 0 ? [] : [burstWords.mergedAlready(merged)]),
        ...(exported === 0 ? [] : [`${exported} exported already.`]),
        ...(others === 0 ? [] : [`${counted(others, 'other photo stays', 'other photos stay')}.`]),
      ].join(' '),
    ].join('\n'),
    action: `Enhance ${waiting.toLocaleString('en')}`,
  }),
  rateQuestion: (count: number, rating: number): Question => ({
    title: `Rate all ${counted(count, 'photo', 'photos')} shown?`,
    words: `None is selected, so all that are shown get ${rating === 0 ? 'no stars' : '★'.repeat(rating)}.`,
    action: `Rate ${count.toLocaleString('en')}`,
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
