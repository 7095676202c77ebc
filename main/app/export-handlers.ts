/** Implements the calls that put photos on the export queue. */

import type { App } from './app.ts';
import type { Handlers } from './caller.ts';
import { enhanceAsked } from './burst-handlers.ts';
import type { Asked } from '../jobs/queue-item.ts';
import { Refusal } from '../base/refusal.ts';
import { nameOf, needsFacts } from '../jobs/template.ts';
import type { CallName } from '../../preload/contract/contract.ts';
import { oneClickPresets, type ExportOrder } from '../../preload/contract/settings.ts';

type ExportHandlers = Pick<Handlers, Extract<CallName, `export.${string}`>>;

const endings = { tiff: '.tif', png: '.png', jpeg: '.jpg', dng: '.dng' } as const;

export function exportHandlersOf({
  access,
  bursts,
  library,
  queue,
  settings,
}: App): ExportHandlers {
  /** The orders with folders that the window may name. @throws Refusal `bad-argument` */
  const checked = async (orders: readonly ExportOrder[]): Promise<readonly ExportOrder[]> => {
    refuseSameNames(orders);
    return Promise.all(
      orders.map(async (order) => {
        // Refuses an invalid template now rather than at the first photo.
        nameOf(order.choice.template, { path: 'photo.dng', number: 1 });
        if (order.choice.folder === undefined) return order;
        const folder = await access.futureFolder(order.choice.folder);
        return { ...order, choice: { ...order.choice, folder } };
      }),
    );
  };

  const add = (asked: readonly Asked[], { choice, preset }: ExportOrder): number => {
    return queue.add(asked, { ...choice, ...(preset === undefined ? {} : { preset }) });
  };

  return {
    'export.start': async ({ photos, exports }) => {
      const orders = await checked(exports);
      const asked = photos.map((id) => ({ photo: library.pathOf(id) }));
      return { queued: orders.reduce((sum, order) => sum + add(asked, order), 0) };
    },
    'export.enhance': async ({ photos, mergesBursts }, { signal }) => {
      await library.learnCameras(photos, signal);
      const presets = oneClickPresets(settings.current);
      const orders = await checked(presets.map(({ name, choice }) => ({ preset: name, choice })));
      const queued = orders.map((order) => {
        const { preset } = order;
        const asked = enhanceAsked({ library, bursts }, photos, { preset, mergesBursts });
        return asked.length === 0 ? 0 : add(asked, order);
      });
      return { queued: queued.reduce((sum, count) => sum + count, 0) };
    },
    'export.exampleName': async ({ photo, template, choice }, { signal }) => {
      const file = library.pathOf(photo);
      if (needsFacts(template)) await library.describe([photo], 'shot', signal, () => undefined);
      const facts = library.photo(photo)?.facts;
      return {
        name: nameOf(template, { path: file, facts, number: 1 }) + endings[choice.output.format],
      };
    },
  };
}

/** Of two ways that write the same names, one would take the place of the other, or be skipped. */
function refuseSameNames(orders: readonly ExportOrder[]): void {
  const seen = new Map<string, ExportOrder>();
  for (const order of orders) {
    const { output, folder = '', template } = order.choice;
    const key = JSON.stringify([output.format, folder, template.toLowerCase()]);
    const other = seen.get(key);
    if (other !== undefined) {
      throw new Refusal(
        'bad-argument',
        `${nameWords(other)} and ${nameWords(order)} would write the same file names: give one of them another file name or folder`,
      );
    }
    seen.set(key, order);
  }
}

function nameWords({ preset }: ExportOrder): string {
  return preset === undefined ? 'a choice without a name' : `“${preset}”`;
}
