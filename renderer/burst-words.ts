/** Words about bursts. */

import type { QueueItem } from '../preload/contract/contract.ts';
import { counted } from './strings.ts';

const frames = (count: number): string => counted(count, 'frame', 'frames');

export const burstWords = {
  burst: 'Burst',
  frames,
  bursts: (count: number) => counted(count, 'burst', 'bursts'),
  /** Of a folded cell, for screen readers. */
  folded: (count: number) => `Burst of ${frames(count)}`,
  unfolded: (place: number, count: number) => `Frame ${place} of ${count} of a burst`,
  foldTip: (count: number) => `Burst of ${frames(count)}: unfold`,
  unfoldTip: (place: number, count: number) => `Frame ${place} of ${count}: fold the burst`,

  mergeTitle: (count: number) => (count === 1 ? 'Merge a burst' : `Merge ${count} bursts`),
  mergeCount: (count: number) => (count === 1 ? 'Merge burst' : `Merge ${count} bursts`),
  mergeFrames: (count: number) => `Merge ${frames(count)}…`,
  burstOf: (name: string, used: number) => `${name}: ${frames(used)} to merge`,
  sharpest: 'On the sharpest frame',
  reference: 'Reference',
  referenceOf: (name: string) => `${name} is the reference`,
  leaveOut: 'Leave out',
  look: (name: string) => `Look at ${name} at 100 %`,
  motion: 'What moves',
  motions: { freeze: 'Freeze', blur: 'Allow blur' },
  willWrite: (count: number, folder: string | undefined) =>
    `${count === 1 ? 'One DNG' : `${count} DNGs`} → ${folder ?? 'beside the frames'}. The frames stay as they are.`,
  queued: (count: number) => `${counted(count, 'burst', 'bursts')} to merge on the export queue`,

  mergeBursts: (count: number) =>
    count === 1
      ? 'Merge the burst into one picture'
      : `Merge ${count} bursts, each into one picture`,
  /** ", 2 of them bursts of 8 frames", for a number of photos of which these are bursts. */
  ofThem: (photos: number, merges: readonly number[]) => {
    if (merges.length === 0) return '';
    const [least, most] = [Math.min(...merges), Math.max(...merges)];
    const size = least === most ? frames(least) : `${least} to ${frames(most)}`;
    const many = merges.length === 1 ? `a burst of ${size}` : `bursts of ${size}`;
    return photos === merges.length && photos === 1
      ? `, ${many},`
      : `, ${merges.length} of them ${many},`;
  },
  mergedAlready: (count: number) => `${frames(count)} are merged already.`,

  /** In the legend of the overlay. */
  fewFrames: (count: number) => `Rests on few of the ${frames(count)}`,

  merging: (done: number, total: number) =>
    `Merging, ${total === 0 ? 0 : Math.round((100 * done) / total)} %`,
  /** The end of a queue item's name. */
  itemFrames: (count: number) => ` and ${counted(count - 1, 'frame more', 'frames more')}`,
  /** What became of a burst, after the path of its picture; '' where there is nothing to say. */
  gathered: ({ frames: given, merged, leftOut }: NonNullable<QueueItem['burst']>) =>
    merged === undefined || leftOut.length === 0
      ? ''
      : `${merged} of ${frames(given)} merged. Left out: ${leftOut
          .map(({ name, reason }) => `${name} ${reason}`)
          .join('; ')}.`,
} as const;
