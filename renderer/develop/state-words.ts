/** What a step of the history changed, in a few words: "Exposure +0.50", "Shadows, Contrast". */

import type { Edits } from '../../preload/contract/edits.ts';
import type { HistoryState } from '../../preload/contract/undo.ts';
import { hundredths, ratioWords, signed } from '../format.ts';
import { batchWords } from '../batch-words.ts';
import { strings } from '../strings.ts';

/** More names than these are counted. */
const namesMax = 3;

export const historyWords = {
  title: 'History',
  start: 'As it began',
  byDefault: 'the default',
  snapshots: 'Snapshots',
  snapshotName: 'Name of a snapshot',
  take: 'Take a snapshot',
  remove: (name: string) => `Remove the snapshot ${name}`,
  andMore: (labels: string, count: number) => `${labels} and ${count} more`,
} as const;

export const presetWords = {
  title: 'Looks',
  name: 'Name of a look',
  save: 'Save noise, white balance and tone as a look',
} as const;

const words = historyWords;

const labels: Readonly<Record<string, string>> = {
  ...batchWords.editGroups,
  ...strings.sliders,
  black: strings.blackPoint,
  exposure: strings.exposure,
  crop: 'Crop',
  angle: 'Straightened',
  rotate: 'Turned',
};

/** @param modelName of a model's id */
export function stateWords(
  { at, changed, edits }: HistoryState,
  modelName: (id: string) => string,
): string {
  if (at === undefined) return words.start;
  // The first edit of a photo also writes down its model, and straightening moves the crop.
  const own = changed.length > 1 ? changed.filter((name) => name !== 'model') : changed;
  const told = own.includes('angle') ? own.filter((name) => name !== 'crop') : own;
  const [first] = told;
  if (told.length === 1 && first !== undefined) return oneWords(first, edits, modelName);
  const all = told.map((name) => labelOf(name));
  return all.length <= namesMax
    ? all.join(', ')
    : words.andMore(all.slice(0, namesMax - 1).join(', '), all.length - namesMax + 1);
}

function labelOf(name: string): string {
  return labels[name] ?? name;
}

function oneWords(name: string, edits: Edits, modelName: (id: string) => string): string {
  const value = valueWords(name, edits, modelName);
  return value === '' ? labelOf(name) : `${labelOf(name)} ${value}`;
}

function valueWords(name: string, edits: Edits, modelName: (id: string) => string): string {
  switch (name) {
    case 'model':
      return edits.model === 'default' ? words.byDefault : modelName(edits.model);
    case 'ratio':
      return edits.ratio === 'auto' ? strings.auto : ratioWords(edits.ratio);
    case 'strength':
      return `${Math.round(edits.strength * 100)} %`;
    case 'whiteBalance':
      return typeof edits.whiteBalance === 'string'
        ? edits.whiteBalance === 'auto'
          ? strings.auto
          : strings.asShot
        : `${Math.round(edits.whiteBalance.kelvin)} K`;
    case 'exposure':
      return signed(edits.exposure, 2);
    case 'black':
      return signed(edits.black, 0);
    case 'angle':
      return `${signed(edits.angle, 1)}°`;
    case 'highlights':
    case 'shadows':
    case 'contrast':
    case 'saturation':
      return hundredths(edits[name]);
    default:
      return '';
  }
}

/** A time of today alone, because a date would leave no room for what happened. */
export function timeWords(at: string, now = new Date()): string {
  const time = new Date(at);
  const isToday = time.toDateString() === now.toDateString();
  const date = isToday ? {} : { dateStyle: 'short' as const };
  return time.toLocaleString(undefined, { ...date, timeStyle: 'short' });
}
