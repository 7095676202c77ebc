/** The app without its window: everything that stays while windows open and close. */

import path from 'node:path';
import { camerasStamp } from '../calibration/kept.ts';
import { EventHub } from '../base/events.ts';
import { spawnNodeView, View } from '../view/process.ts';
import { tryModel } from '../engine/devices.ts';
import { spawnNodeEngine } from '../engine/process.ts';
import { editOf } from '../jobs/edit.ts';
import { EngineHost } from '../jobs/engine-host.ts';
import { Queue, type ExportOrder, type ExportOutcome } from '../jobs/queue.ts';
import type { SavedQueue } from '../jobs/saved-queue.ts';
import { nameOf, needsFacts } from '../jobs/template.ts';
import { Bursts } from '../library/bursts.ts';
import { Access } from '../library/access.ts';
import { Developments } from '../library/development.ts';
import { ExportMarks, type ExportedAs } from '../library/export-marks.ts';
import { Library } from '../library/library.ts';
import type { Exports } from '../library/listed.ts';
import { photoIdOf } from '../library/photo-id.ts';
import { Recents } from '../library/recents.ts';
import { Sidecars } from '../library/sidecar.ts';
import { ThumbnailCache } from '../library/thumbnail-cache.ts';
import { Models } from '../network/models.ts';
import { Log } from '../base/log.ts';
import { PixelServer } from './pixels.ts';
import type { Connect } from '../process/port.ts';
import { Cameras } from '../runs/cameras.ts';
import { Checks } from '../runs/checks.ts';
import { TrainingDesk } from '../runs/desk.ts';
import { spawnNodeSurvey } from '../runs/survey.ts';
import { SettingsStore, type SettingsFile } from './settings.ts';
import { spawnNodeTraining } from '../training/run/process.ts';
import { defaultModel, type Edits } from '../../preload/contract/edits.ts';
import { photoModel, type PhotoModel } from '../../preload/contract/photo-model.ts';
import { modelFor, oneClickPresets, type Settings } from '../../preload/contract/settings.ts';

export interface Dialogs {
  /** Undefined if the user closed the dialog. */
  folder(): Promise<string | undefined>;
  model(): Promise<string | undefined>;
  /** Shows a file in the system's file manager. */
  reveal(path: string): void;
}

/** What the surrounding system can do. */
export interface Host {
  readonly kind: 'electron' | 'headless';
  /** Folder of the app's own data. */
  readonly folder: string;
  readonly settingsFile: SettingsFile;
  /** Folders that may be named from the start. */
  readonly roots: readonly string[];
  readonly startFolder?: string | undefined;
  readonly dialogs?: Dialogs | undefined;
  /** Moves a file to the system's trash. @throws if it stays */
  readonly trash?: (file: string) => Promise<void>;
  readonly spawn?: Connect;
  readonly spawnView?: Connect;
  readonly spawnTraining?: Connect;
  readonly spawnSurvey?: Connect;
  /** Folder of the shipped models; tests have their own. */
  readonly modelsFolder?: string;
  /** Whether new versions can be fetched for this installation. */
  readonly canUpdate?: boolean;
  /** Called for bugs, after they were logged. */
  readonly onBug: (error: unknown) => void;
  readonly quit: () => void;
}

export class App {
  readonly host: Host;
  readonly log: Log;
  readonly events: EventHub;
  readonly access: Access;
  readonly settings: SettingsStore;
  readonly recents: Recents;
  readonly library: Library;
  readonly bursts: Bursts;
  readonly developments: Developments;
  readonly models: Models;
  readonly engine: EngineHost;
  readonly queue: Queue;
  readonly pixels: PixelServer;
  readonly desk: TrainingDesk;
  readonly checks: Checks;
  readonly cameras: Cameras;
  readonly thumbnails: ThumbnailCache;
  /** Number of models replaced by others of the same id since the start. */
  #modelsReplaced = 0;
  #opening: AbortController | undefined;
  readonly #view: View;
  readonly #marks: ExportMarks;
  readonly #sidecars: Sidecars;

  private constructor(
    host: Host,
    {
      log,
      events,
      settings,
      recents,
      marks,
      access,
      saved,
    }: {
      readonly log: Log;
      readonly events: EventHub;
      readonly settings: SettingsStore;
      readonly recents: Recents;
      readonly marks: ExportMarks;
      readonly access: Access;
      readonly saved: SavedQueue;
    },
  ) {
    this.host = host;
    this.log = log;
    this.events = events;
    this.settings = settings;
    this.recents = recents;
    this.#marks = marks;
    this.access = access;
    this.#view = new View(host.spawnView ?? spawnNodeView);
    this.#sidecars = new Sidecars(path.join(host.folder, 'sidecars'), (account) => {
      events.emit('app.trouble', { account });
    });
    this.bursts = new Bursts((bursts) => {
      events.emit('library.bursts', { bursts });
    });
    this.library = new Library({
      view: this.#view,
      sidecars: this.#sidecars,
      exportsOf: (id, edits, model) => this.#exportsOf(id, edits, model),
      modelOf: (edits, camera) => this.#photoModel(edits, camera),
      defaultModel: (camera) => modelFor(settings.current, camera),
      areCamerasNeeded: () => Object.keys(settings.current.cameraModels).length > 0,
      events,
      modelsReplaced: () => this.#modelsReplaced,
      onListed: (photos) => {
        this.bursts.look(photos);
      },
    });
    this.developments = new Developments(this.#view);
    const spawn = host.spawn ?? spawnNodeEngine;
    this.models = new Models(path.join(host.folder, 'models'), host.modelsFolder, (manifest) =>
      tryModel(manifest, spawn),
    );
    this.engine = new EngineHost({
      spawn,
      models: this.models,
      folder: host.folder,
      settings: () => settings.current,
      onTrouble: (account) => {
        log.write('child', account);
        events.emit('app.trouble', { account });
      },
    });
    this.desk = new TrainingDesk({
      folder: path.join(host.folder, 'runs'),
      models: this.models,
      events,
      spawn: host.spawnTraining ?? spawnNodeTraining,
      cameraOf: async (photo) => (await this.#view.describe(photo)).camera,
      onBug: host.onBug,
    });
    this.cameras = new Cameras(path.join(host.folder, 'cameras'));
    this.checks = new Checks({ view: this.#view, spawn: host.spawnSurvey ?? spawnNodeSurvey });
    this.thumbnails = new ThumbnailCache(() => ({
      folder: this.#thumbnailFolder(settings.current),
      bytesMax: settings.current.thumbnailBytes,
    }));
    this.pixels = new PixelServer({
      library: this.library,
      view: this.#view,
      engine: this.engine,
      desk: this.desk,
      checks: this.checks,
      modelOf: async (photo, signal) => {
        const edits = this.library.editsOf(photoIdOf(photo));
        return (await this.#modelOf(photo, edits, signal)).id;
      },
      modelVersion: async (id) => `${await this.models.versionOf(id)} ${await camerasStamp()}`,
      cacheBytes: () => settings.current.tileCacheBytes,
      thumbnails: this.thumbnails,
      onBug: host.onBug,
    });
    this.queue = Queue.resume(saved, {
      folder: host.folder,
      events,
      enhance: (order) => this.#enhance(order),
      onEnd: (photo, failure) => {
        this.library.exported(photo, failure);
      },
    });
    this.models.onArrival = (id) => {
      this.#modelsReplaced += 1;
      marks.forgetModel(id);
      this.engine.forget(id);
      this.library.restamp();
    };
    settings.onChange = (now, before) => {
      events.emit('settings.changed', now);
      this.#settingsChanged(now, before);
    };
  }

  /** Never throws for its own damaged files, which are set aside. */
  static async start(given: Host): Promise<App> {
    const log = new Log(given.folder);
    const host: Host = {
      ...given,
      onBug: (error) => {
        log.write('app', error);
        given.onBug(error);
      },
    };
    const events = new EventHub();
    const settings = await SettingsStore.open(host.settingsFile);
    const recents = await Recents.open(host.folder);
    const marks = await ExportMarks.open(host.folder);
    const access = new Access();
    for (const root of [...host.roots, ...recents.paths]) await access.grant(root);
    const saved = await Queue.load(host.folder);
    return new App(host, { log, events, settings, recents, marks, access, saved });
  }

  /** Ends everything it started; the queue continues at the next start. */
  async close(): Promise<void> {
    this.library.close();
    await this.queue.close();
    await this.desk.close();
    await this.#marks.flush();
    this.#view.close();
    this.engine.close();
    await this.thumbnails.settled();
  }

  /** The chosen folder may hold other files, so thumbnails get a folder of their own in it. */
  #thumbnailFolder({ thumbnailFolder }: Settings): string {
    return thumbnailFolder === ''
      ? path.join(this.host.folder, 'thumbnails')
      : path.join(thumbnailFolder, 'Nightglass thumbnails');
  }

  #settingsChanged(now: Settings, before: Settings): void {
    const shown = ({ model, cameraModels, exportPresets, oneClick }: Settings): string =>
      JSON.stringify([model, cameraModels, exportPresets, oneClick]);
    if (shown(now) !== shown(before)) this.library.restamp();
    const folder = this.#thumbnailFolder(before);
    // Thumbnails in an earlier folder would never be found again.
    if (folder !== this.#thumbnailFolder(now)) void this.thumbnails.clear(folder);
    else if (now.thumbnailBytes < before.thumbnailBytes) void this.thumbnails.trim();
  }

  /** Asks the engine for a photo's first picture before it is needed. Never throws. */
  async prepare(
    id: string,
    { isAhead, signal }: { readonly isAhead: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const opening = new AbortController();
    if (!isAhead) {
      // A user who skips through photos only waits for the last one.
      this.#opening?.abort();
      this.#opening = opening;
    }
    try {
      const either = AbortSignal.any([signal, opening.signal]);
      const photo = this.library.pathOf(id);
      const edits = this.library.editsOf(id);
      const { ratio } = edits;
      const { id: model } = await this.#modelOf(photo, edits, either);
      await this.engine.use(model, (engine) =>
        engine.preview({ kind: 'prepare', photo, ratio, isAhead }, { signal: either }),
      );
    } catch {
      // The request for the picture will report why there is none.
    }
  }

  #photoModel(edits: Edits, camera: string | undefined): PhotoModel {
    const settings = this.settings.current;
    return photoModel(edits, { settings, camera }, (id) => this.models.has(id));
  }

  /** The model of a photo. The file is read only if its camera decides, and is not known yet. */
  async #modelOf(photo: string, edits: Edits, signal: AbortSignal): Promise<PhotoModel> {
    const facts = this.library.photo(photoIdOf(photo))?.facts;
    const needsCamera = Object.keys(this.settings.current.cameraModels).length > 0;
    const isOpen = needsCamera && !(edits.model !== defaultModel && this.models.has(edits.model));
    if (facts !== undefined || !isOpen) return this.#photoModel(edits, facts?.camera);
    const known =
      (await this.#view.header(photo, signal)) ?? (await this.#view.describe(photo, signal));
    return this.#photoModel(edits, known.camera);
  }

  #exportsOf(id: string, edits: Edits, model: string): Exports {
    const settings = this.settings.current;
    const presets = settings.exportPresets
      .filter(({ choice }) => this.#marks.isExported(id, { edits, model, choice }))
      .map(({ name }) => name);
    const isDone = oneClickPresets(settings).every(({ name }) => presets.includes(name));
    return { presets, isDone };
  }

  async #enhance(order: ExportOrder): Promise<ExportOutcome> {
    const { photo, burst, number, choice, names, signal, onProgress } = order;
    const { edits, rating } = await this.#sidecars.read(photo);
    const facts = needsFacts(choice.template)
      ? await this.#view.describe(photo, signal)
      : undefined;
    const name = nameOf(choice.template, { path: burstName(order), facts, number });
    const { output, space, longSide, privacy = 'keep-all' } = choice;
    const { creator, copyright } = this.settings.current;
    const records = { privacy, creator, copyright, rating };
    const edit = editOf(edits, { space, longSide });
    // The ending is removed again when a picture's name is made from this.
    let target = await names.reserve(path.join(path.dirname(photo), `${name}.raw`));
    const { id: model, missing: missingModel } = await this.#modelOf(photo, edits, signal);
    return this.engine.use(model, async (engine) => {
      for (;;) {
        if (target.isThereAlready) return { kind: 'skipped', path: target.path };
        const { path: file, overwrite } = target;
        const outcome = await engine.enhance(
          { photo, burst, target: file, overwrite, edit, output, records },
          { signal, onProgress },
        );
        if (outcome !== 'taken') {
          const { path: written, burst: gathered } = outcome.result;
          const done = { model, choice };
          if (burst?.isKept !== true) await this.#mark(gathered?.merged ?? [photo], done);
          return { kind: 'done', path: written, missingModel, burst: gathered };
        }
        target = await names.reserveNext();
      }
    });
  }

  /** Every frame of a merged picture counts as exported. */
  async #mark(photos: readonly string[], done: Omit<ExportedAs, 'edits'>): Promise<void> {
    for (const photo of photos) {
      const { edits } = await this.#sidecars.read(photo);
      this.#marks.mark(photoIdOf(photo), { edits, ...done });
      await this.library.keepModel(photo, done.model);
    }
  }
}

/** What a picture is named after: a burst's is told from that of the frame alone. */
function burstName({ photo, burst }: ExportOrder): string {
  if (burst === undefined) return photo;
  const { dir, name, ext } = path.parse(photo);
  return path.join(dir, `${name}-burst${ext}`);
}
