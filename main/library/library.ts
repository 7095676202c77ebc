/** The open folder: its photos, facts about each, and their edits. */

import path from 'node:path';
import type { Folder, Outputs, Photo, PhotoFacts } from '../../preload/contract/contract.ts';
import { defaultModel, type Edits } from '../../preload/contract/edits.ts';
import { withModel } from '../../preload/contract/photo-model.ts';
import type { Snapshot } from '../../preload/contract/undo.ts';
import type { View } from '../view/process.ts';
import type { EventHub } from '../base/events.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { FactReader } from './facts.ts';
import { canWrite, depthOf, photosIn, type FoundPhoto } from './folder.ts';
import { Changes, type Written } from './changes.ts';
import { statesOf } from './history.ts';
import type { Direction } from './journal.ts';
import { listed, type Known, type ListingParts, type PhotoFailure } from './listed.ts';
import { photoIdOf, stampOf } from './photo-id.ts';
import { newSidecar, type Sidecar } from './sidecar-form.ts';
import { marked, type Marks, type Sidecars } from './sidecar.ts';
import { trashPhotos, type TrashFile } from './trash.ts';
import { FolderWatch } from './watch.ts';

export interface LibraryParts extends ListingParts {
  readonly view: View;
  readonly sidecars: Sidecars;
  readonly events: EventHub;
  /** Called with all photos whenever some were listed, replaced or lost. */
  readonly onListed: (photos: readonly FoundPhoto[]) => void;
  /** Whether some camera has a model of its own. */
  readonly areCamerasNeeded: () => boolean;
}

interface Entry extends Known {
  photo: Photo;
}

interface OpenOptions {
  readonly subfolders: boolean;
  readonly signal: AbortSignal;
  readonly onPhotos: (photos: Photo[]) => void;
}

export class Library {
  readonly #parts: LibraryParts;
  #folder: Folder | undefined;
  /** Levels of subfolders that belong to it. */
  #depth = 0;
  #entries = new Map<string, Entry>();
  #watch: FolderWatch | undefined;
  #opening: AbortController | undefined;
  /** Whether a photo's edits are in the app's data: its folder is read-only or missing. */
  #isAway: (photo: string) => boolean = () => false;
  readonly #changes: Changes;
  readonly #facts: FactReader<Entry>;
  #isScanning = false;
  #isStale = false;

  constructor(parts: LibraryParts) {
    this.#parts = parts;
    this.#changes = new Changes(parts.sidecars, (done) => {
      this.#written(done);
    });
    this.#facts = new FactReader(parts.view, (entries) => {
      this.#refreshAll(entries);
    });
  }

  get current(): { folder?: Folder; photos: Photo[] } {
    const photos = [...this.#entries.values()].map(({ photo }) => photo);
    return this.#folder === undefined ? { photos } : { folder: this.#folder, photos };
  }

  /**
   * @param folder that the window may name, with links resolved
   * @throws Refusal `disk`, `cancelled` (photos found until then stay)
   */
  async open(
    folder: string,
    { subfolders, signal, onPhotos }: OpenOptions,
  ): Promise<{ folder: Folder; photos: Photo[] }> {
    this.#opening?.abort();
    const opening = new AbortController();
    this.#opening = opening;
    const either = AbortSignal.any([signal, opening.signal]);
    // An unreadable folder is detected here, before the open one is closed.
    const depth = await depthOf(folder, subfolders);
    const batches = photosIn(folder, { depth, signal: either });
    let batch = await batches.next();
    throwIfCancelled(either);
    this.close();
    const isWritable = await canWrite(folder);
    this.#isAway = await this.#parts.sidecars.away();
    throwIfCancelled(either);
    const opened = {
      path: folder,
      name: path.basename(folder) || folder,
      subfolders: depth > 0,
      isThere: true,
      isWritable,
    };
    this.#folder = opened;
    this.#depth = depth;
    this.#entries = new Map();
    for (; batch.done !== true; batch = await batches.next()) {
      throwIfCancelled(either);
      onPhotos(await this.#add(batch.value));
      this.#listed();
    }
    this.#watch = new FolderWatch(folder, depth > 0, {
      changed: () => void this.#rescan(),
      gone: () => this.#setFolder({ isThere: false }),
      back: () => void this.#comeBack(folder),
    });
    return { folder: this.#folder, photos: this.current.photos };
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#folder = undefined;
    this.#entries = new Map();
    this.#facts.stop();
    this.#listed();
  }

  #listed(): void {
    this.#parts.onListed([...this.#entries.values()].map(({ found }) => found));
  }

  /** @throws Refusal `bad-argument` */
  pathOf(id: string): string {
    return this.#entry(id).found.path;
  }

  photo(id: string): Photo | undefined {
    return this.#entries.get(id)?.photo;
  }

  /**
   * Identifies one version of the file; pixels made from it are valid as long as this stays the
   * same.
   */
  fileStamp(id: string): string {
    const { modifiedMs, bytes } = this.#entry(id).found;
    return stampOf(modifiedMs, bytes);
  }

  editsOf(id: string): Edits {
    return this.#entry(id).sidecar.edits;
  }

  /** What a photo went through, and the states that have a name. */
  historyOf(id: string): Outputs['library.history'] {
    const { history, edits, snapshots } = this.#entry(id).sidecar;
    return { states: statesOf(history, edits), snapshots };
  }

  /** @throws Refusal `disk`, `bad-argument` */
  async writeSnapshots(id: string, snapshots: readonly Snapshot[]): Promise<void> {
    await this.#change([id], (sidecar) => ({ ...sidecar, snapshots: [...snapshots] }));
  }

  /**
   * Reads facts from files; unreadable ones become `failed`. As `FactReader.describe`.
   * @throws Refusal `cancelled`, `bad-argument`
   */
  async describe(
    ids: readonly string[],
    what: 'shot' | 'ratio',
    signal: AbortSignal,
    onPhoto: (photo: Photo) => void,
  ): Promise<Photo[]> {
    const entries = ids.map((id) => this.#entry(id));
    await this.#facts.describe(entries, what, signal, (entry) => {
      onPhoto(this.#refresh(entry));
    });
    return entries.map(({ photo }) => photo);
  }

  learn(id: string, facts: PhotoFacts): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.facts?.autoRatio !== undefined) return;
    entry.facts = facts;
    this.#refresh(entry);
  }

  /** Reads the facts of photos whose model depends on their camera, if that is not known yet. */
  async learnCameras(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const unknown = ids.filter((id) => this.#entry(id).facts === undefined);
    if (!this.#parts.areCamerasNeeded()) return;
    await this.describe(unknown, 'shot', signal, () => undefined);
  }

  /** Other models develop the photos, or presets have changed: addresses and states are made anew. */
  restamp(): void {
    const entries = [...this.#entries.values()];
    if (entries.length > 0) this.#refreshAll(entries);
  }

  /** Records a photo's export, or why it failed. */
  exported(file: string, failure: PhotoFailure | undefined): void {
    const entry = this.#entries.get(photoIdOf(file));
    if (entry === undefined) return;
    entry.failure = failure;
    this.#refresh(entry);
  }

  /**
   * @param marks flag and label; those that are not named stay
   * @throws Refusal `disk`, `bad-argument`
   */
  async mark(ids: readonly string[], marks: Marks): Promise<void> {
    await this.#change(ids, (sidecar) => marked(sidecar, marks));
  }

  /**
   * As `trashPhotos`.
   * @returns how many were moved
   */
  async trash(ids: readonly string[], trash: TrashFile): Promise<number> {
    const files = ids.map((id) => this.pathOf(id));
    try {
      await trashPhotos(files, trash);
    } finally {
      await this.#rescan();
    }
    return files.length;
  }

  /** @throws Refusal `disk`, `bad-argument` */
  async rate(ids: readonly string[], rating: number): Promise<void> {
    await this.#change(ids, (sidecar) => ({ ...sidecar, rating }));
  }

  /**
   * @param run undone together with the changes of the same run before
   * @throws Refusal `disk`, `bad-argument`
   */
  async writeEdits(ids: readonly string[], edits: Partial<Edits>, run?: string): Promise<void> {
    const change = (sidecar: Sidecar, file: string): Sidecar => {
      const camera = this.#entries.get(photoIdOf(file))?.facts?.camera;
      const model = this.#parts.defaultModel(camera);
      return { ...sidecar, edits: withModel({ ...sidecar.edits, ...edits }, model) };
    };
    const files = ids.map((id) => this.pathOf(id));
    const ready = this.learnCameras(ids, new AbortController().signal);
    await this.#changes.make(files, change, { run, ready });
  }

  /** Whether there is anything to undo and to do again. */
  get steps(): Outputs['library.steps'] {
    return this.#changes.steps;
  }

  /** As `Changes.travel`. */
  travel(direction: Direction): Promise<Outputs['library.undo']> {
    return this.#changes.travel(direction);
  }

  async #change(
    ids: readonly string[],
    change: (sidecar: Sidecar, file: string) => Sidecar,
  ): Promise<void> {
    const files = ids.map((id) => this.pathOf(id));
    await this.#changes.make(files, change, {});
  }

  /**
   * A photo that was exported keeps the model that developed it, so that its next picture is the
   * same. Nothing to undo: a default is written down. Never throws.
   */
  async keepModel(file: string, model: string): Promise<void> {
    const { edits } = await this.#parts.sidecars.read(file);
    if (edits.model !== defaultModel) return;
    const keep = (now: Sidecar): Sidecar =>
      now.edits.model === defaultModel ? { ...now, edits: { ...now.edits, model } } : now;
    const { sidecar, isBeside } = await this.#parts.sidecars
      .update(file, keep)
      .catch(() => ({ sidecar: undefined, isBeside: false }));
    if (sidecar === undefined) return;
    this.#written([{ file, before: sidecar, after: sidecar, isBeside }]);
  }

  /** Photos of another folder than the open one may be among them, when something is undone. */
  #written(done: readonly Written[]): void {
    const updated: Photo[] = [];
    for (const { file, after, isBeside } of done) {
      const entry = this.#entries.get(photoIdOf(file));
      if (entry === undefined) continue;
      entry.sidecar = after;
      entry.photo = this.#photoOf(entry);
      updated.push(entry.photo);
      if (!isBeside && this.#folder?.isWritable === true) this.#setFolder({ isWritable: false });
    }
    this.#parts.events.emit('library.changed', { appeared: [], updated, vanished: [] });
    this.#parts.events.emit('library.steps', this.steps);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      throw new Refusal('bad-argument', 'this photo is not in the open folder any more');
    }
    return entry;
  }

  async #add(found: readonly FoundPhoto[]): Promise<Photo[]> {
    // Another folder may be opened in the meantime.
    const into = this.#entries;
    const entries = await Promise.all(
      found.map(async (one) => {
        const isTouched = one.hasSidecar || one.isOurs || this.#isAway(one.path);
        const sidecar = isTouched ? await this.#parts.sidecars.read(one.path) : newSidecar;
        return this.#entryOf(one, sidecar);
      }),
    );
    for (const entry of entries) into.set(entry.photo.id, entry);
    if (into === this.#entries) this.#facts.begin(entries);
    return entries.map(({ photo }) => photo);
  }

  #entryOf(found: FoundPhoto, sidecar: Sidecar): Entry {
    const rest = { found, sidecar, facts: undefined, failure: undefined };
    return { ...rest, photo: this.#photoOf(rest) };
  }

  #refresh(entry: Entry): Photo {
    this.#refreshAll([entry]);
    return entry.photo;
  }

  #refreshAll(entries: readonly Entry[]): void {
    for (const entry of entries) entry.photo = this.#photoOf(entry);
    const updated = entries.map(({ photo }) => photo);
    this.#parts.events.emit('library.changed', { appeared: [], updated, vanished: [] });
  }

  #photoOf(entry: Omit<Entry, 'photo'>): Photo {
    return listed(entry, this.#parts);
  }

  #setFolder(change: Partial<Folder>): void {
    if (this.#folder === undefined) return;
    this.#folder = { ...this.#folder, ...change };
    this.#parts.events.emit('library.folder', this.#folder);
  }

  /** Photos that failed because the disk was missing are read again. */
  async #comeBack(path: string): Promise<void> {
    const isWritable = await canWrite(path);
    if (this.#folder?.path !== path) return;
    this.#setFolder({ isThere: true, isWritable });
    await this.#rescan();
    const failed = [...this.#entries].filter(([, { failure }]) => failure?.code === 'disk');
    for (const [, entry] of failed) {
      entry.failure = undefined;
      this.#refresh(entry);
    }
    const ids = failed.map(([id]) => id);
    await this.describe(ids, 'ratio', new AbortController().signal, () => undefined);
  }

  /** Compares the folder's contents with the known photos. */
  async #rescan(): Promise<void> {
    this.#isStale = true;
    if (this.#isScanning) return;
    this.#isScanning = true;
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const folder = this.#folder;
        if (folder === undefined) return;
        const found: FoundPhoto[] = [];
        for await (const batch of photosIn(folder.path, { depth: this.#depth }))
          found.push(...batch);
        if (this.#folder?.path === folder.path) await this.#reconcile(found);
      }
    } catch {
      // The folder disappeared during the scan; its watch reports that.
    } finally {
      this.#isScanning = false;
    }
  }

  async #reconcile(found: readonly FoundPhoto[]): Promise<void> {
    const there = new Set(found.map(({ path: file }) => photoIdOf(file)));
    const vanished = [...this.#entries.keys()].filter((id) => !there.has(id));
    for (const id of vanished) this.#entries.delete(id);
    const isKnown = ({ path: file }: FoundPhoto): boolean => this.#entries.has(photoIdOf(file));
    const isReplaced = ({ path: file, modifiedMs, bytes }: FoundPhoto): boolean => {
      const known = this.#entries.get(photoIdOf(file))?.found;
      return known !== undefined && (known.modifiedMs !== modifiedMs || known.bytes !== bytes);
    };
    const appeared = await this.#add(found.filter((photo) => !isKnown(photo)));
    const updated = await this.#add(found.filter(isReplaced));
    if (appeared.length + updated.length + vanished.length === 0) return;
    this.#parts.events.emit('library.changed', { appeared, updated, vanished });
    this.#listed();
  }
}
