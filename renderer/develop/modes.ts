/** What the develop screen can be doing: its tools, comparisons, overlays, and the light of the photo. */

import type { Aspect } from './aspect.ts';

export type Tool = 'none' | 'crop' | 'pick';
export type Compare = 'off' | 'split' | 'beside' | 'before';
export type Overlay = 'none' | 'clipping' | 'guessed';
export interface Shape {
  readonly aspect: Aspect;
  readonly isTall: boolean;
}
export type Vector3 = readonly [number, number, number];

export interface Light {
  readonly balance: Vector3;
  readonly kelvin: number;
  readonly tint: number;
}

/** Until a photo's own is known. */
export const plainLight: Light = { balance: [1, 1, 1], kelvin: 5500, tint: 0 };
export const anyShape: Shape = { aspect: 'free', isTall: false };
