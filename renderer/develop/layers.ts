/** What is to be painted: the picture as edited, and beside it what it is compared with. */

import type { Development as Facts } from '../../preload/contract.ts';
import type { Edits } from '../../preload/edits.ts';
import { after, inverse, type Affine } from './geometry.ts';
import type { Box, Layer, Look, Placed } from './gl/painter.ts';
import type { Size, View } from './viewport.ts';

/** Framed picture → device pixels; whole pixels stay on whole pixels. */
export function viewAffine({ scale, x, y }: View, viewport: Size): Affine {
  return {
    a: scale,
    b: 0,
    c: Math.round(viewport.width / 2 - x * scale),
    d: 0,
    e: scale,
    f: Math.round(viewport.height / 2 - y * scale),
  };
}

export function boxOf({ a, c, e, f }: Affine, { width, height }: Size): Box {
  return { x: c, y: f, width: a * width, height: e * height };
}

export function lookOf(
  facts: Facts,
  edits: Edits,
  balance: Look['balance'],
  ratio: number,
  overlay: Look['overlay'],
): Look {
  const { exposure, saturation, highlights, shadows, contrast, strength } = edits;
  const { cameraToOutput, luminance } = facts.matrices.srgb;
  return {
    grain: 1 - strength,
    balance,
    cameraToOutput,
    luminance,
    exposure,
    saturation,
    highlights,
    shadows,
    contrast,
    overlay,
    noise: facts.noise,
    ratio,
  };
}

export interface Scene {
  readonly enhanced: readonly Placed[];
  readonly plain: readonly Placed[];
  readonly look: Look;
  /** Framed picture → stored frame. */
  readonly toStored: Affine;
  /** Framed picture → device pixels. */
  readonly view: Affine;
  readonly clip: Box;
  /** Device pixels from the left where before meets after; undefined: no comparison. */
  readonly split: number | undefined;
}

export function layersOf({ enhanced, plain, look, toStored, view, clip, split }: Scene): Layer[] {
  const toDevice = after(view, inverse(toStored));
  if (split === undefined) return [{ tiles: enhanced, look, toDevice, clip }];
  const right = clip.x + clip.width;
  const middle = Math.min(right, Math.max(clip.x, split));
  const before = { ...clip, width: middle - clip.x };
  const behind = { ...clip, x: middle, width: right - middle };
  return [
    { tiles: plain, look: { ...look, grain: 0, overlay: 'none' }, toDevice, clip: before },
    { tiles: enhanced, look, toDevice, clip: behind },
  ];
}
