/**
 * Reads a DNG's opcode lists, which are corrections to apply to the picture (DNG 1.7.1, chapter 7).
 * The lists are always big-endian, whatever the file's byte order.
 */

import { Refusal } from '../../base/refusal.ts';

/** The samples an opcode works on. The pitches skip rows and columns in between. */
export interface Area {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
  readonly plane: number;
  readonly planes: number;
  readonly rowPitch: number;
  readonly columnPitch: number;
}

/** Gains on a grid over the picture; positions and spacings are shares of its height and width. */
export interface GainMap {
  readonly rows: number;
  readonly columns: number;
  readonly rowSpacing: number;
  readonly columnSpacing: number;
  readonly rowOrigin: number;
  readonly columnOrigin: number;
  readonly planes: number;
  /** rows × columns × planes */
  readonly gains: Float32Array;
}

/** One colour's distortion; radii and offsets are shares of the distance to the farthest corner. */
export interface WarpPlane {
  /** Factors of r⁰, r¹, r² …: source radius ÷ radius. */
  readonly radial: readonly number[];
  readonly tangential: readonly [number, number];
  /** Range of radii for which the polynomial is valid; outside it the value is constant. */
  readonly validRadius: readonly [number, number];
}

export interface Warp {
  readonly kind: 'rectilinear' | 'fisheye';
  /** One plane for all colours, or R, G, B. */
  readonly planes: readonly WarpPlane[];
  /** Optical centre, as shares of width and height. */
  readonly centreX: number;
  readonly centreY: number;
  /** The polynomial gives radius ÷ source radius instead. */
  readonly isReciprocal: boolean;
}

export type Opcode =
  | { readonly kind: 'warp'; readonly warp: Warp }
  | {
      readonly kind: 'vignette';
      /** Factors of r², r⁴ …; the gain is 1 plus their sum. */
      readonly factors: readonly number[];
      readonly centreX: number;
      readonly centreY: number;
    }
  | { readonly kind: 'bad-constant'; readonly value: number }
  | { readonly kind: 'bad-list'; readonly rectangles: readonly Rectangle[] }
  | { readonly kind: 'trim'; readonly bounds: Rectangle }
  | { readonly kind: 'table'; readonly area: Area; readonly table: Uint16Array }
  | { readonly kind: 'polynomial'; readonly area: Area; readonly factors: readonly number[] }
  | { readonly kind: 'gain-map'; readonly area: Area; readonly map: GainMap }
  | {
      readonly kind: 'per-line';
      readonly area: Area;
      readonly along: 'row' | 'column';
      readonly does: 'add' | 'multiply';
      readonly values: Float32Array;
    };

/** Right and bottom are exclusive. */
export interface Rectangle {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** Limits far above what cameras write. */
const maxOpcodes = 256;
const maxDegree = 8;
const maxList = 4_000_000;
/** Bit 0 of the flags: a reader that does not know the opcode may skip it. */
const flagOptional = 1;

const names = new Map([
  [1, 'WarpRectilinear'],
  [2, 'WarpFisheye'],
  [3, 'FixVignetteRadial'],
  [4, 'FixBadPixelsConstant'],
  [5, 'FixBadPixelsList'],
  [6, 'TrimBounds'],
  [7, 'MapTable'],
  [8, 'MapPolynomial'],
  [9, 'GainMap'],
  [10, 'DeltaPerRow'],
  [11, 'DeltaPerColumn'],
  [12, 'ScalePerRow'],
  [13, 'ScalePerColumn'],
  [14, 'WarpRectilinear2'],
]);

/** A cursor that refuses to read beyond the end. */
class Cursor {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#view.byteLength - this.#at;
  }

  long(): number {
    return this.#view.getUint32(this.#step(4));
  }

  short(): number {
    return this.#view.getUint16(this.#step(2));
  }

  float(): number {
    return finite(this.#view.getFloat32(this.#step(4)));
  }

  double(): number {
    return finite(this.#view.getFloat64(this.#step(8)));
  }

  doubles(count: number): number[] {
    return Array.from({ length: count }, () => this.double());
  }

  count(most: number): number {
    const count = this.long();
    if (count > most) throw new RangeError(`it counts ${count} where ${most} are the most`);
    return count;
  }

  floats(count: number): Float32Array {
    if (count > maxList) throw new RangeError(`it counts ${count} values`);
    this.#checkRoom(4 * count);
    return Float32Array.from({ length: count }, () => this.float());
  }

  take(byteLength: number): Uint8Array {
    const from = this.#step(byteLength);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + from, byteLength);
  }

  #step(byteLength: number): number {
    this.#checkRoom(byteLength);
    const from = this.#at;
    this.#at += byteLength;
    return from;
  }

  #checkRoom(byteLength: number): void {
    if (byteLength > this.left) throw new RangeError('it ends too early');
  }
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError('it holds a number that is none');
  return value;
}

/**
 * @param bytes value of an OpcodeList tag
 * @param name the file's own name, for messages
 * @throws Refusal `damaged-file`; `unsupported-file` for an unknown opcode that is not optional
 */
export function parseOpcodes(bytes: Uint8Array, name: string): readonly Opcode[] {
  const cursor = new Cursor(bytes);
  const found: Opcode[] = [];
  const read = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new Refusal('damaged-file', `${name} is damaged: ${what}: ${error.message}`);
    }
  };
  const count = read('its opcode list', () => cursor.count(maxOpcodes));
  for (let index = 0; index < count; index++) {
    const { id, flags, data } = read('its opcode list', () => {
      const [opcode, , flagBits] = [cursor.long(), cursor.long(), cursor.long()];
      return { id: opcode, flags: flagBits, data: cursor.take(cursor.long()) };
    });
    const known = names.get(id);
    if (known === undefined) {
      if ((flags & flagOptional) !== 0) continue;
      throw new Refusal(
        'unsupported-file',
        `${name} asks for a correction that is not known here (DNG opcode ${id})`,
      );
    }
    found.push(read(`its ${known}`, () => parseOne(id, new Cursor(data))));
  }
  return found;
}

function parseOne(id: number, cursor: Cursor): Opcode {
  switch (id) {
    case 1:
    case 2:
      return { kind: 'warp', warp: warpOf(id, cursor) };
    case 3: {
      const factors = cursor.doubles(5);
      return { kind: 'vignette', factors, centreX: cursor.double(), centreY: cursor.double() };
    }
    case 4:
      return { kind: 'bad-constant', value: cursor.long() };
    case 5:
      return { kind: 'bad-list', rectangles: badRectangles(cursor) };
    case 6:
      return { kind: 'trim', bounds: rectangleOf(cursor) };
    case 7: {
      const area = areaOf(cursor);
      const entries = cursor.count(65_536);
      if (entries === 0) throw new RangeError('its table is empty');
      return {
        kind: 'table',
        area,
        table: Uint16Array.from({ length: entries }, () => cursor.short()),
      };
    }
    case 8: {
      const area = areaOf(cursor);
      return { kind: 'polynomial', area, factors: cursor.doubles(cursor.count(maxDegree) + 1) };
    }
    case 9:
      return { kind: 'gain-map', area: areaOf(cursor), map: gainMapOf(cursor) };
    case 14:
      return { kind: 'warp', warp: warp2Of(cursor) };
    default: {
      const area = areaOf(cursor);
      return {
        kind: 'per-line',
        area,
        along: id === 10 || id === 12 ? 'row' : 'column',
        does: id <= 11 ? 'add' : 'multiply',
        values: cursor.floats(cursor.long()),
      };
    }
  }
}

function rectangleOf(cursor: Cursor): Rectangle {
  const [top, left, bottom, right] = [cursor.long(), cursor.long(), cursor.long(), cursor.long()];
  return { top, left, bottom, right };
}

function areaOf(cursor: Cursor): Area {
  const rectangle = rectangleOf(cursor);
  const [plane, planes] = [cursor.long(), cursor.long()];
  const [rowPitch, columnPitch] = [cursor.long(), cursor.long()];
  if (rowPitch < 1 || columnPitch < 1) throw new RangeError('its pitch is 0');
  return { ...rectangle, plane, planes, rowPitch, columnPitch };
}

function gainMapOf(cursor: Cursor): GainMap {
  const [rows, columns] = [cursor.long(), cursor.long()];
  const [rowSpacing, columnSpacing] = [cursor.double(), cursor.double()];
  const [rowOrigin, columnOrigin] = [cursor.double(), cursor.double()];
  const planes = cursor.long();
  if (rows < 1 || columns < 1 || planes < 1) throw new RangeError('its map is empty');
  const gains = cursor.floats(rows * columns * planes);
  return { rows, columns, rowSpacing, columnSpacing, rowOrigin, columnOrigin, planes, gains };
}

const everyRadius = [0, Number.POSITIVE_INFINITY] as const;

function warpOf(id: 1 | 2, cursor: Cursor): Warp {
  const count = planeCount(cursor);
  const planes = Array.from({ length: count }, (): WarpPlane => {
    const [a = 0, b = 0, c = 0, d = 0] = cursor.doubles(4);
    // Fisheye angles use odd powers instead, see `sourceRadius`.
    if (id === 2) return { radial: [a, b, c, d], tangential: [0, 0], validRadius: everyRadius };
    const tangential = [cursor.double(), cursor.double()] as const;
    return { radial: [a, 0, b, 0, c, 0, d], tangential, validRadius: everyRadius };
  });
  const [centreX, centreY] = [cursor.double(), cursor.double()];
  const kind = id === 1 ? 'rectilinear' : 'fisheye';
  return { kind, planes, centreX, centreY, isReciprocal: false };
}

function warp2Of(cursor: Cursor): Warp {
  const count = planeCount(cursor);
  const planes = Array.from({ length: count }, (): WarpPlane => {
    const radial = cursor.doubles(15);
    const tangential = [cursor.double(), cursor.double()] as const;
    return { radial, tangential, validRadius: [cursor.double(), cursor.double()] };
  });
  const [centreX, centreY] = [cursor.double(), cursor.double()];
  return { kind: 'rectilinear', planes, centreX, centreY, isReciprocal: cursor.long() !== 0 };
}

function planeCount(cursor: Cursor): number {
  const planes = cursor.long();
  if (planes !== 1 && planes !== 3) throw new RangeError(`it is for ${planes} colours`);
  return planes;
}

function badRectangles(cursor: Cursor): Rectangle[] {
  // The phase tells the colour of the first sample, which the mosaic already knows.
  cursor.long();
  const points = cursor.count(maxList);
  const rectangles = cursor.count(maxList);
  if (points * 8 + rectangles * 16 > cursor.left) throw new RangeError('it ends too early');
  const found: Rectangle[] = [];
  for (let index = 0; index < points; index++) {
    const [top, left] = [cursor.long(), cursor.long()];
    found.push({ top, left, bottom: top + 1, right: left + 1 });
  }
  for (let index = 0; index < rectangles; index++) found.push(rectangleOf(cursor));
  return found;
}
