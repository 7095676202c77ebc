/**
 * Determines black and white levels of a mosaic's sites from LibRaw's fields, DNG's tags and the
 * masked margins.
 */

import { cfaOf } from './cfa.ts';
import type { HiddenFields, LibRawMetadata, SensorSamples } from './libraw.ts';
import type { CfaPattern, PerSite } from './mosaic.ts';
import type { TiffDirectory } from './tiff-tags.ts';

/**
 * LibRaw's colour number (0 R, 1 G of the red rows, 2 B, 3 G of the blue rows) at a position in the
 * visible area.
 */
function colourAt(filters: number, row: number, column: number): number {
  return (filters >>> ((((row << 1) & 14) + (column & 1)) << 1)) & 3;
}

/**
 * The Bayer layout described by LibRaw's `filters` and `cdesc`, seen from the visible area's
 * corner; undefined for other layouts.
 */
export function bayerLayout(filters: number, colourNames: string): CfaPattern | undefined {
  const nameAt = (row: number, column: number): string =>
    colourNames[colourAt(filters, row, column)] ?? '?';
  for (let row = 2; row < 8; row++) {
    for (const column of [0, 1]) {
      if (nameAt(row, column) !== nameAt(row % 2, column)) return undefined;
    }
  }
  return cfaOf(nameAt(0, 0) + nameAt(0, 1) + nameAt(1, 0) + nameAt(1, 1));
}

/**
 * How far LibRaw shifted the visible corner from the file's own, because it rounds odd margins up
 * to even.
 */
export interface CornerMoved {
  readonly rows: number;
  readonly columns: number;
}

type Pattern = HiddenFields['blackPattern'];

/** Averages the positions of a repeating pattern that coincide with each of the four sites. */
function patternPerSite({ rows, columns, values }: Pattern, moved: CornerMoved): PerSite {
  if (rows === 0 || columns === 0) return [0, 0, 0, 0];
  const sums = [0, 0, 0, 0];
  // Twice the pattern's sides always contain a whole number of 2×2 cells.
  for (let row = 0; row < 2 * rows; row++) {
    for (let column = 0; column < 2 * columns; column++) {
      const place = ((row + moved.rows) % rows) * columns + ((column + moved.columns) % columns);
      sums[(row % 2) * 2 + (column % 2)]! += values[place] ?? 0;
    }
  }
  const [a = 0, b = 0, c = 0, d = 0] = sums.map((sum) => sum / (rows * columns));
  return [a, b, c, d];
}

/** Black levels from LibRaw's parts: a common one, one per colour, and a repeating pattern. */
export function libRawBlack(hidden: HiddenFields, filters: number, moved: CornerMoved): PerSite {
  const pattern = patternPerSite(hidden.blackPattern, moved);
  const at = (row: number, column: number): number =>
    hidden.black +
    (hidden.blackPerColour[colourAt(filters, row, column)] ?? 0) +
    pattern[row * 2 + column]!;
  return [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
}

/** Black level of a plane (R, G, B) in a file without a mosaic. */
export function libRawPlaneBlack(
  { black, blackPerColour, blackPattern }: HiddenFields,
  colour: number,
): number {
  const { values } = blackPattern;
  const pattern =
    values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  return black + (blackPerColour[colour] ?? 0) + pattern;
}

const blackRepeat = 50_713;
const blackLevel = 50_714;
const blackDeltas = [50_715, 50_716] as const;
const activeArea = 50_829;
const maxPatternSide = 16;

/**
 * Black levels as a DNG states them. LibRaw drops their fractions, and a quarter of a digit becomes
 * a colour cast after ×100.
 */
export function dngBlack(image: TiffDirectory, moved: CornerMoved): PerSite | undefined {
  const [rows = 1, columns = 1] = image.numbers(blackRepeat);
  const values = image.numbers(blackLevel);
  const isPattern =
    rows >= 1 && columns >= 1 && rows <= maxPatternSide && columns <= maxPatternSide;
  if (!isPattern || values.length < rows * columns || !values.every(Number.isFinite))
    return undefined;
  // Per-row and per-column parts vary by fractions of a digit; a site has their mean.
  const deltas = blackDeltas.map((tag) => image.numbers(tag)).filter((list) => list.length > 0);
  const delta = deltas.reduce(
    (sum, list) => sum + list.reduce((a, b) => a + b, 0) / list.length,
    0,
  );
  const [a, b, c, d] = patternPerSite({ rows, columns, values }, moved);
  const black: PerSite = [a + delta, b + delta, c + delta, d + delta];
  return black.every(Number.isFinite) ? black : undefined;
}

/** Distance of LibRaw's visible corner from a DNG's ActiveArea corner. */
export function cornerMoved(
  image: TiffDirectory | undefined,
  metadata: LibRawMetadata,
): CornerMoved {
  const [top = 0, left = 0] = image?.numbers(activeArea) ?? [];
  const rows = metadata.top_margin - top;
  const columns = metadata.left_margin - left;
  return { rows: rows === 1 ? 1 : 0, columns: columns === 1 ? 1 : 0 };
}

/**
 * The level at which a site saturates. LibRaw's `maximum` belongs to the format. If the camera
 * writes one, `linear_max` is this sensor's actual limit (Canon's specular white, Sony's white
 * level). For Nikon, LibRaw only guesses it as maximum / 1.07, so it is ignored.
 */
export function whiteLevelOf(metadata: LibRawMetadata, hidden: HiddenFields): number {
  const { maximum } = metadata.color_data;
  const isWritten = metadata.dng_version === 0 && !/^nikon/i.test(metadata.camera_make);
  const lowest = Math.min(...hidden.linearMax.slice(0, 3));
  return isWritten && lowest > maximum / 2 && lowest < maximum ? lowest : maximum;
}

/** Samples closest to a mask's edge receive stray light and charge. */
const maskGuard = 2;
const minMaskedPerSite = 256;

/**
 * Mean of the masked margin per site, in the visible area's site order. Undefined unless the margin
 * exists, is clear of the picture, quiet, and close to the declared level. A margin that was
 * exposed to light, or a declared level that cannot be verified, would tint the shadows.
 */
export function opticalBlackOf(
  sensor: SensorSamples,
  metadata: LibRawMetadata,
  hidden: HiddenFields,
  declared: PerSite,
  whiteLevel: number,
): PerSite | undefined {
  const { top_margin: top, left_margin: left, width, height } = metadata;
  const count = [0, 0, 0, 0];
  const sum = [0, 0, 0, 0];
  const squares = [0, 0, 0, 0];
  for (const [maskTop, maskLeft, maskBottom, maskRight] of hidden.masked) {
    const isOverPicture =
      maskTop < top + height && maskBottom > top && maskLeft < left + width && maskRight > left;
    if (isOverPicture) continue;
    for (let y = maskTop + maskGuard; y < maskBottom - maskGuard; y++) {
      for (let x = maskLeft + maskGuard; x < maskRight - maskGuard; x++) {
        const site = ((y + top) % 2) * 2 + ((x + left) % 2);
        const above = sensor.samples[y * sensor.width + x]! - declared[site]!;
        count[site]! += 1;
        sum[site]! += above;
        squares[site]! += above * above;
      }
    }
  }
  const means: number[] = [];
  for (let site = 0; site < 4; site++) {
    if (count[site]! < minMaskedPerSite || declared[site]! <= 0) return undefined;
    const range = whiteLevel - declared[site]!;
    const mean = sum[site]! / count[site]!;
    const deviation = Math.sqrt(Math.max(0, squares[site]! / count[site]! - mean * mean));
    if (Math.abs(mean) > range / 200 || deviation > range / 32) return undefined;
    means.push(declared[site]! + mean);
  }
  const [a = 0, b = 0, c = 0, d = 0] = means;
  return [a, b, c, d];
}
