/** The open folder: its photos, their arrangement, and the selection. */

import { createContext } from 'svelte';
import type { Folder, Inputs, Outputs, Photo } from '../../preload/contract/contract.ts';
import { editsOfGroups, type Edits } from '../../preload/contract/edits.ts';
import type { App } from './app.svelte.ts';
import type { Burst } from '../../preload/contract/bursts.ts';
import { Arranger, lacks, neededFor, plainArrangement, type Arrangement } from './arrange.ts';
import { Bursts } from './bursts.svelte.ts';
import { coversOf, foldBursts, foldSelection, photosOf, type GridCell } from './fold.ts';
import { emptySelection, only, without, type Selection } from './selection.ts';
import { strings } from '../strings.ts';

/** Maximum number of photos in one call of `library.describe`. */
const describedAtOnce = 60;

export class Library {
  readonly #app: App;
  readonly #arranger = new Arranger();
  folder = $state.raw<Folder>();
  photos = $state.raw<readonly Photo[]>([]);
  recent = $state.raw<Outputs['library.recent']['folders']>([]);
  /** Path of the folder that is being opened. */
  opening = $state<string>();
  /** Why the last folder could not be opened. */
  failure = $state<string>();
  arrangement = $state.raw<Arrangement>(plainArrangement);
  /** Frames in it may be hidden in a folded burst. */
  #selection = $state.raw<Selection>(emptySelection);
  /** Copied edits. */
  clipboard = $state.raw<Edits>();
  /** Whether there is anything to undo and to do again. */
  steps = $state.raw<Outputs['library.steps']>({ canUndo: false, canRedo: false });
  /** Wanted width of a cell in the grid, CSS pixels. */
  cellWidth = $state(Math.round(Math.min(340, Math.max(180, innerWidth / 6.5)) / 10) * 10);

  readonly bursts: Bursts;
  /** All photos that the filter lets through, hidden frames of folded bursts too. */
  readonly arranged: readonly Photo[] = $derived(
    this.#arranger.arrange(this.photos, this.arrangement),
  );
  readonly cells: readonly GridCell[] = $derived.by(() =>
    foldBursts(this.arranged, this.bursts.list, this.bursts.unfolded),
  );
  /** The photo of each cell. */
  readonly shown: readonly Photo[] = $derived(this.cells.map(({ photo }) => photo));
  readonly #covers: ReadonlyMap<string, string> = $derived(coversOf(this.cells));
  readonly #seen: Selection = $derived(foldSelection(this.#selection, this.#covers));
  readonly byId: ReadonlyMap<string, Photo> = $derived(
    new Map(this.photos.map((photo) => [photo.id, photo])),
  );
  /** In display order; all frames of the folded bursts that are selected. */
  readonly chosen: readonly Photo[] = $derived(
    photosOf(this.cells.filter(({ photo }) => this.#seen.chosen.has(photo.id))),
  );
  readonly cursor: Photo | undefined = $derived(
    this.#seen.cursor === undefined ? undefined : this.byId.get(this.#seen.cursor),
  );

  /** Whether the order depends on facts that were not read from all files yet. */
  readonly isUnsure: boolean = $derived.by(() => {
    const needed = neededFor(this.arrangement);
    return needed !== undefined && this.photos.some((photo) => lacks(photo, needed));
  });

  #opening: AbortController | undefined;
  #learning: AbortController | undefined;
  #describing: AbortController | undefined;
  readonly #described = new Set<string>();

  constructor(app: App) {
    this.#app = app;
    this.bursts = new Bursts(app);
    app.client.on('library.bursts', ({ bursts }) => {
      // What is looked at must not vanish into a cell.
      const { cursor } = this.#selection;
      const own = bursts.find(({ frames }) => cursor !== undefined && frames.includes(cursor));
      if (app.screen === 'develop' && own !== undefined) this.bursts.unfold(own);
      this.bursts.list = bursts;
    });
    app.client.on('library.changed', ({ appeared, updated, vanished }) => {
      this.#merge([...appeared, ...updated], new Set(vanished));
    });
    app.client.on('library.steps', (steps) => {
      this.steps = steps;
    });
    app.client.on('library.folder', (folder) => {
      if (folder.path === this.folder?.path) this.folder = folder;
    });
    app.client.on('app.openFolder', ({ path }) => void this.open(path));
  }

  /** As it is seen: a folded burst is selected if any of its frames is. */
  get selection(): Selection {
    return this.#seen;
  }

  set selection(selection: Selection) {
    this.#selection = selection;
  }

  /** Opens what was open before a reload, or what the command line names. */
  async begin(): Promise<void> {
    const app = this.#app;
    void this.readRecent();
    void this.bursts.begin();
    const steps = await app.attempt(app.client.call('library.steps', {}));
    if (steps !== undefined) this.steps = steps;
    const current = await app.attempt(app.client.call('library.current', {}));
    if (current?.folder !== undefined) {
      this.folder = current.folder;
      this.photos = current.photos;
    } else if (app.info.startFolder !== undefined) {
      await this.open(app.info.startFolder);
    }
  }

  async readRecent(): Promise<void> {
    const answer = await this.#app.attempt(this.#app.client.call('library.recent', {}));
    if (answer !== undefined) this.recent = answer.folders;
  }

  async forget(path: string): Promise<void> {
    await this.#app.attempt(this.#app.client.call('library.forgetRecent', { path }));
    await this.readRecent();
  }

  async choose(): Promise<void> {
    const path = await this.#app.chooseFolder(this.folder?.path);
    if (path !== undefined) await this.open(path);
  }

  /**
   * Opens the sample photo of the app.
   * @returns the photo, once its folder is open
   */
  async openSample(): Promise<Photo | undefined> {
    const answer = await this.#app.attempt(this.#app.client.call('library.sample', {}));
    if (answer === undefined) return undefined;
    await this.open(answer.path);
    return this.shown[0];
  }

  async open(path: string): Promise<void> {
    const app = this.#app;
    this.#opening?.abort();
    this.#describing?.abort();
    this.#learning?.abort();
    const opening = new AbortController();
    this.#opening = opening;
    this.opening = path;
    this.failure = undefined;
    app.screen = 'library';
    // The folder that is open stays until another one has shown that it can be read.
    let isHeld = this.folder !== undefined;
    const letGo = (): void => {
      isHeld = false;
      this.folder = undefined;
      this.photos = [];
      this.selection = emptySelection;
      this.#described.clear();
    };
    if (!isHeld) letGo();
    try {
      const { subfolders } = app.settings;
      const { folder, photos } = await app.client.call(
        'library.open',
        { path, subfolders },
        {
          signal: opening.signal,
          onProgress: (progress) => {
            if (opening.signal.aborted) return;
            if (isHeld) letGo();
            this.#merge(progress.photos, new Set());
          },
        },
      );
      if (isHeld) letGo();
      this.folder = folder;
      this.photos = photos;
      const first = this.shown[0];
      if (first !== undefined) this.selection = { ...emptySelection, cursor: first.id };
    } catch (error) {
      if (opening.signal.aborted) return;
      if (isHeld) app.report(error);
      else this.failure = error instanceof Error ? error.message : String(error);
    } finally {
      if (this.#opening === opening) this.opening = undefined;
    }
    void this.readRecent();
  }

  /** Reads facts from visible photos that were not read yet. */
  async describe(ids: readonly string[]): Promise<void> {
    const wanted = ids
      .filter((id) => {
        const photo = this.byId.get(id);
        const isWanted = photo?.facts?.autoRatio === undefined && photo?.state !== 'failed';
        return isWanted && !this.#described.has(id);
      })
      .slice(0, describedAtOnce);
    if (wanted.length === 0) return;
    this.#describing?.abort();
    const describing = new AbortController();
    this.#describing = describing;
    const done = new Set<string>();
    for (const id of wanted) this.#described.add(id);
    try {
      const { photos } = await this.#app.client.call(
        'library.describe',
        { photos: wanted, what: 'ratio' },
        {
          signal: describing.signal,
          onProgress: (progress) => {
            for (const { id } of progress.photos) done.add(id);
            this.#merge(progress.photos, new Set());
          },
        },
      );
      for (const { id } of photos) done.add(id);
      this.#merge(photos, new Set());
    } catch (error) {
      // After scrolling away, photos that were not reached are requested again when they come back.
      for (const id of wanted) if (!done.has(id)) this.#described.delete(id);
      if (!describing.signal.aborted) this.#app.report(error);
    }
  }

  /** Reads all photos, a few at a time, as long as the order depends on their facts. */
  async learn(): Promise<void> {
    if (this.#learning !== undefined) return;
    const learning = new AbortController();
    this.#learning = learning;
    const { signal } = learning;
    try {
      while (this.isUnsure) {
        const what = neededFor(this.arrangement);
        if (what === undefined) break;
        const unknown = this.photos.filter((photo) => lacks(photo, what));
        const photos = unknown.slice(0, describedAtOnce).map(({ id }) => id);
        const call = this.#app.client.call('library.describe', { photos, what }, { signal });
        const answer = await call;
        if (answer.photos.every((photo) => lacks(photo, what))) break;
        this.#merge(answer.photos, new Set());
      }
    } catch (error) {
      if (!signal.aborted) this.#app.report(error);
    } finally {
      if (this.#learning === learning) this.#learning = undefined;
    }
  }

  /** Stops reading facts in favour of more urgent requests. */
  stopDescribing(): void {
    this.#describing?.abort();
  }

  async rate(ids: readonly string[], rating: number): Promise<void> {
    if (ids.length === 0) return;
    const rated = new Set(ids);
    this.photos = this.photos.map((photo) => (rated.has(photo.id) ? { ...photo, rating } : photo));
    await this.#app.attempt(this.#app.client.call('library.rate', { photos: [...ids], rating }));
  }

  async mark(ids: readonly string[], marks: Omit<Inputs['library.mark'], 'photos'>): Promise<void> {
    if (ids.length === 0) return;
    await this.#app.attempt(this.#app.client.call('library.mark', { photos: [...ids], ...marks }));
  }

  /**
   * What a command acts on: the photo that is developed; in the library the selected ones, and where
   * none is selected, all that the filter shows.
   */
  get targets(): readonly Photo[] {
    if (this.#app.screen === 'develop') return this.cursor === undefined ? [] : [this.cursor];
    return this.chosen.length > 0 ? this.chosen : this.arranged;
  }

  async copyEdits(): Promise<boolean> {
    const { cursor, selection } = this;
    const isCursorMeant =
      this.chosen.length === 0 || (cursor !== undefined && selection.chosen.has(cursor.id));
    const photo = isCursorMeant ? cursor : this.chosen[0];
    if (photo === undefined) return false;
    const answer = await this.#app.attempt(
      this.#app.client.call('library.readEdits', { photo: photo.id }),
    );
    if (answer === undefined) return false;
    this.clipboard = answer.edits;
    return true;
  }

  /** Gives photos the chosen groups of the copied edits. */
  async pasteEdits(photos: readonly Photo[]): Promise<void> {
    const app = this.#app;
    if (this.clipboard === undefined || photos.length === 0) return;
    const edits = editsOfGroups(this.clipboard, app.settings.pasteGroups);
    const ids = photos.map(({ id }) => id);
    const answer = await app.attempt(app.client.call('library.writeEdits', { photos: ids, edits }));
    if (answer !== undefined) app.toasts.say(strings.editsPasted(ids.length));
  }

  /** Undoes the last change, or does it again. @returns what it was */
  async travel(direction: 'undo' | 'redo'): Promise<Outputs['library.undo']['step']> {
    const answer = await this.#app.attempt(this.#app.client.call(`library.${direction}`, {}));
    return answer?.step;
  }

  /**
   * The photo that many steps away in display order: from the cell where the photo stands, or would
   * stand if the filter let it through.
   */
  neighbour(id: string, step: -1 | 1): Photo | undefined {
    const places = new Map(this.shown.map((photo, place) => [photo.id, place]));
    const at = places.get(this.#covers.get(id) ?? id);
    if (at !== undefined) return this.shown[at + step];
    const { sort, isDescending } = this.arrangement;
    const order = this.#arranger.arrange(this.photos, { ...plainArrangement, sort, isDescending });
    const from = order.findIndex((photo) => photo.id === id);
    if (from < 0) return undefined;
    const side = step < 0 ? order.slice(0, from).reverse() : order.slice(from + 1);
    return side.find((photo) => places.has(photo.id));
  }

  /** A frame that is hidden in a folded burst is unfolded. */
  focus(id: string): void {
    const burst = this.bursts.of(id);
    if (burst !== undefined && this.#covers.has(id)) this.bursts.unfold(burst);
    this.selection = only(id);
  }

  /** Unfolds a frame's burst, or folds it. All frames of a folded burst that is selected stay so. */
  toggleFold(id: string | undefined): void {
    const cell = this.cells.find(({ photo }) => photo.id === id);
    if (cell?.burst === undefined) return;
    const { burst, frames, place } = cell.burst;
    if (place !== undefined) {
      this.bursts.fold(burst);
      return;
    }
    const { chosen } = this.#seen;
    if (chosen.has(cell.photo.id)) {
      const all = [...chosen, ...frames.map((frame) => frame.id)];
      this.selection = { ...this.#seen, chosen: new Set(all) };
    }
    this.bursts.unfold(burst);
  }

  /** The bursts among photos. */
  burstsOf(photos: readonly Photo[]): readonly Burst[] {
    return [...new Set(photos.flatMap(({ id }) => this.bursts.of(id) ?? []))];
  }

  #merge(changed: readonly Photo[], gone: ReadonlySet<string>): void {
    if (changed.length === 0 && gone.size === 0) return;
    const next = new Map(changed.map((photo) => [photo.id, photo]));
    const kept = this.photos.flatMap((photo) => {
      if (gone.has(photo.id)) return [];
      const change = next.get(photo.id);
      next.delete(photo.id);
      return [change ?? photo];
    });
    this.photos = [...kept, ...next.values()];
    if (gone.size > 0) this.selection = without(this.#selection, gone);
  }
}

export const [libraryOf, provideLibrary] = createContext<Library>();
