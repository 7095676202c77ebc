/**
 * The tiles of one photo: fetches them by priority, aborts outdated requests, and keeps textures on
 * the card within a limit.
 */

import type { Development } from '../../preload/contract/contract.ts';
import {
  pixelUrl,
  plainScale,
  tileHeaders,
  type PixelBase,
} from '../../preload/contract/pixel-url.ts';
import { fetchPixels } from '../bridge.ts';
import type { Painter, Placed, TileTexture } from './gl/painter.ts';
import { areaOf, type TileSpot } from './tile-plan.ts';

/** The content of a tile: the network's picture, or the plain one for comparison. */
export type TileKind = 'tile' | 'plain';

export interface Wanted extends TileSpot {
  readonly kind: TileKind;
}

/** The settings that the network's output depends on. */
export interface Make {
  readonly model: string;
  readonly ratio: number;
}

interface Kept {
  readonly wanted: Wanted;
  readonly texture: TileTexture;
  readonly model: string;
  /** The ratio contained in its values; for a plain tile, 1 / `plainScale` of it. */
  readonly lightDivisor: number;
  /** Half floats for the eyedropper, of the coarse level only. */
  readonly halves: Uint16Array | undefined;
  usedAt: number;
}

interface Fetching {
  readonly wanted: Wanted;
  readonly make: Make;
  readonly stopping: AbortController;
}

/**
 * The engine runs one tile at a time; a second request keeps it busy while the first result is
 * transferred.
 */
const fetchesMax = 2;
/** Together with thumbnails, this stays within the six connections a browser opens. */
const plainFetchesMax = 1;
/** Limit for texels on the card, at 8 bytes each. */
const texelsMax = 48e6;
const retryMs = 700;

export interface TileEvents {
  /** Called when there is something new to draw. */
  readonly arrived: () => void;
  readonly failed: (words: string) => void;
}

export class Tiles {
  readonly #base: PixelBase;
  readonly #development: Development;
  readonly #painter: Painter;
  readonly #events: TileEvents;
  readonly #kept = new Map<string, Kept>();
  readonly #fetching = new Map<string, Fetching>();
  #wanted: readonly Wanted[] = [];
  #make: Make = { model: '', ratio: 1 };
  #clock = 0;
  #isClosed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(base: PixelBase, development: Development, painter: Painter, events: TileEvents) {
    this.#base = base;
    this.#development = development;
    this.#painter = painter;
    this.#events = events;
  }

  /** Sets the needed tiles, most important first; all other requests are cancelled. */
  want(wanted: readonly Wanted[], make: Make): void {
    this.#wanted = wanted;
    this.#make = make;
    const needed = new Set(wanted.map(keyOf));
    for (const [key, fetching] of this.#fetching) {
      if (!needed.has(key) || !isOf(fetching.make, make, fetching.wanted)) {
        fetching.stopping.abort();
        this.#fetching.delete(key);
      }
    }
    this.#next();
  }

  /** Whether all wanted tiles are there, with the current settings. */
  get isComplete(): boolean {
    return this.#wanted.every((wanted) => this.#has(wanted));
  }

  /** Share of the wanted tiles that have arrived, 0–1. */
  get share(): number {
    if (this.#wanted.length === 0) return 1;
    return this.#wanted.filter((wanted) => this.#has(wanted)).length / this.#wanted.length;
  }

  /**
   * The tiles that can be drawn, coarse ones first.
   * @param ratio to be shown
   */
  placed(kind: TileKind, ratio: number, levelMax = Infinity, levelMin = 0): readonly Placed[] {
    this.#clock++;
    return [...this.#kept.values()]
      .filter((kept) => {
        const { level } = kept.wanted;
        return kept.wanted.kind === kind && level <= levelMax && level >= levelMin;
      })
      .sort((a, b) => b.wanted.level - a.wanted.level)
      .map((kept) => {
        kept.usedAt = this.#clock;
        const { texture, wanted, lightDivisor } = kept;
        return {
          tile: texture,
          area: areaOf(this.#development, wanted, texture.width, texture.height),
          light: ratio / lightDivisor,
        };
      });
  }

  /** The half floats of a coarse tile, and the index of a pixel of the stored frame in them. */
  halvesAt(
    x: number,
    y: number,
  ): { halves: Uint16Array; width: number; height: number; x: number; y: number } | undefined {
    for (const { halves, wanted, texture } of this.#kept.values()) {
      if (halves === undefined || wanted.kind !== 'tile') continue;
      const area = areaOf(this.#development, wanted, texture.width, texture.height);
      if (x < area.x || y < area.y || x >= area.x + area.width || y >= area.y + area.height)
        continue;
      const pitch = 2 ** wanted.level;
      return {
        halves,
        width: texture.width,
        height: texture.height,
        x: Math.floor((x - area.x) / pitch),
        y: Math.floor((y - area.y) / pitch),
      };
    }
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    for (const { stopping } of this.#fetching.values()) stopping.abort();
    for (const { texture } of this.#kept.values()) this.#painter.release(texture);
    this.#kept.clear();
  }

  #has(wanted: Wanted): boolean {
    const kept = this.#kept.get(keyOf(wanted));
    if (kept === undefined) return false;
    if (wanted.kind === 'plain') return true;
    return kept.model === this.#make.model && kept.lightDivisor === this.#make.ratio;
  }

  #next(): void {
    if (this.#isClosed) return;
    for (const wanted of this.#wanted) {
      const busy = [...this.#fetching.values()].filter(
        (one) => one.wanted.kind === wanted.kind,
      ).length;
      if (busy >= (wanted.kind === 'plain' ? plainFetchesMax : fetchesMax)) continue;
      const key = keyOf(wanted);
      if (this.#fetching.has(key) || this.#has(wanted)) continue;
      const fetching = { wanted, make: this.#make, stopping: new AbortController() };
      this.#fetching.set(key, fetching);
      void this.#fetch(fetching);
    }
  }

  async #fetch(fetching: Fetching): Promise<void> {
    const { wanted, make, stopping } = fetching;
    const key = keyOf(wanted);
    try {
      const response = await fetchPixels(this.#address(wanted, make), stopping.signal);
      if (response.status === 503) {
        this.#settle(key, fetching);
        clearTimeout(this.#retry);
        this.#retry = setTimeout(() => {
          this.#next();
        }, retryMs);
        return;
      }
      if (!response.ok) throw new Error(await failureWords(response));
      const width = Number(response.headers.get(tileHeaders.width));
      const height = Number(response.headers.get(tileHeaders.height));
      const halves = new Uint16Array(await response.arrayBuffer());
      if (this.#isClosed || stopping.signal.aborted) return;
      if (!(width > 0) || halves.length !== width * height * 4) {
        throw new Error(
          `expected a tile of ${width} × ${height} but received ${halves.length} numbers`,
        );
      }
      this.#keep(wanted, make, halves, width, height);
      this.#settle(key, fetching);
      this.#events.arrived();
      this.#next();
    } catch (error) {
      this.#settle(key, fetching);
      if (stopping.signal.aborted || this.#isClosed) return;
      // Failed tiles are not requested again until the view changes.
      this.#wanted = this.#wanted.filter((other) => other !== wanted);
      this.#events.failed(error instanceof Error ? error.message : String(error));
      this.#next();
    }
  }

  #settle(key: string, fetching: Fetching): void {
    if (this.#fetching.get(key) === fetching) this.#fetching.delete(key);
  }

  #address({ kind, level, x, y }: Wanted, { model, ratio }: Make): string {
    const { photo } = this.#development;
    return kind === 'plain'
      ? pixelUrl(this.#base, { kind, photo, level, x, y })
      : pixelUrl(this.#base, { kind, photo, model, ratio, level, x, y });
  }

  #keep(wanted: Wanted, make: Make, halves: Uint16Array, width: number, height: number): void {
    const key = keyOf(wanted);
    const old = this.#kept.get(key);
    if (old !== undefined) this.#painter.release(old.texture);
    this.#kept.set(key, {
      wanted,
      texture: this.#painter.upload(halves, width, height),
      model: make.model,
      lightDivisor: wanted.kind === 'plain' ? plainScale : make.ratio,
      halves: wanted.level === this.#development.coarseLevel ? halves : undefined,
      usedAt: this.#clock,
    });
    this.#trim();
  }

  #trim(): void {
    const size = ({ texture }: Kept): number => texture.width * texture.height;
    let texels = [...this.#kept.values()].reduce((sum, kept) => sum + size(kept), 0);
    const needed = new Set(this.#wanted.map(keyOf));
    const oldest = [...this.#kept]
      .filter(
        ([key, { wanted }]) => !needed.has(key) && wanted.level < this.#development.coarseLevel,
      )
      .sort(([, a], [, b]) => a.usedAt - b.usedAt);
    for (const [key, kept] of oldest) {
      if (texels <= texelsMax) return;
      this.#painter.release(kept.texture);
      this.#kept.delete(key);
      texels -= size(kept);
    }
  }
}

function keyOf({ kind, level, x, y }: Wanted): string {
  return `${kind}/${level}/${x}/${y}`;
}

function isOf(made: Make, make: Make, { kind }: Wanted): boolean {
  return kind === 'plain' || (made.model === make.model && made.ratio === make.ratio);
}

async function failureWords(response: Response): Promise<string> {
  const text = await response.text();
  const message = /"message":\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  if (message === undefined) return `the picture did not come (${response.status})`;
  const words: unknown = JSON.parse(message);
  return String(words);
}
