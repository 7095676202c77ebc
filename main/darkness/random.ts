/** Seeded random numbers: fast, and reproducible bit for bit wherever a run is continued. */

const twoToMinus32 = 2 ** -32;
/** Poisson numbers with at least this mean are drawn as a rounded, skew-corrected Gaussian. */
const largePoissonMean = 24;

/** One round of splitmix32's finaliser, in which every input bit affects every output bit. */
function mixed(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

/**
 * Chris Doty-Humphrey's sfc32 generator (PractRand), seeded from any number of integers.
 *
 * `new Random(seed, step, index)` is a separate stream for each (seed, step, index), so that
 * nothing has to be replayed to continue from a checkpoint.
 */
export class Random {
  private a = 0x9e3779b9 | 0;
  private b = 0x243f6a88 | 0;
  private c = 0xb7e15162 | 0;
  private counter = 1;
  private spareGaussian = Number.NaN;

  /** @param keys integers of which the low 53 bits count; their order matters */
  constructor(...keys: number[]) {
    for (const key of keys) {
      this.absorb(key);
      this.absorb(Math.floor(key / 2 ** 32));
    }
    for (let round = 0; round < 12; round++) this.uint32();
  }

  private absorb(word: number): void {
    this.a = mixed(this.a ^ word);
    this.b = mixed(Math.imul(this.b ^ word, 0x01000193) + this.a);
    this.c = mixed((this.c + this.b) ^ Math.imul(word, 0x2c1b3c6d));
    this.uint32();
  }

  /** 32 random bits, 0 … 2³² − 1. */
  uint32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in the open interval (0, 1): never 0, never 1. */
  unit(): number {
    return (this.uint32() + 0.5) * twoToMinus32;
  }

  /** Uniform in (low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** exp of a uniform logarithm: every doubling in [low, high] is equally likely. */
  logUniform(low: number, high: number): number {
    return low * (high / low) ** this.unit();
  }

  /** A whole number 0 … count − 1. */
  integer(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /**
   * One of the items, each equally likely.
   * @throws RangeError for an empty list
   */
  pick<T>(items: readonly T[]): T {
    for (const item of items.slice(this.integer(items.length))) return item;
    throw new RangeError('expected at least one item to pick from, got none');
  }

  /** Standard normal: Marsaglia's polar method, which makes two at a time. */
  gaussian(): number {
    const spare = this.spareGaussian;
    if (spare === spare) {
      this.spareGaussian = Number.NaN;
      return spare;
    }
    for (;;) {
      const x = this.unit() * 2 - 1;
      const y = this.unit() * 2 - 1;
      const squared = x * x + y * y;
      if (squared >= 1 || squared === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(squared)) / squared);
      this.spareGaussian = y * scale;
      return x * scale;
    }
  }

  /**
   * A Poisson count. Exact (by inversion) below a mean of 24. Above it, a rounded Gaussian with the
   * first Cornish–Fisher term for skewness; mean and variance are right to 1 %.
   */
  poisson(mean: number): number {
    if (mean <= 0) return 0;
    if (mean >= largePoissonMean) {
      const z = this.gaussian();
      const count = Math.round(mean + Math.sqrt(mean) * z + (z * z - 1) / 6);
      return count < 0 ? 0 : count;
    }
    let left = this.unit();
    let probability = Math.exp(-mean);
    let count = 0;
    while (left > probability && count < 200) {
      left -= probability;
      count++;
      probability *= mean / count;
    }
    return count;
  }
}
