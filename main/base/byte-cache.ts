/** Keeps bytes in memory up to a limit. Those unused for longest are dropped first. */

export interface Kept {
  readonly bytes: Uint8Array;
}

export class ByteCache<T extends Kept> {
  readonly #entries = new Map<string, T>();
  readonly #bytesMax: () => number;
  #bytes = 0;

  constructor(bytesMax: () => number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  set(key: string, entry: T): void {
    this.#remove(key);
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes.byteLength;
    const bytesMax = this.#bytesMax();
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= bytesMax) return;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes.byteLength ?? 0;
    this.#entries.delete(key);
  }
}
