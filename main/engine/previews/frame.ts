/** Decoded frames kept while they are looked at, and what drawing them takes. */

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
import { calibratedFrame, camerasStamp } from '../calibration.ts';
import { withoutLonePixels } from '../../develop/lone-pixels.ts';

let nextId = 1;

/** A frame and what is worked out from it once. */
export class PreviewFrame {
  /** What was made of it is known by this. */
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

  /** Of the level; see `levelOf`. */
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

  /** Its samples and what was made of them. */
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
  /** Whether anyone so far wants it kept. */
  isKept: boolean;
}

/** The frames seen last, as many as memory for them allows; always the one asked for. */
export class FrameStore {
  readonly #entries = new Map<string, Entry>();
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * @param keep whether it stays and pushes others out; what is only passed through should not
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
    // Others may wait for the same frame, so one who leaves does not stop it.
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
 * A file that was replaced is another frame, and so is one whose camera was measured meanwhile; one
 * that is gone is met by the decoder.
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
