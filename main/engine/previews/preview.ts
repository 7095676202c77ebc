/** Pixels for the app's view: network tiles at any level, and small finished pictures. */

import { amplify } from '../../develop/amplify.ts';
import { blackShift, moveBlack } from '../../develop/black.ts';
import { framePicture } from '../../develop/crop.ts';
import {
  developedBefore,
  tileResult,
  type RunNetwork,
  type TileResult,
} from '../../develop/develop.ts';
import { fitted, isLinear, type NetworkTerms } from '../../develop/dialect.ts';
import { Finisher } from '../../develop/finish.ts';
import { addGrain } from '../../develop/grain.ts';
import { clippedWhite, keepWhite } from '../../develop/highlights.ts';
import { halfTile } from '../../develop/half.ts';
import { levelNoise, levelSize, levelWindow } from '../../develop/level.ts';
import { greyed } from '../../develop/monochrome.ts';
import { clippingLevel, normalisation } from '../../develop/normalise.ts';
import { packWindow } from '../../develop/pack.ts';
import { haloPacked, type Tile } from '../../develop/tiles.ts';
import type { DevelopedTile } from '../../develop/unpack.ts';
import { straightenerOf } from '../../develop/warp.ts';
import { gainsFor } from '../../develop/white-balance.ts';
import { smallPicture } from '../../export/thumbnail.ts';
import type { NoiseProfile, Vector3 } from '../../raw/mosaic.ts';
import { Refusal, throwIfCancelled } from '../../base/refusal.ts';
import { FrameStore, type PreviewFrame } from './frame.ts';
import { coarseLevel, isDevelopedWhole, levelsOf, tileAt, tileSide, wholeTile } from './tiles.ts';
import type { Edit, Picture, PreviewJob } from '../protocol.ts';

/** Memory for decoded frames: enough for three of 45 megapixels, with their levels. */
const frameBytesMax = 400e6;

/** Number of levels kept whole, of this photo and of its neighbours; each takes at most 15 MB. */
const wholeLevelsMax = 8;

interface WholeLevel {
  /** The frame's id. A reference would keep the frame in memory. */
  readonly frame: number;
  readonly level: number;
  readonly ratio: number;
  readonly halves: Promise<Uint16Array>;
}

export class Previewer {
  readonly #run: RunNetwork;
  readonly #terms: NetworkTerms;
  readonly #frames = new FrameStore(frameBytesMax);
  #wholeLevels: readonly WholeLevel[] = [];
  /**
   * Whole levels that are in the network now. A photo's thumbnail may use the same level as its
   * first view.
   */
  readonly #running = new Map<string, Promise<TileResult>>();

  constructor(run: RunNetwork, terms: NetworkTerms) {
    this.#run = run;
    this.#terms = terms;
  }

  /** @throws Refusal as `decodeRaw`; `bad-argument` for a tile that the photo does not have */
  async make(job: PreviewJob, signal: AbortSignal): Promise<Picture> {
    if (job.kind === 'bright') {
      const frame = await this.#frames.open(job.photo, { keep: false, signal });
      return this.#bright(frame, job.edit, job.longSide, signal);
    }
    const frame = await this.#frames.open(job.photo, { keep: true, signal });
    throwIfCancelled(signal);
    if (job.kind === 'tile') return this.#tile(frame, job);
    const level = coarseLevel(frame.grid);
    const ratio = job.ratio === 'auto' ? frame.autoRatio : job.ratio;
    if (isDevelopedWhole(levelSize(frame.grid, level))) await this.#wholeLevel(frame, level, ratio);
    return { width: 0, height: 0, bytes: new Uint8Array() };
  }

  async #tile(
    frame: PreviewFrame,
    { ratio, level, x, y }: Extract<PreviewJob, { kind: 'tile' }>,
  ): Promise<Picture> {
    const size = levelSize(frame.grid, level);
    const tile = tileAt(size, x, y, haloPacked);
    if (tile === undefined || level >= levelsOf(frame.grid).length) {
      throw new Refusal(
        'bad-argument',
        `expected a tile of the photo but there is none at ${x}, ${y} of level ${level}`,
      );
    }
    const { core } = tile;
    if (isDevelopedWhole(size)) {
      const halves = await this.#wholeLevel(frame, level, ratio);
      return cut(
        halves,
        size.width * 2,
        x * tileSide,
        y * tileSide,
        core.width * 2,
        core.height * 2,
      );
    }
    const source = straightenerOf(frame.mosaic, level)?.sourceTile(tile) ?? tile;
    const developing = this.#network(frame, level, ratio, source);
    const halves = await this.#halves(frame, level, ratio, { developing, tile });
    return { width: core.width * 2, height: core.height * 2, bytes: bytesOf(halves) };
  }

  /** Several tiles of a level are requested at once; the first request starts the network. */
  #wholeLevel(frame: PreviewFrame, level: number, ratio: number): Promise<Uint16Array> {
    const known = this.#wholeLevels.find(
      (entry) => entry.frame === frame.id && entry.level === level && entry.ratio === ratio,
    );
    if (known !== undefined) return known.halves;
    const made: WholeLevel = {
      frame: frame.id,
      level,
      ratio,
      halves: this.#halves(frame, level, ratio, {
        developing: this.#networkWhole(frame, level, ratio),
        tile: wholeTile(levelSize(frame.grid, level)),
      }),
    };
    this.#wholeLevels = [...this.#wholeLevels, made].slice(-wholeLevelsMax);
    made.halves.catch(() => {
      this.#wholeLevels = this.#wholeLevels.filter((entry) => entry !== made);
    });
    return made.halves;
  }

  async #halves(
    frame: PreviewFrame,
    level: number,
    ratio: number,
    { developing, tile }: { readonly developing: Promise<TileResult>; readonly tile: Tile },
  ): Promise<Uint16Array> {
    // Computed while the network runs, because this thread is idle meanwhile.
    const noise = noiseAt(frame, level);
    const map = frame.noiseMap('profile', level);
    const developed = await developing;
    const grainy = { ...developed, samples: developed.samples.slice() };
    addGrain(grainy, { strength: 0, noise, ratio, gains: gainsOf(frame), map });
    greyed(grainy.samples, frame.mosaic);
    const straightener = straightenerOf(frame.mosaic, level);
    const straight = (bent: DevelopedTile): Float32Array =>
      (straightener?.straighten(bent, tile) ?? bent).samples;
    return halfTile(straight(developed), straight(grainy));
  }

  /** Runs the network once for all callers that ask while it runs; they share the result. */
  #networkWhole(frame: PreviewFrame, level: number, ratio: number): Promise<TileResult> {
    const key = `${frame.id} ${level} ${ratio}`;
    const known = this.#running.get(key);
    if (known !== undefined) return known;
    const tile = wholeTile(levelSize(frame.grid, level));
    const running = this.#network(frame, level, ratio, tile).finally(() => {
      this.#running.delete(key);
    });
    this.#running.set(key, running);
    return running;
  }

  async #network(
    frame: PreviewFrame,
    level: number,
    ratio: number,
    tile: Tile,
  ): Promise<TileResult> {
    const { mosaic, grid } = frame;
    if (mosaic.developed !== undefined) {
      return developedBefore(tile, mosaic.developed, { mosaic, level, ratio });
    }
    const packed =
      level === 0
        ? packWindow(mosaic, grid, normalisation(mosaic), tile.window)
        : levelWindow(frame.level(level), tile.window);
    const gains = gainsOf(frame);
    const input = amplify(packed, ratio, gains);
    const run = fitted(this.#run, this.#terms, mosaic.colour);
    const output = await run(input, tile.window.width, tile.window.height);
    const known = isLinear(this.#terms)
      ? { noise: noiseAt(frame, level, 'ceiling'), map: frame.noiseMap('ceiling', level) }
      : {};
    return tileResult(tile, input, output, { mosaic, ratio, gains, ...known });
  }

  /** Takes the smallest level through the whole pipeline, with the photo's edits. */
  async #bright(
    frame: PreviewFrame,
    edit: Edit,
    longSide: number,
    signal: AbortSignal,
  ): Promise<Picture> {
    throwIfCancelled(signal);
    const { mosaic } = frame;
    const level = levelsOf(frame.grid).length - 1;
    const size = levelSize(frame.grid, level);
    const ratio = edit.ratio === 'auto' ? frame.autoRatio : edit.ratio;
    const gains = gainsOf(frame);
    const result = await this.#networkWhole(frame, level, ratio);
    throwIfCancelled(signal);
    const developed = { ...result, samples: result.samples.slice() };
    const grain = { strength: edit.strength, noise: noiseAt(frame, level), ratio, gains };
    addGrain(developed, { ...grain, map: frame.noiseMap('profile', level) });
    const chosen = gainsFor(edit.whiteBalance, mosaic);
    const balance: Vector3 = [chosen[0] / gains[0], chosen[1] / gains[1], chosen[2] / gains[2]];
    const grid = { ...size, rowsBefore: 0, columnsBefore: 0 } as const;
    const finisher = new Finisher(
      {
        width: size.width * 2,
        height: size.height * 2,
        orientation: mosaic.orientation,
        colour: mosaic.colour,
        grid,
      },
      { space: 'srgb', balance, tone: edit.tone },
    );
    greyed(developed.samples, mosaic);
    moveBlack(developed.samples, blackShift(edit.black ?? 0, { mosaic, ratio, gains }));
    keepWhite(developed.samples, clippedWhite(ratio * clippingLevel(mosaic), gains), balance);
    finisher.add(
      straightenerOf(mosaic, level)?.straighten(developed, wholeTile(size)) ?? developed,
    );
    const framed =
      edit.framing === undefined ? finisher.image : framePicture(finisher.image, edit.framing);
    const bytes = await smallPicture(framed, longSide);
    return { width: framed.width, height: framed.height, bytes };
  }
}

function gainsOf({ mosaic }: PreviewFrame): Vector3 {
  return mosaic.colour.asShotGains;
}

function noiseAt(
  frame: PreviewFrame,
  level: number,
  which: 'profile' | 'ceiling' = 'profile',
): NoiseProfile {
  const noise = frame.noise[which];
  return level === 0 ? noise : levelNoise(noise, frame.level(level));
}

function cut(
  halves: Uint16Array,
  stride: number,
  left: number,
  top: number,
  width: number,
  height: number,
): Picture {
  const tile = new Uint16Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * stride + left) * 4;
    tile.set(halves.subarray(from, from + width * 4), y * width * 4);
  }
  return { width, height, bytes: bytesOf(tile) };
}

/** The bytes in memory order: every supported system is little-endian. */
function bytesOf(halves: Uint16Array): Uint8Array {
  return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
}
