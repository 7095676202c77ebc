/** Applies opcodes that only change the light: gains, maps, offsets, bad pixels. */

import type { Light } from './light.ts';
import { mendConstant, mendRectangles } from './bad-pixels.ts';
import type { Area, GainMap, Opcode, Rectangle, Warp } from './parse.ts';

/** What remains to be done elsewhere, and the effect on the noise. */
export interface Applied {
  /** In the order of application. */
  readonly warps: readonly Warp[];
  /** In the coordinates of the opcodes. */
  readonly trim: Rectangle | undefined;
  /** Mean and maximum of the factors applied to samples. */
  readonly gain: { readonly mean: number; readonly most: number };
}

/**
 * Applies a list in order. Warps are only collected, because they move pixels, which a mosaic does
 * not have.
 */
export function applyOpcodes(light: Light, opcodes: readonly Opcode[]): Applied {
  const warps: Warp[] = [];
  let trim: Rectangle | undefined;
  let [mean, most] = [1, 1];
  for (const opcode of opcodes) {
    switch (opcode.kind) {
      case 'warp':
        warps.push(opcode.warp);
        break;
      case 'trim':
        trim = opcode.bounds;
        break;
      case 'bad-constant':
        mendConstant(light, opcode.value / light.scale);
        break;
      case 'bad-list':
        mendRectangles(light, opcode.rectangles);
        break;
      case 'vignette':
      case 'gain-map': {
        const gain = opcode.kind === 'vignette' ? vignette(light, opcode) : gainMap(light, opcode);
        mean *= gain.mean;
        most *= gain.most;
        break;
      }
      case 'table':
        mapTable(light, opcode.area, opcode.table);
        break;
      case 'polynomial':
        polynomial(light, opcode.area, opcode.factors);
        break;
      case 'per-line':
        perLine(light, opcode);
        break;
    }
  }
  return { warps, trim, gain: { mean, most } };
}

/** Calls back for each sample of an area, with its row and column in the area's picture. */
function eachOf(
  light: Light,
  area: Area,
  work: (at: number, row: number, column: number, plane: number) => void,
): void {
  const { width, height, channels, left, top } = light;
  const first = (from: number, pitch: number, start: number): number =>
    from >= start ? from : from + Math.ceil((start - from) / pitch) * pitch;
  const firstRow = first(area.top, area.rowPitch, top);
  const firstColumn = first(area.left, area.columnPitch, left);
  const bottom = Math.min(area.bottom, top + height);
  const right = Math.min(area.right, left + width);
  const lastPlane = Math.min(area.plane + area.planes, channels);
  for (let row = firstRow; row < bottom; row += area.rowPitch) {
    for (let column = firstColumn; column < right; column += area.columnPitch) {
      const at = ((row - top) * width + column - left) * channels;
      for (let plane = area.plane; plane < lastPlane; plane++) work(at + plane, row, column, plane);
    }
  }
}

interface Gain {
  readonly mean: number;
  readonly most: number;
}

function gainMap(light: Light, { area, map }: Extract<Opcode, { kind: 'gain-map' }>): Gain {
  const { samples, limit } = light;
  const rows = places(light.fullHeight, map.rows, map.rowOrigin, map.rowSpacing);
  const columns = places(light.fullWidth, map.columns, map.columnOrigin, map.columnSpacing);
  let [count, sum, most] = [0, 0, 0];
  eachOf(light, area, (at, row, column, plane) => {
    const gain = gainAt(map, rows[row]!, columns[column]!, Math.min(plane, map.planes - 1));
    count += 1;
    sum += gain;
    most = Math.max(most, gain);
    samples[at] = Math.min(limit, samples[at]! * gain);
  });
  // A map for one of four sites counts only for its share.
  const share = count / samples.length;
  return count === 0
    ? { mean: 1, most: 1 }
    : { mean: 1 + share * (sum / count - 1), most: 1 + share * (most - 1) };
}

/** For each row or column, the position in the map; its whole part is the preceding point. */
function places(size: number, points: number, origin: number, spacing: number): Float64Array {
  return Float64Array.from({ length: size }, (_, index) => {
    if (points === 1 || !(spacing > 0)) return 0;
    const place = ((index + 0.5) / size - origin) / spacing;
    return Math.min(points - 1, Math.max(0, place));
  });
}

function gainAt(map: GainMap, row: number, column: number, plane: number): number {
  const { rows, columns, planes, gains } = map;
  const [y, x] = [Math.floor(row), Math.floor(column)];
  const [below, beside] = [Math.min(rows - 1, y + 1), Math.min(columns - 1, x + 1)];
  const [dy, dx] = [row - y, column - x];
  const at = (r: number, c: number): number => gains[(r * columns + c) * planes + plane]!;
  const upper = at(y, x) * (1 - dx) + at(y, beside) * dx;
  return upper * (1 - dy) + (at(below, x) * (1 - dx) + at(below, beside) * dx) * dy;
}

/** Gain 1 + k₀r² + k₁r⁴ + …, r = 1 at the corner farthest from the centre. */
function vignette(
  light: Light,
  { factors, centreX, centreY }: Extract<Opcode, { kind: 'vignette' }>,
): Gain {
  const { width, height, channels, samples, left, top, fullWidth, fullHeight, limit } = light;
  const [x0, y0] = [centreX * fullWidth, centreY * fullHeight];
  const farX = Math.max(x0, fullWidth - x0);
  const farY = Math.max(y0, fullHeight - y0);
  const unit = 1 / (farX * farX + farY * farY);
  let [sum, most] = [0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    const dy = top + y + 0.5 - y0;
    for (let x = 0; x < width; x++) {
      const dx = left + x + 0.5 - x0;
      const r2 = (dx * dx + dy * dy) * unit;
      let gain = 0;
      for (let power = factors.length - 1; power >= 0; power--)
        gain = (gain + factors[power]!) * r2;
      gain += 1;
      sum += gain;
      most = Math.max(most, gain);
      for (const end = at + channels; at < end; at++)
        samples[at] = Math.min(limit, samples[at]! * gain);
    }
  }
  return { mean: sum / (width * height), most };
}

function mapTable(light: Light, area: Area, table: Uint16Array): void {
  const { samples } = light;
  const last = table.length - 1;
  // A table uses 16-bit numbers, of which the largest is 1.
  eachOf(light, area, (at) => {
    const place = Math.min(last, Math.max(0, samples[at]! * 65_535));
    const below = Math.floor(place);
    const above = Math.min(last, below + 1);
    samples[at] = (table[below]! + (table[above]! - table[below]!) * (place - below)) / 65_535;
  });
}

function polynomial(light: Light, area: Area, factors: readonly number[]): void {
  const { samples, limit } = light;
  eachOf(light, area, (at) => {
    const x = samples[at]!;
    let value = 0;
    for (let power = factors.length - 1; power >= 0; power--) value = value * x + factors[power]!;
    samples[at] = Math.min(limit, value);
  });
}

function perLine(
  light: Light,
  { area, along, does, values }: Extract<Opcode, { kind: 'per-line' }>,
): void {
  const { samples, limit } = light;
  eachOf(light, area, (at, row, column) => {
    const index =
      along === 'row' ? (row - area.top) / area.rowPitch : (column - area.left) / area.columnPitch;
    const value = values[index];
    if (value === undefined) return;
    const sample = samples[at]!;
    samples[at] = Math.min(limit, does === 'add' ? sample + value : sample * value);
  });
}
