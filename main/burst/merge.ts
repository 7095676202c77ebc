/**
 * The burst pipeline: frames in, one mosaic and a map of frames out. It knows nothing of files.
 * Each frame is loaded when it is needed, four times in all, and only the reference has to stay in
 * memory.
 */

import { varianceAt } from '../develop/noise.ts';
import { middleFrames } from '../develop/noise-map.ts';
import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { chooseFrames, gainOf, type LeftOut } from './choose.ts';
import { factsOf, type FrameFacts } from './frames.ts';
import { blockGrid } from './blocks.ts';
import { sampleTables, scaleOf, Sums, wholeWeight, type Scale } from './gather.ts';
import { guideOf } from './guide.ts';
import { Motion } from './motion.ts';
import { placeFinely, still, type Pose } from './pose.ts';

export interface BurstFrame {
  /** Name of its file, without folders. */
  readonly name: string;
  /** Loads the calibrated frame; the result is the same each time. */
  readonly load: () => Promise<Mosaic>;
}

export interface BurstProgress {
  readonly stage: 'look' | 'place' | 'motion' | 'merge';
  readonly framesDone: number;
  readonly framesTotal: number;
}

export interface MergeOptions {
  /** Index of the frame that the others are aligned to; `auto` takes the sharpest. */
  readonly reference: number | 'auto';
  /** Moving objects look as in the reference (`freeze`), or are averaged like the rest (`blur`). */
  readonly motion: 'freeze' | 'blur';
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BurstProgress) => void) | undefined;
}

/** What happened to a frame. */
export type FrameOutcome =
  | {
      readonly name: string;
      readonly kind: 'reference' | 'merged';
      /** Maps a position in the reference to the frame. */
      readonly pose: Pose;
      /** Factor that brings the frame to the reference's brightness. */
      readonly gain: number;
    }
  | {
      readonly name: string;
      readonly kind: 'left-out';
      readonly code: LeftOut['code'];
      readonly reason: string;
    };

export interface MergedBurst {
  /** `merged` is set, and `noiseProfile` applies to the map's middle block. */
  readonly mosaic: Mosaic;
  /** In the order in which the frames were given. */
  readonly frames: readonly FrameOutcome[];
  /** Share of the picture in which something moves, 0–1. */
  readonly movingShare: number;
}

interface Part {
  readonly frame: BurstFrame;
  readonly pose: Pose;
  readonly gain: number;
  /** In sixteenths of a frame, depending on its noise relative to the reference's. */
  readonly weight: number;
}

/**
 * Merges a burst. The order in which frames are given does not change the result.
 * @throws Refusal `bad-argument` if no two frames fit together, naming each and the reason;
 *   `cancelled`; whatever `load` throws
 */
export async function mergeBurst(
  given: readonly BurstFrame[],
  options: MergeOptions,
): Promise<MergedBurst> {
  const { signal, onProgress } = options;
  const tell = (stage: BurstProgress['stage'], framesDone: number, framesTotal: number): void => {
    throwIfCancelled(signal);
    onProgress?.({ stage, framesDone, framesTotal });
  };
  const looked: {
    readonly frame: BurstFrame;
    readonly facts: FrameFacts;
    readonly index: number;
  }[] = [];
  for (const [index, frame] of given.entries()) {
    tell('look', index, given.length);
    looked.push({ frame, index, facts: factsOf(await frame.load()) });
  }
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  looked.sort((a, b) => order(a.facts.digest, b.facts.digest) || order(a.frame.name, b.frame.name));

  const wanted = options.reference;
  const choice = chooseFrames(
    looked.map(({ facts }) => facts),
    looked.map(({ frame }) => frame.name),
    wanted === 'auto' ? 'auto' : looked.findIndex(({ index }) => index === wanted),
  );
  const outcomes: FrameOutcome[] = [];
  for (const { index, code, reason } of choice.leftOut) {
    const { frame, index: place } = looked[index]!;
    outcomes[place] = { name: frame.name, kind: 'left-out', code, reason };
  }
  checkEnough(choice.others.length, outcomes);

  const reference = looked[choice.reference]!;
  outcomes[reference.index] = {
    name: reference.frame.name,
    kind: 'reference',
    pose: still,
    gain: 1,
  };
  const parts: Part[] = [];
  for (const [done, { index, pose: rough, gain: guess }] of choice.others.entries()) {
    tell('place', done, choice.others.length);
    const { frame, facts, index: place } = looked[index]!;
    const pose = placeFinely(reference.facts, facts.pyramid, guess, rough);
    const gain = gainOf(reference.facts.pyramid, facts.pyramid, pose, guess);
    outcomes[place] = { name: frame.name, kind: 'merged', pose, gain };
    parts.push({ frame, pose, gain, weight: weightOf(reference.facts, facts.noise, gain) });
  }
  const base = await reference.frame.load();
  const { mosaic, map, movingShare } = await gathered(base, reference.facts, parts, options, tell);
  const names = [reference.frame, ...parts.map(({ frame }) => frame)]
    .map(({ name }) => name)
    .sort(order);
  const seconds = base.shot.exposureSeconds;
  const { noise } = reference.facts;
  const frames = middleFrames(map);
  const { cameraNoise: _, ...rest } = mosaic;
  return {
    mosaic: {
      ...rest,
      noiseProfile: { slope: noise.slope / frames, offset: noise.offset / frames },
      merged: {
        frames: names,
        reference: reference.frame.name,
        ...(seconds === undefined ? {} : { exposureSeconds: seconds * names.length }),
        map,
      },
    },
    frames: outcomes,
    movingShare,
  };
}

async function gathered(
  base: Mosaic,
  facts: FrameFacts,
  parts: readonly Part[],
  { motion: wanted }: MergeOptions,
  tell: (stage: BurstProgress['stage'], framesDone: number, framesTotal: number) => void,
) {
  const scale = scaleOf(base);
  const own = sampleTables(base, 1, scale);
  const { columns, rows } = blockGrid(base);
  let motion =
    wanted === 'freeze' && parts.length > 0 ? new Motion(base, own, scale, facts.noise) : undefined;
  if (motion !== undefined) {
    for (const [done, { frame, pose, gain }] of parts.entries()) {
      tell('motion', done, parts.length);
      const loaded = await frame.load();
      motion.add(loaded, pose, sampleTables(loaded, gain, scale));
    }
  }
  const whole = (weight: number): Uint16Array => new Uint16Array(columns * rows).fill(weight);
  const weights = parts.map(({ weight }, index) => motion?.weights(index, weight) ?? whole(weight));
  const movingShare = motion?.movingShare ?? 0;
  motion = undefined;
  const sums = new Sums(base);
  sums.add(base, still, own, whole(wholeWeight));
  for (const [done, { frame, pose, gain }] of parts.entries()) {
    tell('merge', done, 2 * parts.length);
    const loaded = await frame.load();
    sums.add(loaded, pose, sampleTables(loaded, gain, scale), weights[done]!);
  }
  const guide = guideOf({
    fill: (y, into) => {
      sums.fill(y, into, base, scale);
    },
    reference: base,
    noise: noiseOfSums(facts.noise, base, scale),
    frames: parts.length + 1,
  });
  sums.restart(guide);
  sums.add(
    base,
    still,
    own,
    Uint16Array.from(guide.active, (active) => active * wholeWeight),
  );
  for (const [done, { frame, pose, gain }] of parts.entries()) {
    tell('merge', parts.length + done, 2 * parts.length);
    const loaded = await frame.load();
    sums.refine(loaded, pose, sampleTables(loaded, gain, scale), weights[done]!, guide);
  }
  return { ...sums.finish(base, scale), movingShare };
}

/** A noise profile of normalised samples, on the scale of the sum. */
function noiseOfSums(
  { slope, offset }: NoiseProfile,
  { whiteLevel }: Mosaic,
  { times, blackLevel }: Scale,
): NoiseProfile {
  const range = whiteLevel * times - (blackLevel[0] + blackLevel[3]) / 2;
  return { slope: slope * range, offset: offset * range * range };
}

/** A frame that had to be brightened is noisier, so its weight is lower. */
function weightOf({ noise, light }: FrameFacts, own: NoiseProfile, gain: number): number {
  const seen = Math.max(light, 0);
  const variance = gain * gain * varianceAt(own, seen / gain);
  return Math.max(
    1,
    Math.min(4095, Math.round((wholeWeight * varianceAt(noise, seen)) / variance)),
  );
}

/**
 * Copies of one picture are merged into that picture; otherwise at least two frames must fit
 * together.
 */
function checkEnough(others: number, outcomes: readonly FrameOutcome[]): void {
  const leftOut = outcomes.filter((outcome) => outcome.kind === 'left-out');
  if (others > 0 || leftOut.every(({ code }) => code === 'copy')) return;
  const reasons = leftOut.map(({ name, reason }) => `${name} ${reason}`).join('; ');
  throw new Refusal(
    'bad-argument',
    `expected frames of one burst but no two go together: ${reasons}`,
  );
}
