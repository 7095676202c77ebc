/** The photo being developed: its edits with undo and redo, its white balance, and its view. */

import { createContext } from 'svelte';
import type { Development as Facts, Photo } from '../../preload/contract/contract.ts';
import {
  defaultEdits,
  defaultModel,
  ranges,
  type Crop,
  type Edits,
} from '../../preload/contract/edits.ts';
import { isUntouched, withModel } from '../../preload/contract/photo-model.ts';
import { CallFailure } from '../../preload/contract/wire.ts';
import { limited } from '../parts/scale.ts';
import type { App } from '../state/app.svelte.ts';
import type { Library } from '../state/library.svelte.ts';
import { ratioOf, shaped } from './aspect.ts';
import { EditsWriter } from './edits-writer.ts';
import {
  cropAt,
  cropOf,
  cropTurned,
  easel,
  framed,
  quarter,
  turnedSize,
  unframed,
} from './geometry.ts';
import type { Histogram } from './histogram.ts';
import { shownModel, type ShownModel } from './shown-model.ts';
import {
  anyShape,
  plainLight,
  type Compare,
  type Light,
  type Overlay,
  type Shape,
  type Tool,
  type Vector3,
} from './modes.ts';
import { Runs, type RestedBy } from './runs.ts';
import {
  fitted,
  held,
  panesOf,
  panned,
  zoomed,
  type Panes,
  type Point,
  type Size,
  type View,
} from './viewport.ts';

/** The network is asked only after the ratio slider has stopped for this long. */
const followAfterMs = 160;

export class Development {
  readonly #app: App;
  readonly #library: Library;
  readonly #writer: EditsWriter;
  photo = $state.raw<Photo>();
  /** The one that was developed before. */
  previous = $state.raw<Photo>();
  facts = $state.raw<Facts>();
  failure = $state<string>();
  /** As they were when a slider last rested. */
  #rested: Edits = defaultEdits;
  #isPreview = false;
  readonly #runs = new Runs();
  /** The current slider values, also during a drag. */
  edits = $state.raw<Edits>(defaultEdits);
  light = $state.raw<Light>(plainLight);
  /** The ratio requested from the network, which changes once the slider has stopped. */
  askedRatio = $state(1);

  tool = $state<Tool>('none');
  /** The aspect ratio that the crop is bound to. */
  shape = $state.raw<Shape>(anyShape);
  compare = $state<Compare>('off');
  /** Position of the line between before and after, 0–1 of the viewport. */
  split = $state(0.5);
  overlay = $state<Overlay>('none');
  histogram = $state.raw<Histogram>();
  /** Share of this view's tiles that have arrived, 0–1. */
  tilesShare = $state(0);
  isAnythingShown = $state(false);

  /** Size in device pixels. */
  viewport = $state.raw<Size>({ width: 1, height: 1 });
  #view = $state.raw<View>();

  readonly ratio: number = $derived(
    this.edits.ratio === 'auto' ? (this.facts?.autoRatio ?? 1) : this.edits.ratio,
  );
  /** The crop is not applied while it is being edited. */
  readonly shown = $derived.by(() => {
    if (this.facts === undefined) return undefined;
    const { crop, angle, rotate } = this.edits;
    return this.tool === 'crop'
      ? easel(this.facts, { crop, angle, rotate })
      : framed(this.facts, { crop, angle, rotate });
  });
  /** Cropping shows a single picture. */
  readonly comparing: Compare = $derived(this.tool === 'crop' ? 'off' : this.compare);
  /** Set if two pictures are shown. */
  readonly panes: Panes | undefined = $derived(
    this.comparing === 'beside' && this.shown !== undefined
      ? panesOf(this.shown.size, this.viewport)
      : undefined,
  );
  /** Size of the area that shows each picture. */
  readonly pane: Size = $derived(this.panes?.size ?? this.viewport);
  readonly view: View = $derived.by(() => {
    const size = this.shown?.size ?? { width: 3, height: 2 };
    return this.#view === undefined ? fitted(size, this.pane) : held(this.#view, size, this.pane);
  });
  readonly isFitted: boolean = $derived(this.#view === undefined);
  readonly camera: string | undefined = $derived(this.facts?.facts.camera);
  readonly shownModel: ShownModel = $derived.by(() => {
    const photo = this.#library.byId.get(this.photo?.id ?? '');
    return shownModel(this.edits, photo, { settings: this.#app.settings, camera: this.camera });
  });
  readonly isTouched: boolean = $derived(!isUntouched(this.edits));

  #opening: AbortController | undefined;
  #balancing: AbortController | undefined;
  #following: ReturnType<typeof setTimeout> | undefined;

  constructor(app: App, library: Library) {
    this.#app = app;
    this.#library = library;
    this.#writer = new EditsWriter(app);
    app.client.on('settings.changed', () => {
      // An export may have written down the model that was the default before.
      const { photo, facts, edits } = this;
      if (photo !== undefined && facts !== undefined && edits.model === defaultModel)
        void this.#reread(photo);
    });
  }

  /** Opens the develop screen with the photo at the library's cursor. */
  show(): void {
    const photo = this.#library.cursor ?? this.#library.shown[0];
    if (photo !== undefined) this.open(photo);
  }

  step(by: -1 | 1): void {
    const next = this.photo && this.#library.neighbour(this.photo.id, by);
    if (next === undefined) return;
    // Whoever compares the sharpness of neighbours looks at the same place of each.
    const view = this.tool === 'crop' ? undefined : this.#view;
    this.open(next);
    this.#view = view;
  }

  /** Frames of one burst are looked at in the same place and size. */
  open(photo: Photo): void {
    this.#app.screen = 'develop';
    void this.#app.closeHint('library');
    this.#library.focus(photo.id);
    this.#library.stopDescribing();
    if (photo.id === this.photo?.id && this.failure === undefined && this.facts !== undefined) {
      void this.#reread(photo);
      return;
    }
    void this.#writer.flush();
    this.#opening?.abort();
    this.#balancing?.abort();
    this.previous = this.photo;
    if (!this.#library.bursts.areOfOne(photo.id, this.photo?.id)) this.#view = undefined;
    this.photo = photo;
    this.facts = undefined;
    this.failure = undefined;
    this.light = plainLight;
    this.histogram = undefined;
    this.isAnythingShown = false;
    this.tilesShare = 0;
    this.tool = 'none';
    this.shape = anyShape;
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

  /** Edits may have been pasted, or undone, meanwhile. */
  async #reread(photo: Photo): Promise<void> {
    await this.#writer.flush();
    const answer = await this.#app.attempt(
      this.#app.client.call('library.readEdits', { photo: photo.id }),
    );
    if (answer === undefined || this.photo?.id !== photo.id) return;
    if (JSON.stringify(answer.edits) === JSON.stringify(this.edits)) return;
    this.#restart(answer.edits);
    void this.#rebalance();
    this.#follow();
  }

  #restart(edits: Edits): void {
    this.#isPreview = false;
    this.#rested = edits;
    this.edits = edits;
  }

  /** Called while a slider moves: shows the edits without recording them. */
  move(part: Partial<Edits>): void {
    this.preview();
    this.edits = { ...this.edits, ...part };
    if ('whiteBalance' in part) void this.#rebalance();
    if ('ratio' in part) this.#follow();
  }

  /** What has been moved is written beside the photo, and can be undone from then on. */
  rest(by: RestedBy = 'hand'): void {
    if (this.photo === undefined) return;
    if (this.#isPreview) this.preview();
    this.edits = withModel(this.edits, this.shownModel.byDefault);
    const run = this.#runs.next(this.#rested, this.edits, by);
    if (run === undefined) return;
    this.#rested = this.edits;
    this.#writer.write({ photo: this.photo.id, edits: this.edits, run });
  }

  change(part: Partial<Edits>): void {
    this.move(part);
    this.rest();
  }

  /** Writes what has been moved; what follows is undone apart from it. */
  async settle(): Promise<void> {
    this.rest();
    this.#runs.end();
    await this.#writer.flush();
  }

  /** Shows the written edits of the open photo, if it is one of these. */
  async rereadAmong(ids: readonly string[]): Promise<void> {
    const { photo, facts } = this;
    if (photo !== undefined && facts !== undefined && ids.includes(photo.id))
      await this.#reread(photo);
  }

  /** Shows edits that nobody has decided on yet; without any, those that were there before. */
  preview(part?: Partial<Edits>): void {
    const isShown = this.#isPreview;
    this.#isPreview = part !== undefined;
    if (!isShown && part === undefined) return;
    const { whiteBalance } = this.edits;
    this.edits = { ...this.#rested, ...part };
    if (this.edits.whiteBalance !== whiteBalance) void this.#rebalance();
  }

  turn(isClockwise: boolean): void {
    const { rotate, crop } = this.edits;
    this.#view = undefined;
    this.shape = { ...this.shape, isTall: !this.shape.isTall };
    this.change({
      rotate: quarter(rotate + (isClockwise ? 1 : -1)),
      crop: cropTurned(crop, isClockwise),
    });
  }

  /** Shrinks the crop where the rotated picture has no pixels for it. */
  straighten(angle: number): void {
    if (this.facts === undefined) return;
    const { crop, rotate } = this.edits;
    this.move({ angle, crop: cropAt(crop, this.facts, angle, rotate) });
  }

  /** The crop frame's fixed ratio of width to height; undefined if it is free. */
  get cropRatio(): number | undefined {
    if (this.facts === undefined) return undefined;
    const { aspect, isTall } = this.shape;
    return ratioOf(aspect, turnedSize(this.facts, this.edits.rotate), isTall);
  }

  /** Applies the shape to the frame at once, about its centre. */
  setShape(shape: Shape): void {
    this.shape = shape;
    const { facts, edits, cropRatio } = this;
    if (facts === undefined || cropRatio === undefined) return;
    const { angle, rotate } = edits;
    const { frame } = easel(facts, edits);
    this.change({ crop: cropOf(shaped(frame, cropRatio), facts, angle, rotate) });
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

  /** @param scale device pixels per pixel; zooms about the middle if no point is given */
  zoomTo(scale: number, at?: Point): void {
    const size = this.shown?.size;
    if (size !== undefined) this.#view = zoomed(this.view, scale, size, this.pane, at);
  }

  /** @param byDevice how far the picture moves; a picture that fits does not move */
  pan(byDevice: Point): void {
    const size = this.shown?.size;
    if (size === undefined || this.isFitted) return;
    this.#view = held(panned(this.view, byDevice), size, this.pane);
  }

  /** Switches a comparison on, or off if it is already on. */
  toggleCompare(compare: Compare): void {
    this.compare = this.compare === compare ? 'off' : compare;
  }

  toggleOverlay(overlay: Overlay): void {
    this.overlay = this.overlay === overlay ? 'none' : overlay;
  }

  /** Where it is so already, nothing changes. */
  setAutoRatio(): void {
    if (this.facts !== undefined) this.change({ ratio: 'auto' });
  }

  /**
   * Sets the white balance that makes a colour of the picture grey.
   * @param colour as in the tile
   */
  async pick(colour: Vector3): Promise<void> {
    const { photo } = this;
    if (photo === undefined) return;
    const answer = await this.#app.attempt(
      this.#app.client.call('develop.pick', { photo: photo.id, colour: [...colour] }),
    );
    if (answer === undefined || this.photo?.id !== photo.id) return;
    this.tool = 'none';
    const { kelvin, tint } = ranges;
    this.change({
      whiteBalance: { kelvin: limited(answer.kelvin, kelvin), tint: limited(answer.tint, tint) },
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
}

export const [developmentOf, provideDevelopment] = createContext<Development>();
