/**
 * Reuses memory that threads share, so that nothing is copied to the network's thread or left to
 * the garbage collector.
 */

/**
 * Hands out a fixed number of arrays in turn. An array belongs to the caller until that many more
 * have been handed out.
 */
export class Rotation {
  readonly #arrays: (Float32Array | undefined)[];
  #turn = 0;

  constructor(count: number) {
    this.#arrays = Array.from({ length: count });
  }

  /** An array of this length with arbitrary contents. */
  next(length: number): Float32Array {
    this.#turn = (this.#turn + 1) % this.#arrays.length;
    const known = this.#arrays[this.#turn];
    if (known?.length === length) return known;
    const made = new Float32Array(new SharedArrayBuffer(4 * length));
    this.#arrays[this.#turn] = made;
    return made;
  }

  /** Releases the memory. */
  clear(): void {
    this.#arrays.fill(undefined);
  }
}
