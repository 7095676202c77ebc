/** What LibRaw read of an X-Trans sensor (a Fujifilm RAF), as a Bayer mosaic. */

import { Refusal } from '../base/refusal.ts';
import { describe } from './about.ts';
import type { Container } from './container.ts';
import { whiteLevelOf } from './levels.ts';
import type { HiddenFields, LibRawMetadata, SensorSamples } from './libraw.ts';
import type { Mosaic } from './mosaic.ts';
import { checkLevels } from './sensor-checks.ts';
import { sixteenBitsOf } from './sixteen-bits.ts';
import { bayerOfXTrans } from './xtrans.ts';

/**
 * @param levels LibRaw's fields after the samples were read
 * @param name the file's own name, for messages
 * @throws Refusal `damaged-file`
 */
export function xtransMosaic(
  sensor: SensorSamples,
  metadata: LibRawMetadata,
  levels: HiddenFields,
  container: Container,
  name: string,
): Mosaic {
  const { width, height, top_margin: top, left_margin: left } = metadata;
  const { xtrans } = levels;
  const isFrame = sensor.width === metadata.raw_width && sensor.height === metadata.raw_height;
  if (xtrans === undefined || !isFrame) {
    throw new Refusal('damaged-file', `${name} is damaged: its frame changed while it was read`);
  }
  const black = blackAt(levels, xtrans);
  const white = whiteLevelOf(metadata, levels);
  checkLevels(black, white, name);
  const light = new Float32Array(width * height);
  for (let y = 0, out = 0; y < height; y++) {
    const row = (top + y) * sensor.width + left;
    for (let x = 0; x < width; x++, out++) {
      const level = black[(y % 6) * 6 + (x % 6)]!;
      light[out] = (sensor.samples[row + x]! - level) / (white - level);
    }
  }
  const about = describe(metadata, container);
  const bayer = bayerOfXTrans(light, { width, height }, xtrans, about.colour.asShotGains);
  const { samples, blackLevel, whiteLevel } = sixteenBitsOf(bayer.samples);
  return {
    width,
    height,
    samples,
    cfa: bayer.cfa,
    blackLevel: [blackLevel, blackLevel, blackLevel, blackLevel],
    whiteLevel,
    ...about,
  };
}

/** Black of each of the 6 × 6 places: a common part, a part per colour, and a repeating pattern. */
function blackAt({ black, blackPerColour, blackPattern }: HiddenFields, xtrans: string): number[] {
  const { rows, columns, values } = blackPattern;
  return Array.from(xtrans, (letter, place) => {
    const [row, column] = [Math.floor(place / 6), place % 6];
    const repeated =
      values.length === 0 ? 0 : (values[(row % rows) * columns + (column % columns)] ?? 0);
    return black + (blackPerColour['RGB'.indexOf(letter)] ?? 0) + repeated;
  });
}
