/** `enhance --bursts`: merges the bursts among the photos first, each into a RAW file that is then enhanced. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeError, Refusal } from '../base/refusal.ts';
import type { BurstProgress } from '../burst/merge.ts';
import { burstsAmong, mergedName, mergeFiles, writeMerged } from '../engine/burst.ts';

export interface BurstReport {
  /** A burst that was found, by its first frame's name. */
  readonly progress: (burst: string, progress: BurstProgress) => void;
  readonly merged: (path: string, frames: number, leftOut: readonly string[]) => void;
  /** Why a burst was not merged; its frames are enhanced one by one. */
  readonly apart: (account: string) => void;
}

/** Photos to enhance, bursts merged; `close` removes what was written for that. */
export interface GatheredPhotos {
  readonly photos: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * Merged files lie in a folder of the system's temporary folder until `close`.
 * @throws Refusal `cancelled`, `disk`
 */
export async function gatherBursts(
  photos: readonly string[],
  signal: AbortSignal,
  report: BurstReport,
): Promise<GatheredPhotos> {
  const bursts = await burstsAmong(photos, signal);
  const folder = await mkdtemp(path.join(tmpdir(), 'nightglass-bursts-'));
  const close = () => rm(folder, { recursive: true, force: true });
  /** What each photo becomes: a merged file stands where the burst's reference stood. */
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
        // Two folders may hold photos of one name.
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
