/** Memory that threads share, used again and again: no copy to the network's thread, no garbage. */

/**
 * Hands out a few arrays in turn. What is handed out stays the caller's until as many more have
 * been asked for as the rotation holds.
 */
export class Rotation {
  readonly #arrays: (Float32Array | undefined)[];
  #turn = 0;

  constructor(count: number) {
    this.#arrays = Array.from({ length: count });
  }

  /** An array of the length, holding anything. */
  next(length: number): Float32Array {
    this.#turn = (this.#turn + 1) % this.#arrays.length;
    const known = this.#arrays[this.#turn];
    if (known?.length === length) return known;
    const made = new Float32Array(new SharedArrayBuffer(4 * length));
    this.#arrays[this.#turn] = made;
    return made;
  }

  /** Lets the memory go. */
  clear(): void {
    this.#arrays.fill(undefined);
  }
}
