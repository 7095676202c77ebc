/** Keeps decoded frames while they are looked at, together with everything derived from them. */

import { stat } from 'node:fs/promises';
import { autoRatio } from '../../develop/brightness.ts';
import { levelOf, type Level } from '../../develop/level.ts';
import { frameNoise, type FrameNoise } from '../../develop/noise.ts';
import { noiseMaps, type NoiseMap } from '../../develop/noise-map.ts';
import { packedGrid, type PackedGrid } from '../../develop/pack.ts';
import { throwIfCancelled } from '../../base/refusal.ts';
import { decodeRaw } from '../../raw/decode.ts';
import type { Mosaic } from '../../raw/mosaic.ts';
import { remosaic } from '../../raw/remosaic.ts';
import { calibratedFrame, camerasStamp } from '../../calibration/kept.ts';
import { withoutLonePixels } from '../../develop/lone-pixels.ts';

let nextId = 1;

/** A frame, and what is derived from it once. */
export class PreviewFrame {
  /** Identifies the frame in caches of what was made from it. */
  readonly id = nextId++;
  readonly mosaic: Mosaic;
  readonly grid: PackedGrid;
  readonly #levels = new Map<number, Level>();
  readonly noise: FrameNoise;
  #maps: ReturnType<typeof noiseMaps> | undefined;
  #autoRatio: number | undefined;

  constructor(taken: Mosaic) {
    this.noise = frameNoise(taken);
    const mosaic = withoutLonePixels(taken, this.noise.ceiling);
    this.mosaic = mosaic;
    this.grid = packedGrid(mosaic);
  }

  /** The noise map of a level; see `levelOf`. */
  noiseMap(which: 'profile' | 'ceiling', level: number): NoiseMap {
    const maps = (this.#maps ??= noiseMaps(this.mosaic, this.noise));
    const map = maps[which];
    return level === 0 ? map : { ...map, blockPacked: map.blockPacked / 2 ** level };
  }

  get autoRatio(): number {
    return (this.#autoRatio ??= autoRatio(this.mosaic, this.mosaic.colour.asShotGains));
  }

  /** @param level ≥ 1 */
  level(level: number): Level {
    const known = this.#levels.get(level) ?? levelOf(this.mosaic, level);
    this.#levels.set(level, known);
    return known;
  }

  /** Size of its samples and of what was derived from them. */
  get bytes(): number {
    let bytes = this.mosaic.samples.byteLength;
    for (const { planes } of this.#levels.values()) bytes += planes.byteLength;
    return bytes;
  }
}

interface Entry {
  readonly frame: Promise<PreviewFrame>;
  /** Undefined until it is decoded. */
  decoded: PreviewFrame | undefined;
  /** Whether any request so far wants it kept. */
  isKept: boolean;
}

/** The most recently seen frames, as many as fit into memory; always includes the one asked for. */
export class FrameStore {
  readonly #entries = new Map<string, Entry>();
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * @param keep whether the frame is kept and may push out others; false for frames needed only
   *   once
   * @throws Refusal as `decodeRaw`
   */
  async open(
    photo: string,
    { keep, signal }: { readonly keep: boolean; readonly signal: AbortSignal },
  ): Promise<PreviewFrame> {
    const key = await identityOf(photo);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.isKept ||= keep;
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.frame;
    }
    throwIfCancelled(signal);
    // Decoding goes on if one caller leaves, because others may wait for the same frame.
    const entry: Entry = { frame: decode(photo), decoded: undefined, isKept: keep };
    this.#entries.set(key, entry);
    try {
      entry.decoded = await entry.frame;
      if (entry.isKept) this.#trim(key);
      else this.#entries.delete(key);
      return entry.decoded;
    } catch (error) {
      this.#entries.delete(key);
      throw error;
    }
  }

  #trim(keptKey: string): void {
    let bytes = 0;
    for (const { decoded } of this.#entries.values()) bytes += decoded?.bytes ?? 0;
    for (const [key, { decoded }] of this.#entries) {
      if (bytes <= this.#bytesMax) return;
      if (key === keptKey || decoded === undefined) continue;
      this.#entries.delete(key);
      bytes -= decoded.bytes;
    }
  }
}

/**
 * Changes when the file is replaced or its camera is measured. The decoder reports a missing file.
 */
async function identityOf(photo: string): Promise<string> {
  const found = await stat(photo).catch(() => undefined);
  const cameras = await camerasStamp();
  return `${photo}\n${found?.mtimeMs ?? 0}\n${found?.size ?? 0}\n${cameras}`;
}

async function decode(photo: string): Promise<PreviewFrame> {
  const decoded = await decodeRaw(photo);
  return new PreviewFrame(
    decoded.kind === 'mosaic' ? await calibratedFrame(decoded.mosaic) : remosaic(decoded.frame),
  );
}
