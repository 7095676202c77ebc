/** Pairs among the photos of one folder: bracketed exposures of one scene, found by their EXIF. */

import { cameraKey, cameraName } from '../../../raw/camera-name.ts';
import { summariseRaw } from '../../../raw/decode.ts';
import type { Shot } from '../../../raw/mosaic.ts';
import { describeError, Refusal, throwIfCancelled } from '../../../base/refusal.ts';
import type { FoundPairs, Pair, Unpaired } from '../pairs.ts';
import { idBelow } from './names.ts';

/** The longest pause between two exposures of one scene, from the end of one to the start of the next. */
const pauseSecondsMax = 30;
/** Exposures closer than two stops are the same picture twice. */
const ratioMin = 4;

interface Exposure {
  readonly file: string;
  /** Camera and frame size: only equal ones can be compared pixel by pixel. */
  readonly kind: string;
  /** The camera's clock, seconds. */
  readonly takenSeconds: number;
  readonly exposureSeconds: number;
  /** Seconds × ISO ÷ F-number²; sample values are proportional to it. */
  readonly light: number;
}

/** The factor that sample values are proportional to. Aperture and ISO count where the file has them. */
function exposureOf({ exposureSeconds, iso, aperture }: Shot): number | undefined {
  if (exposureSeconds === undefined) return undefined;
  return (exposureSeconds * (iso ?? 100)) / (aperture ?? 1) ** 2;
}

/** Long ÷ short exposure of two shots: by time, and by ISO and aperture where both state them. */
export function exposureRatio(short: Shot, long: Shot): number | undefined {
  if (short.exposureSeconds === undefined || long.exposureSeconds === undefined) return undefined;
  const iso = short.iso === undefined || long.iso === undefined ? 1 : long.iso / short.iso;
  const opening =
    short.aperture === undefined || long.aperture === undefined
      ? 1
      : short.aperture / long.aperture;
  return (long.exposureSeconds / short.exposureSeconds) * iso * opening ** 2;
}

/**
 * Reads the EXIF of each file and pairs each short exposure with a long one of its series. A series has
 * one camera and frame size, and each exposure starts within half a minute of the end of the last.
 * @param root ids are paths below it
 * @throws Refusal `cancelled`
 */
export async function pairsOfExposures(
  root: string,
  files: readonly string[],
  {
    signal,
    onProgress,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
  },
): Promise<FoundPairs> {
  const unpaired: Unpaired[] = [];
  const exposures: Exposure[] = [];
  for (const [index, file] of files.entries()) {
    throwIfCancelled(signal);
    const read = await readExposure(file, signal);
    if (typeof read === 'string') unpaired.push({ file, reason: read });
    else exposures.push(read);
    onProgress?.(index + 1, files.length);
  }
  const pairs: Pair[] = [];
  for (const series of seriesOf(exposures)) {
    const longs = longsOf(series);
    for (const [short, long] of longs) {
      pairs.push({
        id: idBelow(root, short.file),
        scene: idBelow(root, long.file),
        short: short.file,
        long: long.file,
        target: 'raw',
        statedRatio: long.light / short.light,
      });
    }
    const paired = new Set([...longs.keys(), ...longs.values()]);
    const reason =
      series.length === 1
        ? `no other exposure of the same camera and size was begun within ${pauseSecondsMax} s of it`
        : 'the exposures around it are about as long as it is, or belong to another long one';
    unpaired.push(
      ...series.filter((one) => !paired.has(one)).map(({ file }) => ({ file, reason })),
    );
  }
  return { layout: 'exif', pairs: pairs.sort((a, b) => (a.id < b.id ? -1 : 1)), unpaired };
}

/** The exposure, or why it cannot belong to a pair. */
async function readExposure(
  file: string,
  signal: AbortSignal | undefined,
): Promise<Exposure | string> {
  try {
    const { width, height, cfa, shot } = await summariseRaw(
      file,
      signal === undefined ? {} : { signal },
    );
    const light = exposureOf(shot);
    const taken = Date.parse(`${shot.takenAt?.slice(0, 19) ?? ''}Z`);
    if (cfa === undefined) return 'it has no mosaic: the network starts from one';
    if (light === undefined) return 'its EXIF does not say how long it was exposed';
    if (Number.isNaN(taken)) return 'its EXIF does not say when it was taken';
    return {
      file,
      kind: [cameraKey(cameraName(shot) ?? ''), width, height, cfa].join('\0'),
      takenSeconds: taken / 1000,
      exposureSeconds: shot.exposureSeconds ?? 0,
      light,
    };
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'cancelled') throw error;
    return describeError(error);
  }
}

/** Shots of one camera and frame that follow each other without a long pause. */
function seriesOf(exposures: readonly Exposure[]): Exposure[][] {
  const sorted = exposures.toSorted(
    (a, b) => compare(a.kind, b.kind) || a.takenSeconds - b.takenSeconds || compare(a.file, b.file),
  );
  const found: Exposure[][] = [];
  let endSeconds = 0;
  for (const one of sorted) {
    const current = found.at(-1);
    const follows =
      current?.[0]?.kind === one.kind && one.takenSeconds - endSeconds <= pauseSecondsMax;
    if (follows) current.push(one);
    else found.push([one]);
    const end = one.takenSeconds + one.exposureSeconds;
    endSeconds = follows ? Math.max(endSeconds, end) : end;
  }
  return found;
}

/**
 * Finds the long exposure of each short one, at least two stops brighter. Long exposures are those
 * within two stops of the longest. A series may hold several scenes, each with its short exposures
 * before the long one or after it. If the whole series keeps one of these orders, the order decides,
 * because clocks are less reliable: some cameras stamp the end of an exposure, others take a dark frame
 * after it. Otherwise the nearest in time is taken.
 * @param series sorted by time
 */
function longsOf(series: readonly Exposure[]): Map<Exposure, Exposure> {
  const most = series.reduce((light, one) => Math.max(light, one.light), 0);
  const isLong = ({ light }: Exposure): boolean => most / light < ratioMin;
  const order = series.map((one) => (isLong(one) ? 'L' : 's')).join('');
  const [isShortFirst, isLongFirst] = [/^(s+L+)+$/.test(order), /^(L+s+)+$/.test(order)];
  /** The long exposures next to a short one, only on the side that the order prescribes, if any. */
  const inOrder = (at: number): readonly Exposure[] => {
    if (isShortFirst) {
      const start = order.indexOf('L', at);
      const end = order.indexOf('s', start);
      return series.slice(start, end < 0 ? undefined : end);
    }
    if (!isLongFirst) return [];
    const last = order.lastIndexOf('L', at);
    return series.slice(order.lastIndexOf('s', last) + 1, last + 1);
  };
  const found = new Map<Exposure, Exposure>();
  for (const [at, short] of series.entries()) {
    if (isLong(short)) continue;
    const isBrighter = ({ light }: Exposure): boolean => light / short.light >= ratioMin;
    const [longest] = inOrder(at)
      .filter(isBrighter)
      .toSorted((a, b) => b.light - a.light);
    const [nearest] = series
      .filter((one) => isLong(one) && isBrighter(one))
      .toSorted((a, b) => pauseSeconds(short, a) - pauseSeconds(short, b));
    const long = longest ?? nearest;
    if (long !== undefined) found.set(short, long);
  }
  return found;
}

/** Time from the end of the earlier exposure to the start of the later. */
function pauseSeconds(a: Exposure, b: Exposure): number {
  const [earlier, later] = a.takenSeconds <= b.takenSeconds ? [a, b] : [b, a];
  return later.takenSeconds - earlier.takenSeconds - earlier.exposureSeconds;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
