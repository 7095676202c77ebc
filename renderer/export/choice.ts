/** Export options as the form shows them: one flat set of fields for all formats. */

import { qualityRange } from '../../preload/contract/choices.ts';
import type { ExportChoice, OutputChoice } from '../../preload/contract/settings.ts';

type Format = OutputChoice['format'];

/** The options of a format, keeping what applies from the previous one. */
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

/** @param longSide in pixels; undefined keeps the picture's size */
export function withSize(choice: ExportChoice, longSide: number | undefined): ExportChoice {
  const { longSide: _, ...rest } = choice;
  return { ...rest, ...(longSide === undefined ? {} : { longSide }) };
}

/** @param folder empty for the folder beside the photos */
export function withFolder(choice: ExportChoice, folder: string): ExportChoice {
  const { folder: _, ...rest } = choice;
  const path = folder.trim();
  return { ...rest, ...(path === '' ? {} : { folder: path }) };
}
