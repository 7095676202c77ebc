/** Implements each call of the contract. */

import path from 'node:path';
import type { Handlers } from './caller.ts';
import { burstHandlersOf } from './burst-handlers.ts';
import { browse } from '../library/folder.ts';
import { sampleFolder } from '../library/sample.ts';
import type { App } from './app.ts';
import { components } from './licences.ts';
import { openOutputFolder } from '../base/atomic.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { exportHandlersOf } from './export-handlers.ts';
import { trainingHandlersOf } from './training-handlers.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { sessionHandlersOf } from './session-handlers.ts';

/** Calls about connected windows are refused here; the served app replaces them for each window. */
export function handlersOf(app: App): Handlers {
  const { host, library, access, recents, developments, queue, settings, models, engine, pixels } =
    app;
  const fileOf = (id: string) => [library.pathOf(id), library.fileStamp(id)] as const;

  /** Photos that this model developed will look different from now on. */
  const forgetModel = async (id: string): Promise<void> => {
    const { model, cameraModels } = settings.current;
    const kept = Object.entries(cameraModels).filter(([, used]) => used !== id);
    const [other] = model === id ? await models.list() : [];
    await settings.write({
      cameraModels: Object.fromEntries(kept),
      ...(other === undefined ? {} : { model: other.id }),
    });
  };

  return {
    'app.info': () => ({
      version: packageJson.version,
      host: host.kind,
      platform: process.platform,
      hasDialogs: host.dialogs !== undefined,
      canTrash: host.trash !== undefined,
      ...(host.startFolder === undefined ? {} : { startFolder: host.startFolder }),
      logFile: app.log.file,
      canUpdate: host.canUpdate ?? false,
    }),
    'app.report': ({ stack }) => {
      app.log.write('page', stack);
      return {};
    },
    'app.licences': async () => ({ components: await components() }),
    'app.quit': () => {
      // Quits after the answer has been sent.
      setTimeout(() => {
        host.quit();
      }, 50);
      return {};
    },

    'library.recent': async () => ({ folders: await recents.list() }),
    'library.forgetRecent': async ({ path: folder }) => {
      await recents.forget(folder);
      return {};
    },
    'library.chooseFolder': async () => {
      if (host.dialogs === undefined) throw noDialogs();
      const chosen = await host.dialogs.folder();
      if (chosen === undefined) return {};
      await access.grant(chosen);
      return { path: chosen };
    },
    'library.sample': async () => {
      const folder = await sampleFolder(host.folder);
      await access.grant(folder);
      return { path: folder };
    },
    'library.browse': async ({ path: given }) => {
      if (given === undefined) {
        const folders = access.roots.map((root) => ({
          name: path.basename(root) || root,
          path: root,
        }));
        return { folders, photos: 0 };
      }
      const folder = await access.folder(given);
      const listing = await browse(folder);
      const parent = path.dirname(folder);
      return {
        path: folder,
        ...(parent !== folder && access.isAllowed(parent) ? { parent } : {}),
        folders: listing.folders.map((name) => ({ name, path: path.join(folder, name) })),
        photos: listing.photos,
      };
    },
    'library.open': async ({ path: given, subfolders }, { signal, onProgress }) => {
      const folder = await access.folder(given);
      const opened = await library.open(folder, {
        subfolders,
        signal,
        onPhotos: (photos) => {
          onProgress({ photos });
        },
      });
      await recents.add(folder);
      void engine.warm(settings.current.model);
      // Facts may have been read, and announced, since it was open.
      const { folder: now, photos } = library.current;
      return now?.path === opened.folder.path ? { folder: now, photos } : opened;
    },
    'library.current': () => library.current,
    'library.describe': async ({ photos, what }, { signal, onProgress }) => ({
      photos: await library.describe(photos, what, signal, (photo) => {
        onProgress({ photos: [photo] });
      }),
    }),
    'library.mark': async ({ photos, ...marks }) => {
      await library.mark(photos, marks);
      return {};
    },
    'library.trash': async ({ photos }) => {
      if (host.trash === undefined)
        throw new Refusal('bad-argument', 'only the desktop app can move photos to the trash');
      return { trashed: await library.trash(photos, host.trash) };
    },
    'library.rate': async ({ photos, rating }) => {
      await library.rate(photos, rating);
      return {};
    },
    'library.readEdits': ({ photo }) => {
      library.pathOf(photo);
      return { edits: library.editsOf(photo) };
    },
    'library.writeEdits': async ({ photos, edits, run }) => {
      await library.writeEdits(photos, defined(edits), run);
      return {};
    },
    'library.history': ({ photo }) => library.historyOf(photo),
    'library.writeSnapshots': async ({ photo, snapshots }) => {
      await library.writeSnapshots(photo, snapshots);
      return {};
    },
    'library.steps': () => library.steps,
    'library.undo': () => library.travel('undo'),
    'library.redo': () => library.travel('redo'),

    'develop.open': async ({ photo }, { signal }) => {
      // The engine decodes the photo at the same time, and develops the first picture to be shown.
      void app.prepare(photo, { isAhead: false, signal });
      const development = await developments.open(photo, ...fileOf(photo), signal);
      library.learn(photo, development.facts);
      return development;
    },
    'develop.prepare': async ({ photos }, { signal }) => {
      for (const photo of photos) {
        const known = await developments
          .open(photo, ...fileOf(photo), signal)
          .catch(() => undefined);
        throwIfCancelled(signal);
        if (known !== undefined) await app.prepare(photo, { isAhead: true, signal });
      }
      return {};
    },
    'develop.balance': ({ photo, whiteBalance }, { signal }) =>
      developments.balance(...fileOf(photo), whiteBalance, signal),
    'develop.pick': ({ photo, colour }, { signal }) => {
      const [red = 0, green = 0, blue = 0] = colour;
      return developments.pick(...fileOf(photo), [red, green, blue], signal);
    },

    'queue.read': () => queue.state,
    'queue.pause': () => {
      queue.pause();
      return {};
    },
    'queue.resume': () => {
      queue.resume();
      return {};
    },
    'queue.cancel': ({ items }) => {
      queue.cancel(items);
      return {};
    },
    'queue.retry': ({ items }) => {
      queue.retry(items);
      return {};
    },
    'queue.clear': () => {
      queue.clear();
      return {};
    },
    'queue.reveal': ({ item }) => {
      if (host.dialogs === undefined) throw noDialogs();
      const file = queue.state.items.find(({ id }) => id === item)?.path;
      if (file === undefined) {
        throw new Refusal('bad-argument', 'expected a finished picture of the export queue');
      }
      host.dialogs.reveal(file);
      return {};
    },

    'settings.read': () => settings.current,
    'settings.write': async (patch) => {
      for (const { choice } of patch.exportPresets ?? []) {
        if (choice.folder !== undefined) await access.futureFolder(choice.folder);
      }
      if (patch.thumbnailFolder === undefined || patch.thumbnailFolder === '')
        return settings.write(patch);
      // Reports an unwritable folder now; later, nobody would notice.
      const thumbnailFolder = await access.futureFolder(patch.thumbnailFolder);
      await openOutputFolder(thumbnailFolder);
      return settings.write({ ...patch, thumbnailFolder });
    },
    'thumbnails.read': async () => ({
      folder: app.thumbnails.folder,
      ...(await app.thumbnails.usage()),
    }),
    'pixels.cancel': ({ request }) => {
      pixels.cancel(request);
      return {};
    },
    'thumbnails.clear': async () => {
      await app.thumbnails.clear();
      return {};
    },

    'models.list': async () => ({ models: await models.list() }),
    'models.import': async ({ path: given }) => models.import(await access.file(given)),
    'models.choose': async () => {
      if (host.dialogs === undefined) throw noDialogs();
      const chosen = await host.dialogs.model();
      if (chosen === undefined) return {};
      await access.grant(path.dirname(chosen));
      return { path: chosen };
    },
    'models.remove': async ({ model }) => {
      await models.remove(model);
      await forgetModel(model);
      // Photos that were edited with it are developed by their default from now on, and say so.
      library.restamp();
      return {};
    },
    'models.rename': ({ model, name }) => models.rename(model, name),
    'models.export': async ({ model, folder }) => ({
      path: await models.export(model, await access.futureFolder(folder)),
    }),
    'models.card': async ({ model }) => ({ markdown: await models.card(model) }),
    ...burstHandlersOf(app),
    ...exportHandlersOf(app),
    ...sessionHandlersOf(undefined),
    ...trainingHandlersOf(app),
    'devices.test': async ({ isAfresh }, { signal }) => ({
      verdicts: [...(await engine.verdicts(isAfresh, signal))],
    }),
  };
}

function noDialogs(): Refusal {
  return new Refusal('bad-argument', 'this host has no dialogs: choose a folder in the window');
}

/** Leaves out fields that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) Object.assign(result, { [key]: value });
  }
  return result;
}
