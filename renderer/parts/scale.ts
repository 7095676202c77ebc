/** Converts between a slider's value and its position, on a linear or logarithmic scale. */

export type Scale = 'linear' | 'log';

export interface Range {
  readonly min: number;
  readonly max: number;
  readonly scale: Scale;
}

/** @returns 0–1 */
export function positionOf(value: number, { min, max, scale }: Range): number {
  const limited = Math.min(max, Math.max(min, value));
  if (scale === 'log') return Math.log(limited / min) / Math.log(max / min);
  return (limited - min) / (max - min);
}

/** @param position 0–1 */
export function valueAt(position: number, { min, max, scale }: Range): number {
  const limited = Math.min(1, Math.max(0, position));
  if (scale === 'log') return min * (max / min) ** limited;
  return min + (max - min) * limited;
}

/** Rounds to a multiple of the step within the range. */
export function toStep(value: number, step: number, { min, max }: Range): number {
  const digits = Math.max(0, -Math.floor(Math.log10(step)) + 1);
  const stepped = Number((Math.round(value / step) * step).toFixed(digits));
  return Math.min(max, Math.max(min, stepped));
}

/** Rounds to three significant digits, as both the ratio slider and its field do. */
export function threeDigits(value: number): number {
  return Number(value.toPrecision(3));
}

/** Parses a typed number: "×12.5", "12,5", " 5500 K". Undefined if there is none. */
export function readNumber(text: string): number | undefined {
  const match = /[-+−]?\d+(?:[.,]\d+)?/.exec(text);
  if (match === null) return undefined;
  const value = Number(match[0].replace('−', '-').replace(',', '.'));
  return Number.isFinite(value) ? value : undefined;
}

/** Keeps a value within a slider's limits. */
export function limited(
  value: number,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  return Math.min(max, Math.max(min, value));
}
