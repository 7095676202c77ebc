/** What no sensor gives: levels and samples that only a damaged file has. */

import { Refusal } from '../base/refusal.ts';
import type { PerSite } from './mosaic.ts';

/** Less between black and white than this is no photograph. */
const MIN_RANGE = 16;
const FULL_SCALE = 65_535;
/** Black levels of a sensor's sites differ by less than this part of its range. */
const BLACK_SPREAD = 1 / 32;

function damaged(name: string, what: string): Refusal {
  return new Refusal('damaged-file', `${name} is damaged: ${what}`);
}

/**
 * Holds black and white to each other. The sites of a sensor are read out by the same circuits, so
 * their blacks differ by a few digits of thousands. LibRaw measures some cameras' black in the masked
 * margin while it decodes, so a stream in which it lost its way shows here too.
 * @throws Refusal `damaged-file`
 */
export function checkLevels(blacks: readonly number[], white: number, name: string): void {
  const isSensible = blacks.every((black) => black >= 0 && black + MIN_RANGE <= white);
  if (!isSensible || white > FULL_SCALE) {
    throw damaged(name, `black ${blacks.join(', ')} and white ${white} make no sense`);
  }
  const [least, most] = [Math.min(...blacks), Math.max(...blacks)];
  if (most - least > (white - least) * BLACK_SPREAD) {
    throw damaged(name, `black levels ${blacks.join(', ')} are too different for one sensor`);
  }
}

/**
 * Decoders leave zeros where a cut file ended. A live sensor gives no run of exact zeros below its
 * own black level, so a sixteenth of the frame of them at its end, or a frame of nothing else, is
 * damage. (Cameras that take the black off themselves may well write zeros all night.)
 * @throws Refusal `damaged-file`
 */
export function checkSamples(
  samples: Uint16Array,
  width: number,
  blackLevel: PerSite,
  name: string,
): void {
  let end = samples.length;
  while (end > 0 && samples[end - 1] === 0) end--;
  const emptyRows = Math.floor((samples.length - end) / width);
  const rows = samples.length / width;
  const isBlackTakenOff = Math.min(...blackLevel) < 8;
  if (emptyRows === rows || (!isBlackTakenOff && emptyRows > rows / 16)) {
    throw damaged(name, `${emptyRows} of its ${rows} rows are empty`);
  }
}
