/**
 * Converts a DNG's stored numbers to light by the specification: opcode list 1, linearization,
 * black, white, lists 2 and 3, on the part of the picture that the file shows (DNG 1.7.1, chapter
 * 5, "Mapping Raw Values to Linear Reference Values").
 */

import { Refusal } from '../base/refusal.ts';
import { tagCodes, rawImages, type Container } from './container.ts';
import { decodeDeveloped } from './developed-tag.ts';
import { activeArea, defaultCrop, intersection, moved, userCrop } from './dng-areas.ts';
import { applyOpcodes, type Applied } from './opcodes/apply.ts';
import type { Light } from './opcodes/light.ts';
import { parseOpcodes, type Opcode, type Rectangle, type Warp } from './opcodes/parse.ts';
import type { PlacedWarp } from './mosaic.ts';
import type { Plane } from './payload/plane.ts';
import { sensorKind, type SensorKind } from './sensor-kind.ts';
import type { TiffDirectory } from './tiff-tags.ts';

const opcodeLists = [51_008, 51_009, 51_022] as const;
const newSubfileType = 254;
const privateData = 50_740;
const linearizationTable = 50_712;
const blackRepeat = 50_713;
const blackLevel = 50_714;
const blackPerColumn = 50_715;
const blackPerRow = 50_716;
const whiteLevel = 50_717;
const maxPatternSide = 16;

/** A DNG's own description of its raw picture. */
export interface DngFile {
  readonly first: TiffDirectory;
  /** The directory of the raw picture. */
  readonly image: TiffDirectory;
  readonly littleEndian: boolean;
  /** Undefined if the tags do not tell. */
  readonly kind: SensorKind | undefined;
  /** Opcode lists 1 to 3. */
  readonly lists: OpcodeLists;
  /** As in `LinearFrame`. */
  readonly developed?: string;
}

/** The picture's light: black is 0, white is 1, noise below black is negative. */
export interface LitFrame {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly samples: Float32Array;
  /** Position in the active area. */
  readonly left: number;
  readonly top: number;
  readonly warps: readonly PlacedWarp[];
  readonly gain: Applied['gain'];
}

/** The three opcode lists of a DNG. */
export type OpcodeLists = readonly [readonly Opcode[], readonly Opcode[], readonly Opcode[]];

const isPicture = (image: TiffDirectory): boolean => (image.number(newSubfileType) ?? 0) === 0;

/**
 * The tags of a DNG; undefined for other formats.
 * @param name the file's own name, for messages
 * @throws Refusal as `parseOpcodes` and `sensorKind`
 */
export function dngFileOf(container: Container, name: string): DngFile | undefined {
  if (container.kind !== 'tiff' || !container.isDng) return undefined;
  const { tiff } = container;
  const [first] = tiff.images;
  const area = (image: TiffDirectory): number =>
    (image.number(tagCodes.imageWidth) ?? 0) * (image.number(tagCodes.imageLength) ?? 0);
  const [image] = rawImages(tiff).toSorted(
    (a, b) => Number(isPicture(b)) - Number(isPicture(a)) || area(b) - area(a),
  );
  if (first === undefined || image === undefined) return undefined;
  const list = (tag: number): readonly Opcode[] => {
    const bytes = image.bytes(tag) ?? first.bytes(tag);
    return bytes === undefined ? [] : parseOpcodes(bytes, name);
  };
  const [one, two, three] = opcodeLists;
  const mark = first.bytes(privateData);
  const developed = mark && decodeDeveloped(mark);
  return {
    first,
    image,
    littleEndian: tiff.littleEndian,
    kind: sensorKind(image, name),
    lists: [list(one), list(two), list(three)],
    ...(developed === undefined ? {} : { developed }),
  };
}

/** All distortions in the lists, in order. */
export function warpsOf(lists: OpcodeLists): readonly Warp[] {
  return lists.flat().flatMap((opcode) => (opcode.kind === 'warp' ? [opcode.warp] : []));
}

/** The part of the stored samples that is shown, in stored coordinates, and the active area. */
export function shownPart(
  { first, image, lists, developed }: DngFile,
  { width, height }: { readonly width: number; readonly height: number },
): { readonly active: Rectangle; readonly shown: Rectangle } {
  const active = activeArea(image, width, height);
  const size = { width: active.right - active.left, height: active.bottom - active.top };
  let shown = moved(
    developed === undefined
      ? userCrop(first, image, defaultCrop(image, size))
      : // The crop is among the edits.
        defaultCrop(image, size),
    active.top,
    active.left,
  );
  for (const [index, opcodes] of lists.entries()) {
    for (const opcode of opcodes) {
      if (opcode.kind !== 'trim') continue;
      // The first list uses coordinates of the stored samples, the others those of the active area.
      const bounds = index === 0 ? opcode.bounds : moved(opcode.bounds, active.top, active.left);
      shown = intersection(shown, bounds);
    }
  }
  return { active, shown };
}

interface LightOptions {
  /** Distance to the next sample of the same colour. */
  readonly colourPitch: number;
  /** Whether the linearization table was already applied when the samples were read. */
  readonly isLinearised: boolean;
  /** White level if the file states none. */
  readonly white?: number;
}

/**
 * @param name the file's own name, for messages
 * @throws Refusal `damaged-file` if black and white are invalid
 */
export function lightOf(
  plane: Plane,
  dng: DngFile,
  { colourPitch, isLinearised, white }: LightOptions,
  name: string,
): LitFrame {
  const { image, lists } = dng;
  const { active, shown } = shownPart(dng, plane);
  const { channels } = plane;
  const isFloat = plane.bits === undefined;
  const [width, height] = [shown.right - shown.left, shown.bottom - shown.top];
  const stored: Light = {
    width,
    height,
    channels,
    samples: cut(plane, shown),
    left: shown.left,
    top: shown.top,
    fullWidth: plane.width,
    fullHeight: plane.height,
    colourPitch,
    scale: isFloat ? 1 : 65_535,
    limit: isFloat ? Number.POSITIVE_INFINITY : 1,
  };
  const before = onStored(stored, lists[0]);
  if (!isLinearised) linearise(stored.samples, image);
  const [left, top] = [shown.left - active.left, shown.top - active.top];
  const levels = levelsOf(plane, image, { active, white }, name);
  subtractBlack(stored, levels, left, top);
  const light: Light = {
    ...stored,
    left,
    top,
    fullWidth: active.right - active.left,
    fullHeight: active.bottom - active.top,
  };
  const second = applyOpcodes(light, lists[1]);
  const third = applyOpcodes(light, lists[2]);
  const all = [before, second, third];
  return {
    width,
    height,
    channels,
    samples: stored.samples,
    left,
    top,
    warps: placedWarps(
      all.flatMap(({ warps }) => warps),
      active,
      shown,
    ),
    gain: {
      mean: all.reduce((product, { gain }) => product * gain.mean, 1),
      most: all.reduce((product, { gain }) => product * gain.most, 1),
    },
  };
}

/** Distortions use coordinates of the active area, which contains the frame. */
export function placedWarps(
  warps: readonly Warp[],
  active: Rectangle,
  shown: Rectangle,
): readonly PlacedWarp[] {
  return warps.map((warp) => ({
    warp,
    left: shown.left - active.left,
    top: shown.top - active.top,
    fullWidth: active.right - active.left,
    fullHeight: active.bottom - active.top,
  }));
}

function cut(
  { width, channels, samples }: Plane,
  { top, left, bottom, right }: Rectangle,
): Float32Array {
  const rowSamples = (right - left) * channels;
  const found = new Float32Array(rowSamples * (bottom - top));
  for (let row = top; row < bottom; row++) {
    const from = (row * width + left) * channels;
    found.set(samples.subarray(from, from + rowSamples), (row - top) * rowSamples);
  }
  return found;
}

/** List 1 counts in 16-bit shares, so the samples are converted to these and back. */
function onStored(light: Light, opcodes: readonly Opcode[]): Applied {
  if (opcodes.length === 0) return applyOpcodes(light, opcodes);
  const { samples, scale } = light;
  for (let i = 0; i < samples.length; i++) samples[i]! /= scale;
  const applied = applyOpcodes(light, opcodes);
  for (let i = 0; i < samples.length; i++) samples[i]! *= scale;
  return applied;
}

/** Numbers beyond the table's end take its last entry (DNG 1.4, LinearizationTable). */
function linearise(samples: Float32Array, image: TiffDirectory): void {
  const table = image.numbers(linearizationTable);
  if (table.length === 0) return;
  const last = table.length - 1;
  for (let i = 0; i < samples.length; i++)
    samples[i] = table[Math.min(last, Math.max(0, Math.round(samples[i]!)))]!;
}

interface Levels {
  readonly rows: number;
  readonly columns: number;
  /** rows × columns × channels, repeating from the active area's corner. */
  readonly black: readonly number[];
  readonly perRow: readonly number[];
  readonly perColumn: readonly number[];
  /** One for each channel. */
  readonly white: readonly number[];
}

function levelsOf(
  { channels, bits }: Plane,
  image: TiffDirectory,
  { active, white: unstated }: { active: Rectangle; white: number | undefined },
  name: string,
): Levels {
  const [rows = 1, columns = 1] = image.numbers(blackRepeat);
  const stated = image.numbers(blackLevel);
  const isPattern =
    rows >= 1 && columns >= 1 && rows <= maxPatternSide && columns <= maxPatternSide;
  const count = rows * columns * channels;
  // One level for all is common, although the specification does not allow it.
  const black =
    stated.length === 0
      ? Array<number>(count).fill(0)
      : stated.length === 1
        ? Array<number>(count).fill(stated[0]!)
        : stated.slice(0, count);
  const whites = image.numbers(whiteLevel);
  const full = unstated ?? (bits === undefined ? 1 : 2 ** bits - 1);
  const white = Array.from(
    { length: channels },
    (_, channel) => whites[channel] ?? whites[0] ?? full,
  );
  const perColumn = image.numbers(blackPerColumn);
  const perRow = image.numbers(blackPerRow);
  const fits =
    (perColumn.length === 0 || perColumn.length === active.right - active.left) &&
    (perRow.length === 0 || perRow.length === active.bottom - active.top);
  const least = bits === undefined ? 1e-6 : 16;
  const isOrdered =
    isPattern &&
    black.length === count &&
    black.every((level, index) => level + least <= white[index % channels]!);
  if (!isOrdered || !fits || ![...perColumn, ...perRow].every(Number.isFinite)) {
    throw new Refusal(
      'damaged-file',
      `${name} is damaged: black ${stated.join(', ')} and white ${white.join(', ')} make no sense`,
    );
  }
  return { rows, columns, black, perRow, perColumn, white };
}

function subtractBlack(light: Light, levels: Levels, left: number, top: number): void {
  const { width, height, channels, samples } = light;
  const { rows, columns, black, perRow, perColumn, white } = levels;
  const scale = black.map((level, index) => 1 / (white[index % channels]! - level));
  // Position within the repeating pattern for each column, computed once for all rows.
  const places = Uint32Array.from({ length: width }, (_, x) => ((left + x) % columns) * channels);
  for (let y = 0, at = 0; y < height; y++) {
    const patternRow = ((top + y) % rows) * columns * channels;
    const ofRow = perRow[top + y] ?? 0;
    for (let x = 0; x < width; x++) {
      const delta = ofRow + (perColumn[left + x] ?? 0);
      const place = patternRow + places[x]!;
      for (let channel = 0; channel < channels; channel++, at++) {
        samples[at] = (samples[at]! - black[place + channel]! - delta) * scale[place + channel]!;
      }
    }
  }
}

/** Whether the samples must be processed as light, or can remain the file's own whole numbers. */
export function needsLight({ image, lists }: DngFile): boolean {
  const [rows = 1, columns = 1] = image.numbers(blackRepeat);
  const isFine = (side: number): boolean => side === 1 || side === 2;
  const varies = (tag: number): boolean => {
    const values = image.numbers(tag);
    return values.some((value) => value !== values[0]);
  };
  return (
    !isFine(rows) ||
    !isFine(columns) ||
    varies(blackPerColumn) ||
    varies(blackPerRow) ||
    lists.some((opcodes) => opcodes.some(({ kind }) => kind !== 'warp' && kind !== 'trim'))
  );
}
