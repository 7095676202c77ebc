/**
 * `enhance --bursts`: first merges each burst among the photos into a RAW file, which is then
 * enhanced.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openOutputFolder } from '../base/atomic.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import type { BurstProgress } from '../burst/merge.ts';
import { burstsAmong, mergedName, mergeFiles, writeMerged } from '../engine/burst.ts';

export interface BurstReport {
  /** Called for a burst, named by its first frame. */
  readonly progress: (burst: string, progress: BurstProgress) => void;
  readonly merged: (path: string, frames: number, leftOut: readonly string[]) => void;
  /** Called with the reason if a burst is not merged; its frames are then enhanced one by one. */
  readonly apart: (account: string) => void;
}

/** The photos to enhance, with bursts merged; `close` deletes the merged files. */
export interface GatheredPhotos {
  readonly photos: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * Merges the bursts. Merged files are in a new folder below the system's temporary folder until
 * `close`.
 * @param out where the pictures will go; checked first, because merging takes minutes
 * @throws Refusal `cancelled`, `disk`
 */
export async function gatherBursts(
  photos: readonly string[],
  out: string,
  signal: AbortSignal,
  report: BurstReport,
): Promise<GatheredPhotos> {
  await openOutputFolder(out);
  const bursts = await burstsAmong(photos, signal);
  const folder = await mkdtemp(path.join(tmpdir(), 'nightglass-bursts-'));
  const close = () => rm(folder, { recursive: true, force: true });
  /**
   * What each photo is replaced by: a burst's reference by its merged file, its other frames by
   * nothing.
   */
  const becomes = new Map<string, string | undefined>();
  try {
    for (const frames of bursts.map((burst) => burst.map((photo) => photo.path))) {
      const first = path.basename(frames[0] ?? '');
      try {
        const burst = await mergeFiles(
          { frames, reference: 'auto', motion: 'freeze' },
          {
            signal,
            onProgress: (progress) => {
              report.progress(first, progress);
            },
          },
        );
        // Photos in different folders may have the same name.
        const place = await mkdtemp(path.join(folder, 'burst-'));
        const target = path.join(place, mergedName(burst));
        await writeMerged(burst, target, { overwrite: false, signal });
        const leftOut: string[] = [];
        burst.frames.forEach((frame, index) => {
          const photo = frames[index]!;
          if (frame.kind === 'left-out') {
            leftOut.push(`${frame.name} ${frame.reason}`);
            if (frame.code === 'copy') becomes.set(photo, undefined);
          } else becomes.set(photo, frame.kind === 'reference' ? target : undefined);
        });
        report.merged(target, burst.mosaic.merged?.frames.length ?? 0, leftOut);
      } catch (error) {
        const isOfFrames = error instanceof Refusal && !['cancelled', 'disk'].includes(error.code);
        if (!isOfFrames) throw error;
        report.apart(describeError(error));
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  const gathered = photos.flatMap((photo) => {
    const file = becomes.has(photo) ? becomes.get(photo) : photo;
    return file === undefined ? [] : [file];
  });
  return { photos: gathered, close };
}
