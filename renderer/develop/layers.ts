/** Decides what to draw: the edited picture and, if requested, what it is compared with. */

import type { Development as Facts } from '../../preload/contract/contract.ts';
import { blackSteps, type Edits } from '../../preload/contract/edits.ts';
import { after, inverse, type Affine } from './geometry.ts';
import type { Box, Layer, Look, Placed } from './gl/painter.ts';
import type { Panes, Size, View } from './viewport.ts';

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
  const { black, exposure, saturation, highlights, shadows, contrast, strength } = edits;
  const [red, green, blue] = facts.networkGains;
  const share = (black / blackSteps) * ratio * facts.clipping;
  const { cameraToOutput, luminance } = facts.matrices.srgb;
  return {
    grain: 1 - strength,
    blackShift: [share * red, share * green, share * blue],
    balance,
    white: ratio * facts.clipping * Math.min(...facts.networkGains),
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
  /** Framed picture → device pixels; for the first pane if there are two. */
  readonly view: Affine;
  readonly clip: Box;
  /**
   * The comparison: the position of the line between before and after, in device pixels from the
   * left, or two panes.
   */
  readonly compare: { readonly split: number } | { readonly panes: Panes } | undefined;
}

export function layersOf({ enhanced, plain, look, toStored, view, clip, compare }: Scene): Layer[] {
  const toDevice = after(view, inverse(toStored));
  if (compare === undefined) return [{ tiles: enhanced, look, toDevice, clip }];
  const plainLook: Look = { ...look, grain: 0, overlay: 'none' };
  if ('panes' in compare) {
    const { size, second } = compare.panes;
    const own = within(clip, size);
    const moved = { ...toDevice, c: toDevice.c + second.x, f: toDevice.f + second.y };
    const beside = { ...own, x: own.x + second.x, y: own.y + second.y };
    return [
      { tiles: plain, look: plainLook, toDevice, clip: own },
      // Until the network's picture is there, both are the same.
      { tiles: plain, look: plainLook, toDevice: moved, clip: beside },
      { tiles: enhanced, look, toDevice: moved, clip: beside },
    ];
  }
  const { split } = compare;
  const right = clip.x + clip.width;
  const middle = Math.min(right, Math.max(clip.x, split));
  const behind = { ...clip, x: middle, width: right - middle };
  return [
    { tiles: plain, look: plainLook, toDevice, clip },
    { tiles: enhanced, look, toDevice, clip: behind },
  ];
}

/** The part of a box inside a pane that begins at 0, 0. */
function within({ x, y, width, height }: Box, pane: Size): Box {
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  return {
    x: left,
    y: top,
    width: Math.max(0, Math.min(pane.width, x + width) - left),
    height: Math.max(0, Math.min(pane.height, y + height) - top),
  };
}
