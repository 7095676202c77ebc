/** ExifTool, where it is installed: the reader that knows most tags. */
import { execFileSync, spawnSync } from 'node:child_process';

import { z } from 'zod';

export const hasExifTool = spawnSync('exiftool', ['-ver']).status === 0;

/** By `Group:Tag`, as numbers where ExifTool has numbers. */
export function exifTool(path: string): Record<string, unknown> {
  const options = ['-j', '-n', '-G1', '-struct', '-charset', 'iptc=UTF8'];
  const text = execFileSync('exiftool', [...options, path], { encoding: 'utf8' });
  return z.array(z.record(z.string(), z.unknown())).length(1).parse(JSON.parse(text))[0] ?? {};
}

/** IPTC as bytes is what Adobe writes; sizes in EXIF and deflate go past TIFF 6.0 itself. */
const harmless = /IPTC-NAA|not allowed in TIFF|GPSProcessingMethod|tag 0x0103 Compression/;

/** What ExifTool finds wrong with a file. */
export function exifToolFaults(path: string): string[] {
  const text = execFileSync('exiftool', ['-validate', '-warning', '-error', '-a', path], {
    encoding: 'utf8',
  });
  return text.split('\n').filter((line) => /^(Warning|Error)/.test(line) && !harmless.test(line));
}
