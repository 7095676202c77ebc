/** A small simulated burst as files, for tests that need a folder of them. */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cfaDng } from '../../main/raw/dng.ts';
import { bytesOf } from '../raw/written.ts';
import { boxes, burstOf } from './scene.ts';

/**
 * Writes `NAME-1.dng`, `NAME-2.dng` and so on.
 * @param hour of the night it is taken in
 * @returns their paths
 */
export function writeBurst(
  folder: string,
  { name = 'NIGHT', frames = 3, hour = 1 }: { name?: string; frames?: number; hour?: number } = {},
): string[] {
  mkdirSync(folder, { recursive: true });
  const options = { frames, seed: hour, crop: 256, shiftMax: 6 };
  return burstOf(options, boxes(300, 280, hour)).frames.map(({ mosaic }, index) => {
    const second = new Date(Date.UTC(2026, 0, 1, hour, 0, index)).toISOString().slice(0, 19);
    const file = path.join(folder, `${name}-${index + 1}.dng`);
    const shot = { ...mosaic.shot, takenAt: second };
    writeFileSync(file, bytesOf(cfaDng({ ...mosaic, shot })));
    return file;
  });
}
