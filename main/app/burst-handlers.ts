/** Implements the contract's calls about bursts, and gathers them for exports. */

import {
  coverOf,
  gatherBursts,
  type Burst,
  type burstCalls,
} from '../../preload/contract/bursts.ts';
import { defaultExportChoice, oneClickPresets } from '../../preload/contract/settings.ts';
import { Refusal } from '../base/refusal.ts';
import type { Asked } from '../jobs/queue-item.ts';
import type { App } from './app.ts';
import type { Handlers } from './caller.ts';

export function burstHandlersOf({
  bursts,
  library,
  queue,
  settings,
}: App): Pick<Handlers, keyof typeof burstCalls> {
  return {
    'bursts.read': () => ({ bursts: [...bursts.current] }),
    'bursts.choose': ({ burst, ...choice }) => {
      bursts.choose(burst, choice);
      return {};
    },
    'bursts.merge': ({ bursts: ids }) => {
      const asked = [...new Set(ids)].map((id) => {
        const burst = bursts.burst(id);
        const frames = burst.frames.filter((frame) => !burst.leftOut.includes(frame));
        if (frames.length < 2) {
          throw new Refusal('bad-argument', 'expected at least two frames that are not left out');
        }
        return burstAsked(library, burst, frames, true);
      });
      // How a picture would be finished has no effect on a DNG of the merged frame.
      const folder = oneClickPresets(settings.current)[0]?.choice.folder;
      const choice = { ...defaultExportChoice, ...(folder === undefined ? {} : { folder }) };
      return { queued: queue.add(asked, choice) };
    },
  };
}

/**
 * What Enhance all exports with a preset: the photos that are not exported so yet, with bursts merged
 * if asked for. A burst is merged anew as long as one of its frames is not exported.
 * @param photos ids
 */
export function enhanceAsked(
  { library, bursts }: Pick<App, 'library' | 'bursts'>,
  photos: readonly string[],
  { preset, mergesBursts }: { readonly preset: string | undefined; readonly mergesBursts: boolean },
): Asked[] {
  const isWaiting = (id: string): boolean =>
    preset === undefined || library.photo(id)?.exported.includes(preset) !== true;
  const { merges, singles } = gatherBursts(photos, mergesBursts ? bursts.current : []);
  const places = new Map(photos.map((id, place) => [id, place]));
  const asked = [
    ...singles
      .filter(isWaiting)
      .map((id) => ({ place: places.get(id) ?? 0, asked: { photo: library.pathOf(id) } })),
    ...merges
      .filter(({ frames }) => frames.some(isWaiting))
      .map(({ burst, frames }) => ({
        place: places.get(frames[0] ?? '') ?? 0,
        asked: burstAsked(library, burst, frames, false),
      })),
  ];
  return asked.sort((a, b) => a.place - b.place).map((one) => one.asked);
}

function burstAsked(
  library: App['library'],
  burst: Burst,
  frames: readonly string[],
  isKept: boolean,
): Asked {
  const { reference, motion } = burst;
  const isThere = reference !== undefined && frames.includes(reference);
  return {
    photo: library.pathOf(coverOf(burst, frames)),
    burst: {
      frames: frames.map((frame) => library.pathOf(frame)),
      reference: isThere ? library.pathOf(reference) : 'auto',
      motion,
      isKept,
    },
  };
}
