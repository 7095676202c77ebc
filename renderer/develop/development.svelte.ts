/** The photo being developed: its edits with undo and redo, its white balance, and how it is looked at. */

import { createContext } from 'svelte';
import type { Development as Facts, Photo } from '../../preload/contract.ts';
import { defaultEdits, ranges, type Crop, type Edits } from '../../preload/edits.ts';
import { modelFor } from '../../preload/settings.ts';
import { CallFailure } from '../../preload/wire.ts';
import type { App } from '../app.svelte.ts';
import { withoutFrame, type Library } from '../library/library.svelte.ts';
import { strings } from '../strings.ts';
import { cropAt, cropTurned, easel, framed, quarter, unframed } from './geometry.ts';
import type { Histogram } from './histogram.ts';
import { begin, record, redo, undo, type History } from './history.ts';
import { fitScale, fitted, held, zoomedAt, type Point, type Size, type View } from './viewport.ts';

export type Tool = 'none' | 'crop' | 'pick';
export type Compare = 'off' | 'split' | 'before';
type Vector3 = readonly [number, number, number];

interface Light {
  readonly balance: Vector3;
  readonly kelvin: number;
  readonly tint: number;
}

const writeAfterMs = 300;
/** The network follows the ratio slider once it has rested. */
const followAfterMs = 160;

export class Development {
  readonly #app: App;
  readonly #library: Library;
  photo = $state.raw<Photo>();
  facts = $state.raw<Facts>();
  failure = $state<string>();
  #history = $state.raw<History<Edits>>(begin(defaultEdits));
  /** As the sliders stand, also while one moves. */
  edits = $state.raw<Edits>(defaultEdits);
  light = $state.raw<Light>({ balance: [1, 1, 1], kelvin: 5500, tint: 0 });
  /** What the network is asked for: the ratio, once the slider has rested. */
  askedRatio = $state(1);

  tool = $state<Tool>('none');
  compare = $state<Compare>('off');
  /** Where before meets after, 0–1 of the viewport. */
  split = $state(0.5);
  overlay = $state<'none' | 'clipping' | 'guessed'>('none');
  histogram = $state.raw<Histogram>();
  /** 0–1 of the tiles that this view wants. */
  tilesShare = $state(0);
  isAnythingShown = $state(false);

  /** Device pixels. */
  viewport = $state.raw<Size>({ width: 1, height: 1 });
  #view = $state.raw<View>();

  readonly ratio: number = $derived(
    this.edits.ratio === 'auto' ? (this.facts?.autoRatio ?? 1) : this.edits.ratio,
  );
  /** The crop is not applied while it is being made. */
  readonly shown = $derived.by(() => {
    if (this.facts === undefined) return undefined;
    const { crop, angle, rotate } = this.edits;
    return this.tool === 'crop'
      ? easel(this.facts, { crop, angle, rotate })
      : framed(this.facts, { crop, angle, rotate });
  });
  readonly view: View = $derived.by(() => {
    const size = this.shown?.size ?? { width: 3, height: 2 };
    return this.#view === undefined
      ? fitted(size, this.viewport)
      : held(this.#view, size, this.viewport);
  });
  readonly isFitted: boolean = $derived(this.#view === undefined);
  readonly camera: string | undefined = $derived(this.facts?.facts.camera);
  /** Id of the model that develops this photo: the camera's own, or the one for all. */
  readonly model: string = $derived.by(() => modelFor(this.#app.settings, this.camera));
  readonly canUndo: boolean = $derived(this.#history.past.length > 0);
  readonly canRedo: boolean = $derived(this.#history.future.length > 0);
  readonly isTouched: boolean = $derived(
    JSON.stringify(this.edits) !== JSON.stringify(defaultEdits),
  );

  #opening: AbortController | undefined;
  #balancing: AbortController | undefined;
  #writing: ReturnType<typeof setTimeout> | undefined;
  #following: ReturnType<typeof setTimeout> | undefined;
  #unwritten: { readonly photo: string; readonly edits: Edits } | undefined;

  constructor(app: App, library: Library) {
    this.#app = app;
    this.#library = library;
    app.flush = () => this.written();
    addEventListener('pagehide', () => {
      this.#writeNow();
    });
  }

  /** For this camera's photos where it has a model of its own, else for all. */
  async chooseModel(model: string): Promise<void> {
    const { camera } = this;
    const { cameraModels } = this.#app.settings;
    await this.#app.set(
      camera !== undefined && Object.hasOwn(cameraModels, camera)
        ? { cameraModels: { ...cameraModels, [camera]: model } }
        : { model },
    );
  }

  /** Goes to the develop screen with the photo under the library's cursor. */
  show(): void {
    const photo = this.#library.cursor ?? this.#library.shown[0];
    if (photo !== undefined) this.open(photo);
  }

  step(by: number): void {
    const next = this.photo && this.#library.neighbour(this.photo.id, by);
    if (next !== undefined) this.open(next);
  }

  open(photo: Photo): void {
    this.#app.screen = 'develop';
    this.#library.focus(photo.id);
    this.#library.stopDescribing();
    if (photo.id === this.photo?.id && this.failure === undefined && this.facts !== undefined) {
      void this.#reread(photo);
      return;
    }
    this.#writeNow();
    this.#opening?.abort();
    this.#balancing?.abort();
    this.photo = photo;
    this.facts = undefined;
    this.failure = undefined;
    this.histogram = undefined;
    this.isAnythingShown = false;
    this.tilesShare = 0;
    this.tool = 'none';
    this.#view = undefined;
    this.#restart(defaultEdits);
    void this.#load(photo);
  }

  async #load(photo: Photo): Promise<void> {
    const opening = new AbortController();
    this.#opening = opening;
    const { signal } = opening;
    const { client } = this.#app;
    try {
      const [{ edits }, facts] = await Promise.all([
        client.call('library.readEdits', { photo: photo.id }, { signal }),
        client.call('develop.open', { photo: photo.id }, { signal }),
      ]);
      if (signal.aborted) return;
      this.#restart(edits);
      this.light = { balance: [1, 1, 1], ...facts.asShot };
      this.facts = facts;
      this.askedRatio = this.ratio;
      await this.#rebalance();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CallFailure && error.code === 'closed') this.#app.report(error);
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  /** Edits may have been pasted in the library meanwhile. */
  async #reread(photo: Photo): Promise<void> {
    this.#writeNow();
    const answer = await this.#app.attempt(
      this.#app.client.call('library.readEdits', { photo: photo.id }),
    );
    if (answer === undefined || this.photo?.id !== photo.id) return;
    if (JSON.stringify(answer.edits) !== JSON.stringify(this.edits)) this.change(answer.edits);
  }

  #restart(edits: Edits): void {
    this.#history = begin(edits);
    this.edits = edits;
  }

  /** While a slider moves: shown, not yet remembered. */
  move(part: Partial<Edits>): void {
    this.edits = { ...this.edits, ...part };
    if ('whiteBalance' in part) void this.#rebalance();
    if ('ratio' in part) this.#follow();
  }

  /** What has been moved is remembered, and written beside the photo. */
  rest(): void {
    if (JSON.stringify(this.#history.now) === JSON.stringify(this.edits)) return;
    this.#history = record(this.#history, this.edits);
    this.#write();
  }

  change(part: Partial<Edits>): void {
    this.move(part);
    this.rest();
  }

  undo(): void {
    this.rest();
    this.#jump(undo(this.#history));
  }

  redo(): void {
    this.#jump(redo(this.#history));
  }

  #jump(history: History<Edits>): void {
    if (history === this.#history) return;
    this.#history = history;
    this.edits = history.now;
    void this.#rebalance();
    this.#follow();
    this.#write();
  }

  resetAll(): void {
    this.change(defaultEdits);
  }

  copyEdits(): boolean {
    if (this.facts === undefined) return false;
    this.#library.clipboard = withoutFrame(this.edits);
    return true;
  }

  pasteEdits(): void {
    const { clipboard } = this.#library;
    if (clipboard === undefined) return;
    this.change(clipboard);
    this.#app.toasts.say(strings.editsPasted(1));
  }

  turn(isClockwise: boolean): void {
    const { rotate, crop } = this.edits;
    this.#view = undefined;
    this.change({
      rotate: quarter(rotate + (isClockwise ? 1 : -1)),
      crop: cropTurned(crop, isClockwise),
    });
  }

  /** The crop gives way where the turned picture has no pixels for it. */
  straighten(angle: number): void {
    if (this.facts === undefined) return;
    const { crop, rotate } = this.edits;
    this.move({ angle, crop: cropAt(crop, this.facts, angle, rotate) });
  }

  moveCrop(crop: Crop): void {
    this.move({ crop });
  }

  resetFrame(): void {
    this.change({ crop: unframed.crop, angle: 0 });
  }

  setTool(tool: Tool): void {
    const next = this.tool === tool ? 'none' : tool;
    if (next === 'crop' || this.tool === 'crop') this.#view = undefined;
    this.tool = next;
  }

  fit(): void {
    this.#view = undefined;
  }

  /** @param scale device pixels for each pixel; about the middle if there is no point */
  zoomTo(scale: number, at?: Point): void {
    const { width, height } = this.viewport;
    const size = this.shown?.size;
    if (size === undefined) return;
    const point = at ?? { x: width / 2, y: height / 2 };
    const limited = Math.max(scale, Math.min(1, fitScale(size, this.viewport)));
    if (limited <= fitScale(size, this.viewport) * 1.001) this.#view = undefined;
    else this.#view = held(zoomedAt(this.view, limited, this.viewport, point), size, this.viewport);
  }

  lookAt(view: View): void {
    const size = this.shown?.size;
    if (size !== undefined) this.#view = held(view, size, this.viewport);
  }

  /** From a colour of the picture that should be grey. @param colour as it is in the tile */
  async pick(colour: Vector3): Promise<void> {
    const { photo } = this;
    if (photo === undefined) return;
    const answer = await this.#app.attempt(
      this.#app.client.call('develop.pick', { photo: photo.id, colour: [...colour] }),
    );
    if (answer === undefined || this.photo?.id !== photo.id) return;
    this.tool = 'none';
    const { kelvin, tint } = ranges;
    const limit = (value: number, { min, max }: { min: number; max: number }): number =>
      Math.min(max, Math.max(min, value));
    this.change({
      whiteBalance: { kelvin: limit(answer.kelvin, kelvin), tint: limit(answer.tint, tint) },
    });
  }

  async #rebalance(): Promise<void> {
    const { photo, edits } = this;
    if (photo === undefined || this.facts === undefined) return;
    this.#balancing?.abort();
    const balancing = new AbortController();
    this.#balancing = balancing;
    const { whiteBalance } = edits;
    try {
      const light = await this.#app.client.call(
        'develop.balance',
        { photo: photo.id, whiteBalance },
        { signal: balancing.signal },
      );
      if (!balancing.signal.aborted) this.light = light;
    } catch (error) {
      if (!balancing.signal.aborted) this.#app.report(error);
    }
  }

  #follow(): void {
    clearTimeout(this.#following);
    this.#following = setTimeout(() => {
      this.askedRatio = this.ratio;
    }, followAfterMs);
  }

  #write(): void {
    if (this.photo === undefined) return;
    this.#unwritten = { photo: this.photo.id, edits: this.edits };
    clearTimeout(this.#writing);
    this.#writing = setTimeout(() => {
      this.#writeNow();
    }, writeAfterMs);
  }

  #writeNow(): void {
    clearTimeout(this.#writing);
    const unwritten = this.#unwritten;
    if (unwritten === undefined) return;
    this.#unwritten = undefined;
    const { photo, edits } = unwritten;
    void this.#app.attempt(this.#app.client.call('library.writeEdits', { photos: [photo], edits }));
  }

  /** Everything is beside the photo; before an export reads it. */
  async written(): Promise<void> {
    const unwritten = this.#unwritten;
    if (unwritten === undefined) return;
    this.#unwritten = undefined;
    clearTimeout(this.#writing);
    await this.#app.attempt(
      this.#app.client.call('library.writeEdits', {
        photos: [unwritten.photo],
        edits: unwritten.edits,
      }),
    );
  }
}

export const [developmentOf, provideDevelopment] = createContext<Development>();
