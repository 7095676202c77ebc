/** Parses numbers and choices from the command line; invalid ones are refused by name. */

import { InvalidArgumentError } from 'commander';
import type { Range } from '../../preload/contract/edits.ts';

/** Parses a number within the limits of an edit. */
export function numberWithin({ min, max }: Range, options: { whole?: boolean } = {}) {
  return numberBetween(min, max, options);
}

/** Parses a number within bounds. */
export function numberBetween(least: number, most: number, { whole = false } = {}) {
  return (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
      const kind = whole ? 'a whole number' : 'a number';
      throw new InvalidArgumentError(
        `expected ${kind} from ${String(least)} to ${String(most)} but received "${text}".`,
      );
    }
    return value;
  };
}
