/** Shows and describes photos without the network. */

import { open } from 'node:fs/promises';
import { clippedBlack } from '../develop/black.ts';
import { developedTile } from '../develop/developed.ts';
import { Finisher } from '../develop/finish.ts';
import { halfTile } from '../develop/half.ts';
import { levelSize, levelWindow } from '../develop/level.ts';
import { middleFrames } from '../develop/noise-map.ts';
import { greyed } from '../develop/monochrome.ts';
import { clippingLevel, normalisation } from '../develop/normalise.ts';
import { straightenerOf } from '../develop/warp.ts';
import { packWindow } from '../develop/pack.ts';
import { plainHaloPacked, plainTile } from '../develop/plain.ts';
import type { Tile } from '../develop/tiles.ts';
import type { DevelopedTile } from '../develop/unpack.ts';
import { gainsFor } from '../develop/white-balance.ts';
import { smallPicture, smallPreview, uprightPreview } from '../export/thumbnail.ts';
import { smallPhoto } from '../training/photos/small-photo.ts';
import { isRawName } from '../raw/endings.ts';
import { readEmbeddedPreview } from '../raw/decode.ts';
import { cameraName } from '../raw/camera-name.ts';
import { embeddedJpeg } from '../raw/embedded-jpeg.ts';
import { readHeader } from '../raw/header.ts';
import type { Orientation, Shot } from '../raw/mosaic.ts';
import { readTiff } from '../raw/tiff-tags.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { FrameStore, type PreviewFrame } from '../engine/previews/frame.ts';
import type { Facts, Opened, PictureJob } from './protocol.ts';
import { coarseLevel, levelsOf, tileAt, tileSide, wholeTile } from '../engine/previews/tiles.ts';
import type { Picture } from '../engine/protocol.ts';

const frameBytesMax = 300e6;

/** In files of nearly every camera, the TIFF's first directory lies within this. */
const headBytes = 1 << 20;

export class Viewer {
  readonly #frames = new FrameStore(frameBytesMax);

  /** What the file's header tells of the shot, without decoding; undefined if it tells nothing. */
  async header(photo: string): Promise<Facts | undefined> {
    const header = await readHeader(photo);
    return header && shotFacts(header.shot);
  }

  /** @throws Refusal as `decodeRaw` */
  async describe(photo: string, signal: AbortSignal): Promise<Facts> {
    return factsOf(await this.#frames.open(photo, { keep: false, signal }));
  }

  /** @throws Refusal as `decodeRaw` */
  async open(photo: string, signal: AbortSignal): Promise<Opened> {
    const frame = await this.#frames.open(photo, { keep: true, signal });
    throwIfCancelled(signal);
    return openedOf(frame);
  }

  /** @throws Refusal as `decodeRaw`; `bad-argument` for a tile that the photo does not have */
  async picture(job: PictureJob, signal: AbortSignal): Promise<Picture> {
    switch (job.kind) {
      case 'thumb':
        return this.#thumb(job.photo, job.longSide, signal);
      case 'small':
        return { width: 0, height: 0, bytes: await this.#small(job, signal) };
      case 'preview': {
        const jpeg = await cameraJpeg(job.photo, signal);
        if (jpeg === undefined)
          throw new Refusal('unsupported-file', 'the camera put no preview into this file');
        const bytes = await uprightPreview(jpeg, await orientationOf(job.photo));
        return { width: 0, height: 0, bytes };
      }
      case 'frames': {
        const { mosaic } = await this.#frames.open(job.photo, { keep: true, signal });
        if (mosaic.merged === undefined)
          throw new Refusal('bad-argument', 'this photo was not merged of frames');
        const { columns, rows, sixteenths } = mosaic.merged.map;
        const bytes = Uint8Array.from(sixteenths, (value) => Math.min(255, Math.round(value / 4)));
        return { width: columns, height: rows, bytes };
      }
      case 'plain': {
        const frame = await this.#frames.open(job.photo, { keep: true, signal });
        throwIfCancelled(signal);
        return plainPicture(frame, job);
      }
    }
  }

  async #thumb(photo: string, longSide: number, signal: AbortSignal): Promise<Picture> {
    const jpeg = await cameraJpeg(photo, signal, longSide).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === 'cancelled') throw error;
      return undefined;
    });
    if (jpeg !== undefined) {
      try {
        const bytes = await smallPreview(jpeg, await orientationOf(photo), longSide);
        return { width: 0, height: 0, bytes };
      } catch {
        // If the preview in a good file is damaged, the mosaic is used.
      }
    }
    const frame = await this.#frames.open(photo, { keep: false, signal });
    throwIfCancelled(signal);
    return { width: 0, height: 0, bytes: await smallPicture(plainImage(frame), longSide) };
  }

  async #small(
    { photo, longSide, ratio }: Extract<PictureJob, { kind: 'small' }>,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (!isRawName(photo)) return smallPhoto(photo, longSide);
    const frame = await this.#frames.open(photo, { keep: false, signal });
    throwIfCancelled(signal);
    return smallPicture(plainImage(frame, ratio), longSide);
  }
}

/**
 * The camera's embedded preview.
 * @param sideMin pixels that suffice; if absent, the largest preview is used
 * @throws Refusal as `decodeRaw`
 */
async function cameraJpeg(
  photo: string,
  signal: AbortSignal,
  sideMin?: number,
): Promise<Uint8Array | undefined> {
  const embedded = await embeddedJpeg(photo, sideMin);
  throwIfCancelled(signal);
  if (embedded.kind === 'unknown') return readEmbeddedPreview(photo, { signal });
  return embedded.kind === 'found' ? embedded.jpeg : undefined;
}

/** The RAW file's own orientation, if the start of the file states it. */
async function orientationOf(photo: string): Promise<Orientation> {
  const file = await open(photo, 'r').catch(() => undefined);
  if (file === undefined) return 1;
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(headBytes), 0, headBytes, 0);
    const value = readTiff(buffer.subarray(0, bytesRead))?.images[0]?.number(274);
    const found = ([1, 2, 3, 4, 5, 6, 7, 8] as const).find((orientation) => orientation === value);
    return found ?? 1;
  } catch {
    return 1;
  } finally {
    await file.close();
  }
}

function plainAt(frame: PreviewFrame, level: number, tile: Tile): DevelopedTile {
  const { mosaic, grid } = frame;
  const { developed } = mosaic;
  if (developed !== undefined) {
    return developedTile(mosaic, developed, tile.core, { level, ratio: 1 });
  }
  const straightener = straightenerOf(mosaic, level);
  const source = straightener?.sourceTile(tile, plainHaloPacked) ?? tile;
  const packed =
    level === 0
      ? packWindow(mosaic, grid, normalisation(mosaic), source.window)
      : levelWindow(frame.level(level), source.window);
  const plain = plainTile(packed, source, mosaic.colour.asShotGains, clippingLevel(mosaic));
  greyed(plain.samples, mosaic);
  return straightener?.straighten(plain, tile) ?? plain;
}

function plainPicture(
  frame: PreviewFrame,
  { level, x, y, scale }: Extract<PictureJob, { kind: 'plain' }>,
): Picture {
  const tile = tileAt(levelSize(frame.grid, level), x, y, plainHaloPacked);
  if (tile === undefined || level >= levelsOf(frame.grid).length) {
    throw new Refusal(
      'bad-argument',
      `expected a tile of the photo but there is none at ${x}, ${y} of level ${level}`,
    );
  }
  const halves = halfTile(plainAt(frame, level, tile).samples, undefined, scale);
  const bytes = new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
  return { width: tile.core.width * 2, height: tile.core.height * 2, bytes };
}

/** The smallest level, brightened by its automatic ratio unless another is given. */
function plainImage(frame: PreviewFrame, ratio = frame.autoRatio) {
  const { mosaic } = frame;
  const level = levelsOf(frame.grid).length - 1;
  const size = levelSize(frame.grid, level);
  const tile = plainAt(frame, level, wholeTile(size));
  const finisher = new Finisher(
    {
      width: size.width * 2,
      height: size.height * 2,
      orientation: mosaic.orientation,
      colour: mosaic.colour,
      grid: { ...size, rowsBefore: 0, columnsBefore: 0 },
    },
    { space: 'srgb', balance: [ratio, ratio, ratio] },
  );
  finisher.add(tile);
  return finisher.image;
}

function openedOf(frame: PreviewFrame): Opened {
  const { mosaic, grid, noise } = frame;
  const { asShotGains, xyzToCamera, balancedToXyz } = mosaic.colour;
  return {
    width: mosaic.width,
    height: mosaic.height,
    orientation: mosaic.orientation,
    origin: { x: grid.columnsBefore, y: grid.rowsBefore },
    tileSide,
    levels: [...levelsOf(grid)],
    coarseLevel: coarseLevel(grid),
    colour: {
      asShotGains: [...asShotGains],
      xyzToCamera: [...xyzToCamera],
      ...(balancedToXyz === undefined ? {} : { balancedToXyz: [...balancedToXyz] }),
    },
    clipping: clippingLevel(mosaic),
    gains: { asShot: [...gainsFor('as-shot', mosaic)], auto: [...gainsFor('auto', mosaic)] },
    noise: { ...noise.profile, source: noise.source },
    autoRatio: frame.autoRatio,
    facts: factsOf(frame),
    ...mergedOf(frame),
  };
}

function mergedOf({ mosaic: { merged } }: PreviewFrame): Pick<Opened, 'merged'> {
  if (merged === undefined) return {};
  const { columns, rows, blockSide } = merged.map;
  const { length: frames } = merged.frames;
  return { merged: { frames, columns, rows, blockSide, middle: middleFrames(merged.map) } };
}

function factsOf(frame: PreviewFrame): Facts {
  const { width, height, orientation, shot } = frame.mosaic;
  const [uprightWidth, uprightHeight] = orientation >= 5 ? [height, width] : [width, height];
  const cut = clippedBlack(frame.mosaic);
  return {
    ...shotFacts(shot),
    width: uprightWidth,
    height: uprightHeight,
    autoRatio: frame.autoRatio,
    ...(cut === undefined ? {} : { clippedBlack: cut }),
  };
}

function shotFacts(shot: Shot): Facts {
  const { lens, iso, exposureSeconds, aperture, focalLengthMm, takenAt } = shot;
  const camera = cameraName(shot);
  return {
    ...(camera === undefined ? {} : { camera }),
    ...(lens === undefined ? {} : { lens }),
    ...(iso === undefined ? {} : { iso }),
    ...(exposureSeconds === undefined ? {} : { exposureSeconds }),
    ...(aperture === undefined ? {} : { aperture }),
    ...(focalLengthMm === undefined ? {} : { focalLengthMm }),
    ...(takenAt === undefined ? {} : { takenAt }),
  };
}
