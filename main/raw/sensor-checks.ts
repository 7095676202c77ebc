/** Detects levels and samples that no sensor produces, only damaged files. */

import { Refusal } from '../base/refusal.ts';
import type { PerSite } from './mosaic.ts';

/** Valid files have at least this range between black and white. */
const minRange = 16;
const fullScale = 65_535;
/** Black levels of a sensor's sites differ by less than this share of its range. */
const blackSpread = 1 / 32;

function damaged(name: string, what: string): Refusal {
  return new Refusal('damaged-file', `${name} is damaged: ${what}`);
}

/**
 * Checks black levels against each other and against white. The same circuits read out all sites of
 * a sensor, so their blacks differ only by a few digits of thousands. LibRaw measures some cameras'
 * black in the masked margin while decoding, so this also detects a stream that LibRaw decoded
 * wrongly.
 * @throws Refusal `damaged-file`
 */
export function checkLevels(blacks: readonly number[], white: number, name: string): void {
  const isSensible = blacks.every((black) => black >= 0 && black + minRange <= white);
  if (!isSensible || white > fullScale) {
    throw damaged(name, `black ${blacks.join(', ')} and white ${white} make no sense`);
  }
  const [least, most] = [Math.min(...blacks), Math.max(...blacks)];
  if (most - least > (white - least) * blackSpread) {
    throw damaged(name, `black levels ${blacks.join(', ')} are too different for one sensor`);
  }
}

/**
 * Decoders leave zeros after the end of a truncated file. A working sensor produces no run of exact
 * zeros below its own black level. So zeros in the last sixteenth of the frame, or in the whole
 * frame, mean damage. (Cameras that subtract black themselves may well write zeros all night.)
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
