/**
 * Finds bursts among a folder's photos: frames of one camera and setting, taken in quick
 * succession.
 */

import type { RawSummary } from '../raw/summary.ts';

/** A photo and its summary. */
export interface SeenPhoto {
  readonly path: string;
  readonly summary: RawSummary;
}

/** Longest pause: cameras wait between frames to store them, and clocks count whole seconds. */
const pauseSeconds = 2;
/** Photos may have been deleted from within a burst. */
const numbersMissing = 2;

/**
 * @param photos in any order
 * @returns groups of at least two photos, in order of time, as are each group's frames; photos
 *   without a time or an exposure, and those merged of others, belong to none
 */
export function findBursts(photos: readonly SeenPhoto[]): SeenPhoto[][] {
  const sets = new Map<string, Timed[]>();
  for (const photo of photos) {
    const timed = timedOf(photo);
    if (timed === undefined) continue;
    const key = settingOf(photo);
    const set = sets.get(key) ?? [];
    set.push(timed);
    sets.set(key, set);
  }
  const bursts: Timed[][] = [];
  for (const set of sets.values()) {
    set.sort((a, b) => a.seconds - b.seconds || byName(a.photo, b.photo));
    let burst: Timed[] = [];
    for (const frame of set) {
      const before = burst.at(-1);
      if (before !== undefined && !follows(before, frame)) {
        bursts.push(burst);
        burst = [];
      }
      burst.push(frame);
    }
    bursts.push(burst);
  }
  return bursts
    .filter((burst) => burst.length > 1)
    .sort((a, b) => (a[0]?.seconds ?? 0) - (b[0]?.seconds ?? 0))
    .map((burst) => burst.map(({ photo }) => photo));
}

interface Timed {
  readonly photo: SeenPhoto;
  /** Start of the exposure, seconds. */
  readonly seconds: number;
  readonly exposureSeconds: number;
  readonly number?: number;
}

function timedOf(photo: SeenPhoto): Timed | undefined {
  if (photo.summary.merged !== undefined) return undefined;
  const { takenAt, exposureSeconds } = photo.summary.shot;
  if (takenAt === undefined || exposureSeconds === undefined) return undefined;
  // The camera's clock is used as it is; its time zone does not matter.
  const seconds = Date.parse(`${takenAt.slice(0, 19)}Z`) / 1000;
  if (!Number.isFinite(seconds)) return undefined;
  const number = numberOf(photo.path);
  return { photo, seconds, exposureSeconds, ...(number === undefined ? {} : { number }) };
}

/** The settings that all frames of a burst share. */
function settingOf({ summary }: SeenPhoto): string {
  const { width, height, cfa, shot } = summary;
  const { make, model, lens, iso, exposureSeconds, aperture, focalLengthMm } = shot;
  return JSON.stringify([
    width, height, cfa ?? null, make ?? null, model ?? null, lens ?? null, iso ?? null,
    exposureSeconds?.toPrecision(3) ?? null, aperture ?? null, focalLengthMm ?? null,
  ]); // prettier-ignore
}

/** The last number in a photo's name, because cameras number their photos. */
function numberOf(path: string): number | undefined {
  const stem = path.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '');
  const digits = /(\d+)\D*$/.exec(stem)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function follows(before: Timed, frame: Timed): boolean {
  if (frame.seconds - before.seconds > before.exposureSeconds + pauseSeconds) return false;
  if (before.number === undefined || frame.number === undefined) return true;
  const step = frame.number - before.number;
  // Counters restart after 9999.
  const isNext = step > 0 ? step <= 1 + numbersMissing : frame.number <= 1 + numbersMissing;
  return isNext;
}

function byName(a: SeenPhoto, b: SeenPhoto): number {
  return a.path.localeCompare(b.path, 'en', { numeric: true });
}
