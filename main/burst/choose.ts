/** Chooses the frame that the others are aligned to, and leaves out frames, with the reason. */

import { sharpnessOf, type FrameFacts } from './frames.ts';
import { placeRoughly, type Pose, type Pyramid } from './pose.ts';

/** A frame that takes part. */
export interface Chosen {
  readonly index: number;
  /** An approximate pose. */
  readonly pose: Pose;
  /** Factor that brings the frame to the reference's brightness. */
  readonly gain: number;
}

export interface LeftOut {
  readonly index: number;
  readonly code: 'copy' | 'setting' | 'black' | 'brightness' | 'scene' | 'blurred';
  /** Completes the sentence "NAME is left out: it …". */
  readonly reason: string;
}

export interface Choice {
  readonly reference: number;
  readonly others: readonly Chosen[];
  readonly leftOut: readonly LeftOut[];
}

/** Lights flicker by ±40 %, so two frames of one scene differ by no more than this factor. */
const brightnessMax = 3;
/** A frame with less than this share of the others' light counts as black. */
const blackShare = 0.08;
/**
 * Frames of one scene have a likeness of at least 0.8 even in the deepest dark, others at most 0.2.
 */
const likenessMin = 0.5;
/** Number of the sharpest frames that are tried as the reference. */
const tries = 5;

/**
 * @param facts of the frames, in an order that does not depend on how they were given
 * @param wanted the frame that the user chose as the reference
 */
export function chooseFrames(
  facts: readonly FrameFacts[],
  names: readonly string[],
  wanted: number | 'auto',
): Choice {
  const leftOut: LeftOut[] = [];
  const leave = (index: number, code: LeftOut['code'], reason: string): void => {
    leftOut.push({ index, code, reason });
  };
  const all = facts.map((fact, index) => ({ fact, index }));
  const leader = wanted === 'auto' ? commonest(facts) : wanted;
  let left = all.filter(({ fact, index }) => {
    const difference = settingDifference(fact, facts[leader]!);
    if (difference !== undefined) leave(index, 'setting', difference);
    return difference === undefined;
  });
  const lights = left.map(({ fact }) => fact.light).sort((a, b) => a - b);
  // The brighter frames determine what light is usual.
  const usual = lights[Math.floor(0.75 * lights.length)] ?? 0;
  left = left.filter(({ fact, index }) => {
    if (index === wanted || fact.light > blackShare * usual) return true;
    leave(index, 'black', 'holds next to no light');
    return false;
  });
  left = left.filter(({ fact, index }) => {
    const twin = left.find((other) => other.fact.digest === fact.digest);
    const keeps = twin === undefined || twin.index === index;
    if (!keeps) leave(index, 'copy', `holds the same samples as ${names[twin.index]!}`);
    return keeps;
  });
  const order =
    wanted === 'auto' ? bySharpness(left) : left.filter(({ index }) => index === wanted);
  let best: { readonly reference: number; readonly placed: readonly Placed[] } | undefined;
  for (const { index } of order.slice(0, tries)) {
    const placed = left.map((frame) => place(facts[index]!, frame, index));
    const agreeing = placed.filter(({ fits }) => fits).length;
    if (best === undefined || agreeing > best.placed.filter(({ fits }) => fits).length) {
      best = { reference: index, placed };
    }
    if (2 * agreeing > left.length) break;
  }
  if (best === undefined) throw new Error('expected at least one frame');
  const { reference, placed } = best;
  const others = placed.filter(({ index, fits, gain, likeness }) => {
    if (index === reference) return false;
    if (!fits) {
      const isScene = likeness < likenessMin;
      if (isScene) {
        leave(
          index,
          'scene',
          `does not show the scene of ${names[reference]!}, or is badly blurred`,
        );
      } else {
        const times =
          gain >= 1 ? `${gain.toFixed(1)} times darker` : `${(1 / gain).toFixed(1)} times brighter`;
        leave(index, 'brightness', `is ${times} than ${names[reference]!}`);
      }
      return false;
    }
    if (!isBlurred(facts[index]!, facts[reference]!)) return true;
    leave(index, 'blurred', `is blurred beside ${names[reference]!}`);
    return false;
  });
  return { reference, others, leftOut };
}

/** A frame with the most common settings. */
function commonest(facts: readonly FrameFacts[]): number {
  const counts = facts.map(
    (fact) => facts.filter((other) => settingDifference(other, fact) === undefined).length,
  );
  return counts.indexOf(Math.max(...counts));
}

/** A description of how a frame's settings differ from the reference's. */
function settingDifference(frame: FrameFacts, reference: FrameFacts): string | undefined {
  if (frame.width !== reference.width || frame.height !== reference.height) {
    return `has ${frame.width} × ${frame.height} pixels where the others have ${reference.width} × ${reference.height}`;
  }
  if (frame.cfa !== reference.cfa) {
    return `has the layout ${frame.cfa} where the others have ${reference.cfa}`;
  }
  if (frame.camera !== reference.camera) {
    return `was taken with ${frame.camera || 'an unnamed camera'} and the others with ${reference.camera || 'an unnamed one'}`;
  }
  if (frame.iso !== reference.iso) {
    return `was taken at ISO ${frame.iso ?? '?'} and the others at ISO ${reference.iso ?? '?'}`;
  }
  const [own, usual] = [frame.exposureSeconds, reference.exposureSeconds];
  const isAlike = own === usual || Math.abs((own ?? 0) / (usual ?? 0) - 1) < 0.01;
  if (!isAlike) return `was exposed for ${own ?? '?'} s and the others for ${usual ?? '?'} s`;
  return undefined;
}

interface Placed extends Chosen {
  readonly likeness: number;
  readonly fits: boolean;
}

interface Candidate {
  readonly fact: FrameFacts;
  readonly index: number;
}

function place(reference: FrameFacts, { fact, index }: Candidate, own: number): Placed {
  const guess = fact.light > 0 ? reference.light / fact.light : 1;
  const { pose, likeness } = placeRoughly(reference, fact.pyramid, guess);
  const gain = index === own ? 1 : gainOf(reference.pyramid, fact.pyramid, pose, guess);
  const isAlike = gain < brightnessMax && gain > 1 / brightnessMax;
  return { index, pose, gain, likeness, fits: isAlike && likeness >= likenessMin };
}

/**
 * How much brighter the reference is, from the total light that both frames show. The brightest
 * twentieth does not count, because lamps clip.
 */
export function gainOf(reference: Pyramid, frame: Pyramid, pose: Pose, guess: number): number {
  const from = reference.levels.at(-1);
  const to = frame.levels.at(-1);
  if (from === undefined || to === undefined) return guess;
  const { unit, plane } = from;
  const offset = (unit - 1) / 2;
  const [centreX, centreY] = [(reference.width - 1) / 2, (reference.height - 1) / 2];
  const pairs: (readonly [number, number])[] = [];
  for (let y = 0; y < plane.height; y++) {
    for (let x = 0; x < plane.width; x++) {
      const u = x * unit + offset - centreX;
      const v = y * unit + offset - centreY;
      const s = 1 / (pose[6] * u + pose[7] * v + pose[8]);
      const px = (pose[0] * u + pose[1] * v + pose[2]) * s;
      const py = (pose[3] * u + pose[4] * v + pose[5]) * s;
      const fx = Math.round((px + centreX - offset) / unit);
      const fy = Math.round((py + centreY - offset) / unit);
      if (fx < 0 || fy < 0 || fx >= to.plane.width || fy >= to.plane.height) continue;
      pairs.push([plane.values[y * plane.width + x]!, to.plane.values[fy * to.plane.width + fx]!]);
    }
  }
  // Sorted by the light of both frames together, so that neither frame's noise biases the choice.
  pairs.sort((a, b) => a[0] + guess * a[1] - (b[0] + guess * b[1]));
  const counted = pairs.slice(0, Math.ceil(0.95 * pairs.length));
  const own = counted.reduce((sum, [value]) => sum + value, 0);
  const other = counted.reduce((sum, [, value]) => sum + value, 0);
  return own > 0 && other > 0 ? own / other : guess;
}

/**
 * Frames by sharpness, sharpest first, judged at the finest scale that stands out from the noise.
 */
function bySharpness(frames: readonly Candidate[]): Candidate[] {
  const all = frames.map((frame) => ({ frame, sharpness: sharpnessOf(frame.fact) }));
  const scales = all[0]?.sharpness.length ?? 0;
  for (let scale = 0; scale < scales; scale++) {
    const clear = all.filter(({ sharpness }) => {
      const detail = sharpness[scale];
      if (detail === undefined) return false;
      const { across, down } = detail;
      return across.value > 5 * across.error && down.value > 5 * down.error;
    });
    if (2 * clear.length < all.length) continue;
    const score = ({ sharpness }: (typeof all)[number]): number => {
      const detail = sharpness[scale];
      return detail === undefined ? 0 : Math.min(detail.across.value, detail.down.value);
    };
    return all.sort((a, b) => score(b) - score(a)).map(({ frame }) => frame);
  }
  return [...frames];
}

/**
 * Minimum share of detail that must remain at each scale at which a blur matters: 2, 4 and 8
 * pixels.
 */
const blurShares = [0.25, 0.55, 0.55] as const;

/** Whether a frame has, with certainty, less fine structure than the reference. */
function isBlurred(frame: FrameFacts, reference: FrameFacts): boolean {
  const [own, sharp] = [sharpnessOf(frame), sharpnessOf(reference)];
  return blurShares.some((share, scale) =>
    (['across', 'down'] as const).some((direction) => {
      const a = own[scale]?.[direction];
      const b = sharp[scale]?.[direction];
      if (a === undefined || b === undefined || !(b.value > 8 * b.error)) return false;
      return a.value + a.error < share * (b.value - b.error);
    }),
  );
}
