/**
 * ICC profiles of the output spaces, computed from their primaries (ICC.1:2022, version 4.4,
 * three-component matrix profile). The bytes depend only on the space.
 */

import { createHash } from 'node:crypto';

import type { OutputSpace } from '../raw/image.ts';

/** `(a·x + b)^g` for x ≥ `d`, `c·x` below: ICC's parametric curve type 3, decoding direction. */
interface Curve {
  readonly g: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

type Chromaticity = readonly [x: number, y: number];

interface SpaceDefinition {
  readonly name: string;
  readonly primaries: readonly [Chromaticity, Chromaticity, Chromaticity];
  readonly curve: Curve;
}

/** IEC 61966-2-1. */
const srgbCurve: Curve = { g: 2.4, a: 1 / 1.055, b: 0.055 / 1.055, c: 1 / 12.92, d: 0.04045 };

/** ITU-R BT.2020-2, with alpha and beta to full precision. */
const bt2020Alpha = 1.09929682680944;
const bt2020Beta = 0.018053968510807;
const bt2020Curve: Curve = {
  g: 1 / 0.45,
  a: 1 / bt2020Alpha,
  b: (bt2020Alpha - 1) / bt2020Alpha,
  c: 1 / 4.5,
  d: 4.5 * bt2020Beta,
};

const spaces: Readonly<Record<OutputSpace, SpaceDefinition>> = {
  srgb: {
    name: 'sRGB',
    primaries: [[0.64, 0.33], [0.3, 0.6], [0.15, 0.06]], // prettier-ignore
    curve: srgbCurve,
  },
  'display-p3': {
    name: 'Display P3',
    primaries: [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06]], // prettier-ignore
    curve: srgbCurve,
  },
  rec2020: {
    name: 'Rec. 2020',
    primaries: [[0.708, 0.292], [0.17, 0.797], [0.131, 0.046]], // prettier-ignore
    curve: bt2020Curve,
  },
};

const d65White: Chromaticity = [0.3127, 0.329];
/** White of the profile connection space, rounded as in the ICC specification. */
const d50Xyz: readonly number[] = [0.9642, 1, 0.8249];
/** Bradford's cone response (ICC.1:2022, annex E). */
const bradford: readonly number[] = [
  0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296,
];

function multiply(left: readonly number[], right: readonly number[]): number[] {
  const columns = right.length / 3;
  return Array.from({ length: 3 * columns }, (_, at) => {
    const row = Math.floor(at / columns) * 3;
    const column = at % columns;
    return [0, 1, 2].reduce((sum, k) => sum + left[row + k]! * right[k * columns + column]!, 0);
  });
}

function invert(m: readonly number[]): number[] {
  const cofactor = (r: number, c: number): number => {
    const at = (i: number, j: number): number => m[((r + i) % 3) * 3 + ((c + j) % 3)]!;
    return at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1);
  };
  const determinant = [0, 1, 2].reduce((sum, c) => sum + m[c]! * cofactor(0, c), 0);
  return Array.from({ length: 9 }, (_, at) => cofactor(at % 3, Math.floor(at / 3)) / determinant);
}

const toXyz = ([x, y]: Chromaticity): number[] => [x / y, 1, (1 - x - y) / y];

const diagonal = ([a = 0, b = 0, c = 0]: readonly number[]): number[] => [
  a,
  0,
  0,
  0,
  b,
  0,
  0,
  0,
  c,
];

/** D65 → D50, von Kries in Bradford's cone space. */
function whiteAdaptation(): number[] {
  const source = multiply(bradford, toXyz(d65White));
  const target = multiply(bradford, d50Xyz);
  const scale = diagonal(target.map((value, cone) => value / source[cone]!));
  return multiply(invert(bradford), multiply(scale, bradford));
}

/** Linear RGB → XYZ under D50, row-major. */
function rgbToXyzD50(primaries: SpaceDefinition['primaries']): number[] {
  const [r, g, b] = primaries.map(toXyz);
  const columns = [0, 1, 2].flatMap((row) => [r![row]!, g![row]!, b![row]!]);
  const weights = multiply(invert(columns), toXyz(d65White));
  return multiply(whiteAdaptation(), multiply(columns, diagonal(weights)));
}

function fixedPoint(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries())
    bytes.writeInt32BE(Math.round(value * 65536), index * 4);
  return bytes;
}

function typed(signature: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(signature, 'latin1'), Buffer.alloc(4), body]);
}

const xyzTag = (xyz: readonly number[]): Buffer => typed('XYZ ', fixedPoint(xyz));

function textTag(text: string): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32BE(1, 0);
  head.writeUInt32BE(12, 4);
  head.write('enUS', 8, 'latin1');
  head.writeUInt32BE(text.length * 2, 12);
  head.writeUInt32BE(28, 16);
  return typed('mluc', Buffer.concat([head, Buffer.from(text, 'utf16le').swap16()]));
}

function curveTag({ g, a, b, c, d }: Curve): Buffer {
  return typed('para', Buffer.concat([Buffer.from([0, 3, 0, 0]), fixedPoint([g, a, b, c, d])]));
}

const headerBytes = 128;

function header(profileBytes: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt32BE(profileBytes, 0);
  bytes.writeUInt32BE(0x04400000, 8);
  bytes.write('mntrRGB XYZ ', 12, 'latin1');
  // A fixed date makes the bytes the same on every machine and day.
  for (const [index, part] of [2024, 1, 1, 0, 0, 0].entries())
    bytes.writeUInt16BE(part, 24 + index * 2);
  bytes.write('acsp', 36, 'latin1');
  fixedPoint(d50Xyz).copy(bytes, 68);
  return bytes;
}

function build({ name, primaries, curve }: SpaceDefinition): Uint8Array {
  const matrix = rgbToXyzD50(primaries);
  const column = (index: number): number[] => [
    matrix[index]!,
    matrix[index + 3]!,
    matrix[index + 6]!,
  ];
  const trc = curveTag(curve);
  const tags: readonly (readonly [string, Buffer])[] = [
    ['desc', textTag(name)],
    ['cprt', textTag('Public domain')],
    ['wtpt', xyzTag(d50Xyz)],
    ['chad', typed('sf32', fixedPoint(whiteAdaptation()))],
    ['rXYZ', xyzTag(column(0))],
    ['gXYZ', xyzTag(column(1))],
    ['bXYZ', xyzTag(column(2))],
    ['rTRC', trc],
    ['gTRC', trc],
    ['bTRC', trc],
  ];
  const table = Buffer.alloc(4 + tags.length * 12);
  table.writeUInt32BE(tags.length, 0);
  const places = new Map<Buffer, number>();
  const bodies: Buffer[] = [];
  let cursor = headerBytes + table.length;
  for (const [index, [signature, data]] of tags.entries()) {
    // The three curves share one copy, which the specification allows.
    if (!places.has(data)) {
      places.set(data, cursor);
      const padded = Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
      bodies.push(padded);
      cursor += padded.length;
    }
    const at = 4 + index * 12;
    table.write(signature, at, 'latin1');
    table.writeUInt32BE(places.get(data)!, at + 4);
    table.writeUInt32BE(data.length, at + 8);
  }
  const profile = Buffer.concat([header(cursor), table, ...bodies]);
  // The profile's ID: its MD5 with flags, intent and ID set to zero, as they still are here.
  createHash('md5').update(profile).digest().copy(profile, 84);
  return profile;
}

const built = new Map<OutputSpace, Uint8Array>();

/** The profile of an output space, about 600 bytes. Callers must not change it. */
export function iccProfile(space: OutputSpace): Uint8Array {
  const profile = built.get(space) ?? build(spaces[space]);
  built.set(space, profile);
  return profile;
}
