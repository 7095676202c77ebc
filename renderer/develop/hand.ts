/** What fingers or the mouse do to the picture: one moves it, two also pinch it larger or smaller. */

import type { Point } from './viewport.ts';

export interface Gesture {
  /** How far the picture moves, device pixels. */
  readonly by: Point;
  /** How much larger the picture becomes, about `at`. */
  readonly factor: number;
  /** Between the fingers, after the move. */
  readonly at: Point;
}

interface Grip {
  readonly at: Point;
  /** Between two fingers, device pixels; 0 for one. */
  readonly spread: number;
}

/** Fingers that nearly touch would enlarge without bounds. */
const spreadMin = 8;

export class Hand {
  readonly #fingers = new Map<number, Point>();

  get isHolding(): boolean {
    return this.#fingers.size > 0;
  }

  /** A third finger is ignored. */
  down(finger: number, at: Point): void {
    if (this.#fingers.size < 2) this.#fingers.set(finger, at);
  }

  up(finger: number): void {
    this.#fingers.delete(finger);
  }

  /** @returns undefined for a finger that holds nothing */
  move(finger: number, to: Point): Gesture | undefined {
    if (!this.#fingers.has(finger)) return undefined;
    const before = this.#grip();
    this.#fingers.set(finger, to);
    const now = this.#grip();
    const isPinch = before.spread >= spreadMin && now.spread >= spreadMin;
    return {
      by: { x: now.at.x - before.at.x, y: now.at.y - before.at.y },
      factor: isPinch ? now.spread / before.spread : 1,
      at: now.at,
    };
  }

  #grip(): Grip {
    const [one = { x: 0, y: 0 }, two] = this.#fingers.values();
    if (two === undefined) return { at: one, spread: 0 };
    return {
      at: { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 },
      spread: Math.hypot(one.x - two.x, one.y - two.y),
    };
  }
}
