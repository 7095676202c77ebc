/** Damages RAW files at random, and says what is wrong with a decoded one. */

import type { DecodedRaw } from '../../main/raw/mosaic.ts';

/** `from` to `to` is where a format's structure lies; the samples around it cannot confuse a reader. */
export interface Source {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly structure: (length: number) => readonly [number, number];
}

const tellingBytes = [0, 1, 0x7f, 0x80, 0xff] as const;

/** One to eight bytes changed in the structure, and one time in six the file cut or stretched too. */
export function mutate({ bytes, structure }: Source, next: () => number): Uint8Array {
  const damaged = bytes.slice();
  const [from, to] = structure(bytes.length);
  for (let left = 1 + (next() % 8); left > 0; left--) {
    const at = from + (next() % (to - from));
    damaged[at] = next() % 3 === 0 ? tellingBytes[next() % tellingBytes.length]! : next() % 256;
  }
  if (next() % 6 !== 0) return damaged;
  if (next() % 4 !== 0) return damaged.subarray(0, next() % damaged.length);
  const stretched = new Uint8Array(damaged.length + 20);
  stretched.set(damaged.subarray(0, 20));
  stretched.set(damaged, 20);
  return stretched;
}

/** What is impossible about a decoded file; undefined if it is well-formed. */
export function faultOf(raw: DecodedRaw): string | undefined {
  const frame = raw.kind === 'mosaic' ? raw.mosaic : raw.frame;
  const { width, height, samples, colour } = frame;
  if (width < 22 || height < 22) return `a frame of ${width}×${height}`;
  const expected = width * height * (raw.kind === 'mosaic' ? 1 : 3);
  if (samples.length !== expected) return `${samples.length} samples instead of ${expected}`;
  if (!(frame.orientation >= 1 && frame.orientation <= 8)) return 'an impossible orientation';
  if (!colour.asShotGains.every((gain) => Number.isFinite(gain) && gain > 0)) {
    return `gains of ${colour.asShotGains.join(', ')}`;
  }
  if (!colour.xyzToCamera.every(Number.isFinite)) return 'a matrix that is not finite';
  if (!Number.isFinite(frame.baselineExposureStops)) return 'an exposure that is not finite';
  if (Object.values(frame.shot).some(Number.isNaN)) return 'a fact of the shot that is no number';
  if (raw.kind === 'linear') {
    return raw.frame.samples.every(Number.isFinite) ? undefined : 'samples that are not finite';
  }
  const { cfa, blackLevel, whiteLevel } = raw.mosaic;
  if (!['RGGB', 'BGGR', 'GRBG', 'GBRG'].includes(cfa)) return `a layout of ${cfa}`;
  const isInside = blackLevel.every((level) => level >= 0 && level < whiteLevel);
  return isInside && whiteLevel <= 65_535
    ? undefined
    : `black ${blackLevel.join(', ')} and white ${whiteLevel}`;
}
