/** What a picture is written as, in the words of the form: one flat set of fields for all formats. */

import { qualityRange } from '../../preload/contract/choices.ts';
import type { ExportChoice, OutputChoice } from '../../preload/contract/settings.ts';

type Format = OutputChoice['format'];

/** The output of a format, with what can be kept of the one before. */
export function outputAs(format: Format, before: OutputChoice): OutputChoice {
  const bits = 'bits' in before ? before.bits : 16;
  switch (format) {
    case 'tiff':
      return {
        format,
        bits,
        compression: before.format === 'tiff' ? before.compression : 'deflate',
      };
    case 'png':
      return { format, bits };
    case 'jpeg':
      return { format, quality: before.format === 'jpeg' ? before.quality : qualityRange.default };
    case 'dng':
      return { format };
  }
}

/** @param longSide in pixels; undefined: the picture keeps its size */
export function withSize(choice: ExportChoice, longSide: number | undefined): ExportChoice {
  const { longSide: _, ...rest } = choice;
  return { ...rest, ...(longSide === undefined ? {} : { longSide }) };
}

/** @param folder empty: beside the photos */
export function withFolder(choice: ExportChoice, folder: string): ExportChoice {
  const { folder: _, ...rest } = choice;
  const path = folder.trim();
  return { ...rest, ...(path === '' ? {} : { folder: path }) };
}
