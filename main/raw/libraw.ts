/**
 * A typed and guarded interface to LibRaw 0.22.1 as compiled in libraw-wasm 1.6.0. Fields that its
 * wrapper leaves out are read from the module's memory and checked against those that it reports.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import createModule from 'libraw-wasm/dist/libraw.js';
import type { LibRawInstance, LibRawModule } from 'libraw-wasm/dist/libraw.js';
import { z } from 'zod';

import { LibRawFailure, cString, toFailure } from './libraw-failure.ts';
import { isXTrans } from './sensor-kind.ts';

/** The offsets below are valid only for this build; package.json pins it. */
const build = '1.6.0';

/** Bytes from the start of LibRaw's `imgdata`, determined with the pinned build's own headers. */
const fieldOffsets = {
  rawHeight: 8,
  rawWidth: 10,
  height: 12,
  width: 14,
  mask: 44,
  make: 196,
  filters: 536,
  xtrans: 540,
  cblack: 136_620,
  black: 153_036,
  maximum: 153_044,
  linearMax: 153_048,
  asShotGainsApplied: 192_512,
} as const;

/** LibRaw's `filters` of X-Trans sensors. */
export const filtersXtrans = 9;

/** Initial and largest memory, in pages of 64 KiB: 256 MiB and 2 GiB, the build's own limits. */
const initialPages = 4096;
const maximumPages = 32_768;

/** The largest repeating black pattern that is read (LibRaw's table holds 4096 values). */
const maxBlackPattern = 64;

const finite = z.number().catch(0);
const four = z.array(z.number()).min(4).catch([0, 0, 0, 0]);
const matrix = z.array(z.array(z.number())).catch([]);

const metadataShape = z.object({
  width: z.int(),
  height: z.int(),
  raw_width: z.int(),
  raw_height: z.int(),
  top_margin: z.int(),
  left_margin: z.int(),
  flip: z.int(),
  camera_make: z.string(),
  camera_model: z.string(),
  iso_speed: finite,
  shutter: finite,
  aperture: finite,
  focal_len: finite,
  timestamp: z.unknown(),
  artist: z.string().catch(''),
  filters: z.int(),
  colors: z.int(),
  cdesc: z.string(),
  dng_version: z.int().catch(0),
  is_foveon: finite,
  raw_count: z.int().catch(1),
  pixel_aspect: finite,
  gps_data: z
    .object({
      latitude: z.array(z.number()).length(3),
      longitude: z.array(z.number()).length(3),
      altitude: z.number(),
      latref: z.string().nullable(),
      longref: z.string().nullable(),
      altref: z.number(),
      gpsparsed: z.boolean(),
    })
    .optional()
    .catch(undefined),
  lens: z
    .object({
      Lens: z.string(),
      makernotes: z.object({ Lens: z.string() }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
  panasonic: z.object({ Compression: z.number() }).partial().optional().catch(undefined),
  color_data: z.object({
    maximum: z.int(),
    black: z.int(),
    cam_mul: four,
    pre_mul: four,
    rgb_cam: matrix,
    cam_xyz: matrix,
    dng_levels: z.object({ baseline_exposure: z.number() }).optional().catch(undefined),
  }),
});

/** LibRaw's facts about the opened file, in its own names and units. */
export type LibRawMetadata = z.infer<typeof metadataShape>;

/** Fields that the wrapper leaves out, in LibRaw's own conventions. */
export interface HiddenFields {
  /** Black level common to all sites. */
  readonly black: number;
  /** Added per colour: R, G of the red rows, B, G of the blue rows. */
  readonly blackPerColour: readonly number[];
  /** Added per position of a repeating pattern; empty if there is none. */
  readonly blackPattern: {
    readonly rows: number;
    readonly columns: number;
    readonly values: readonly number[];
  };
  /** The camera's own limit of linearity per colour; 0 if unknown. */
  readonly linearMax: readonly number[];
  /** Masked rectangles as top, left, bottom, right in the whole sensor, without unused ones. */
  readonly masked: readonly (readonly [number, number, number, number])[];
  /** Colours of 6 × 6 samples from the visible corner on; undefined if the sensor is no X-Trans. */
  readonly xtrans: string | undefined;
  /** Not 0 when the file's samples already carry the camera's white balance. */
  readonly asShotGainsApplied: number;
}

/** The whole sensor, including masked margins. */
export interface SensorSamples {
  readonly width: number;
  readonly height: number;
  readonly visibleWidth: number;
  readonly visibleHeight: number;
  readonly samples: Uint16Array;
}

const sensorShape = z.object({
  raw_width: z.int().positive(),
  raw_height: z.int().positive(),
  width: z.int().positive(),
  height: z.int().positive(),
  data: z.instanceof(Uint16Array),
});

const pictureShape = z.object({
  width: z.int().positive(),
  height: z.int().positive(),
  colors: z.int(),
  bits: z.int(),
  data: z.instanceof(Uint16Array),
});

const thumbnailShape = z.object({ data: z.instanceof(Uint8Array), format: z.string() });

/**
 * One file in one module. LibRaw keeps state between reads and cannot be trusted after a failure,
 * so an instance is used for one open and one kind of read.
 */
export class LibRawFile {
  readonly #instance: LibRawInstance;
  readonly #memory: WebAssembly.Memory;

  constructor(instance: LibRawInstance, memory: WebAssembly.Memory) {
    this.#instance = instance;
    this.#memory = memory;
  }

  /**
   * Opens a file's bytes in a fresh module.
   * @throws LibRawFailure if LibRaw does not accept it
   */
  static async open(
    bytes: Uint8Array,
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<LibRawFile> {
    const { LibRaw, memory } = await (prepared ?? instantiate());
    // An instance that has seen one file is not used for another.
    prepared = undefined;
    const file = new LibRawFile(new LibRaw(), memory);
    file.#guarded(() => file.#instance.open(bytes, settings));
    return file;
  }

  /**
   * LibRaw's current facts; black and white may become final only after the samples are read.
   * @throws LibRawFailure if they are invalid
   */
  metadata(): LibRawMetadata {
    const parsed = metadataShape.safeParse(this.#guarded(() => this.#instance.metadata(true)));
    if (!parsed.success) throw new LibRawFailure('damaged', 'its metadata make no sense');
    // The wrapper swaps the sides of some rotated frames but not of others; these are the sensor's
    // own.
    return { ...parsed.data, ...this.#visibleSides(parsed.data) };
  }

  #visibleSides({ raw_width, raw_height }: LibRawMetadata): { width: number; height: number } {
    const { view, base } = this.#imgdata();
    const half = (offset: number): number => view.getUint16(base + offset, true);
    if (half(fieldOffsets.rawWidth) !== raw_width || half(fieldOffsets.rawHeight) !== raw_height)
      throw layoutError('sizes');
    return { width: half(fieldOffsets.width), height: half(fieldOffsets.height) };
  }

  /**
   * The address of LibRaw's public data. The wrapper points to LibRaw, whose data follow its
   * two-word head.
   */
  #imgdata(): { view: DataView; base: number } {
    const view = new DataView(this.#memory.buffer);
    const base = view.getUint32(this.#instance.$$.ptr, true) + 8;
    if (base + fieldOffsets.asShotGainsApplied + 4 > view.byteLength) throw layoutError('imgdata');
    return { view, base };
  }

  /**
   * The fields the wrapper leaves out.
   * @throws Error (a bug) if the memory does not look like the pinned build's
   */
  hidden(known: LibRawMetadata): HiddenFields {
    const { view, base } = this.#imgdata();
    const word = (offset: number, index = 0): number =>
      view.getUint32(base + offset + 4 * index, true);

    const make = new Uint8Array(64);
    make.set(new Uint8Array(this.#memory.buffer, base + fieldOffsets.make, 64));
    if (!isSameText(cString(make), known.camera_make)) throw layoutError('make');
    if (word(fieldOffsets.filters) !== known.filters >>> 0) throw layoutError('filters');
    if (word(fieldOffsets.maximum) !== known.color_data.maximum >>> 0) throw layoutError('maximum');

    const rows = word(fieldOffsets.cblack, 4);
    const columns = word(fieldOffsets.cblack, 5);
    const isPattern = rows > 0 && columns > 0 && rows * columns <= maxBlackPattern;
    return {
      black: word(fieldOffsets.black),
      blackPerColour: [0, 1, 2, 3].map((index) => word(fieldOffsets.cblack, index)),
      blackPattern: {
        rows: isPattern ? rows : 0,
        columns: isPattern ? columns : 0,
        values: Array.from({ length: isPattern ? rows * columns : 0 }, (_, index) =>
          word(fieldOffsets.cblack, 6 + index),
        ),
      },
      linearMax: [0, 1, 2, 3].map((index) => word(fieldOffsets.linearMax, index)),
      masked: maskedRectangles(
        (index) => view.getInt32(base + fieldOffsets.mask + 4 * index, true),
        known,
      ),
      xtrans: known.filters === filtersXtrans ? this.#xtrans() : undefined,
      asShotGainsApplied: word(fieldOffsets.asShotGainsApplied),
    };
  }

  #xtrans(): string | undefined {
    const { view, base } = this.#imgdata();
    const codes = Array.from({ length: 36 }, (_, place) =>
      view.getUint8(base + fieldOffsets.xtrans + place),
    );
    const letters = codes.map((code) => 'RGB'[code] ?? '?');
    return isXTrans(letters) ? letters.join('') : undefined;
  }

  /**
   * The mosaic with its margins; undefined if the file has none.
   * @throws LibRawFailure
   */
  readSensor(): SensorSamples | undefined {
    const result = this.#guarded(() => this.#instance.rawImageData());
    if (result === undefined || result === null) return undefined;
    const parsed = sensorShape.safeParse(result);
    if (!parsed.success) return undefined;
    const {
      raw_width: width,
      raw_height: height,
      width: visibleWidth,
      height: visibleHeight,
      data,
    } = parsed.data;
    if (data.length < width * height)
      throw new LibRawFailure('damaged', 'fewer samples than the frame needs');
    return { width, height, visibleWidth, visibleHeight, samples: data };
  }

  /**
   * The picture as LibRaw develops it with the settings passed to `open`: interleaved, 16 bits.
   * @throws LibRawFailure
   */
  readDeveloped(): { width: number; height: number; channels: number; samples: Uint16Array } {
    const parsed = pictureShape.safeParse(this.#guarded(() => this.#instance.imageData()));
    if (!parsed.success) throw new LibRawFailure('damaged', 'LibRaw could not develop it');
    const { width, height, colors: channels, data } = parsed.data;
    if (data.length < width * height * channels) {
      throw new LibRawFailure('damaged', 'fewer samples than the frame needs');
    }
    return { width, height, channels, samples: data };
  }

  /**
   * The largest preview picture in the file, if it is a JPEG.
   * @throws LibRawFailure
   */
  readJpegPreview(): Uint8Array | undefined {
    const parsed = thumbnailShape.safeParse(this.#guarded(() => this.#instance.thumbnailData()));
    return parsed.success && parsed.data.format === 'jpeg' ? parsed.data.data : undefined;
  }

  #guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw toFailure(error, this.#memory);
    }
  }
}

function maskedRectangles(
  value: (index: number) => number,
  { raw_width, raw_height }: LibRawMetadata,
): (readonly [number, number, number, number])[] {
  const found: (readonly [number, number, number, number])[] = [];
  for (let index = 0; index < 8; index++) {
    const [top, left, bottom, right] = [0, 1, 2, 3].map((edge) => value(index * 4 + edge));
    if (top === undefined || left === undefined || bottom === undefined || right === undefined)
      continue;
    const isInside = top >= 0 && left >= 0 && bottom <= raw_height && right <= raw_width;
    if (isInside && bottom > top && right > left) found.push([top, left, bottom, right]);
  }
  return found;
}

/** Readers decode invalid UTF-8 (in a damaged file) differently. */
function isSameText(left: string, right: string): boolean {
  const isAscii = /^[\0-\x7f]*$/;
  return left === right || !isAscii.test(left) || !isAscii.test(right);
}

function layoutError(field: string): Error {
  return new Error(`libraw-wasm's memory is not laid out as in ${build}: ${field} differs`);
}

interface Prepared {
  readonly LibRaw: LibRawModule['LibRaw'];
  readonly memory: WebAssembly.Memory;
}

let prepared: Promise<Prepared> | undefined;

/** Prepares an instance for the file that this thread opens next. */
export async function prepareLibRaw(): Promise<void> {
  prepared ??= instantiate();
  await prepared;
}

async function instantiate(): Promise<Prepared> {
  const memory = new WebAssembly.Memory({
    initial: initialPages,
    maximum: maximumPages,
    shared: true,
  });
  const silent = (): void => undefined;
  const wasmBinary = loadBinary();
  const { LibRaw } = await createModule({
    wasmBinary,
    wasmMemory: memory,
    print: silent,
    printErr: silent,
  });
  return { LibRaw, memory };
}

let binary: Uint8Array | undefined;

function loadBinary(): Uint8Array {
  if (binary !== undefined) return binary;
  const { resolve } = createRequire(import.meta.url);
  const manifest: unknown = JSON.parse(readFileSync(resolve('libraw-wasm/package.json'), 'utf8'));
  const { version } = z.object({ version: z.string() }).parse(manifest);
  if (version !== build) throw new Error(`expected libraw-wasm ${build} but found ${version}`);
  binary = readFileSync(resolve('libraw-wasm/dist/libraw.wasm'));
  return binary;
}
