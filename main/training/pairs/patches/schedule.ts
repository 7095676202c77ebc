/** Schedules which pair each patch comes from: every pair equally often, a few pairs at a time. */

import { Random } from '../../../darkness/random.ts';

/** Memory for the pairs in use; the same again holds the pairs being decoded meanwhile. */
const groupBytes = 256e6;
/** Patches of a pair before the next group's turn, if not all pairs fit: decoding takes seconds. */
const visitPatches = 32;

/** First key of the random numbers for the order, distinct from those of the patches. */
const orderKey = 0x6f72_6465;

interface Group {
  /** Indices of its pairs. */
  readonly pairs: readonly number[];
  /** Number of its first patch within the round. */
  readonly first: number;
}

export interface Turn {
  /** Index of the pair. */
  readonly pair: number;
  /** The pairs that alternate with it. */
  readonly group: readonly number[];
  /** The pairs of the next turn. */
  readonly next: readonly number[];
}

/**
 * A sequence of rounds. Each round visits every pair once, in a new order; a few pairs that fit into
 * memory together alternate. Everything follows from the pairs' sizes and the seed.
 */
export class PairSchedule {
  readonly #bytes: readonly number[];
  readonly #seed: number;
  readonly #patchesOfPair: number;
  readonly #rounds = new Map<number, readonly Group[]>();

  /** @param bytes of each pair when it is decoded */
  constructor(bytes: readonly number[], seed: number) {
    this.#bytes = bytes;
    this.#seed = seed;
    const total = bytes.reduce((sum, each) => sum + each, 0);
    this.#patchesOfPair = total <= groupBytes ? 1 : visitPatches;
  }

  /** @param patch number of the patch in the run, from 0 */
  turnOf(patch: number): Turn {
    const perRound = this.#bytes.length * this.#patchesOfPair;
    const round = Math.floor(patch / perRound);
    const within = patch - round * perRound;
    const groups = this.#groupsOf(round);
    const at = groups.findLastIndex(({ first }) => first <= within);
    const group = groups[at];
    if (group === undefined) throw new RangeError('expected at least one pair');
    const { pairs, first } = group;
    const pass = Math.floor((within - first) / pairs.length);
    const order = shuffled(pairs, new Random(orderKey, this.#seed, round, at + 1, pass));
    const pair = order[(within - first) % pairs.length];
    if (pair === undefined) throw new RangeError('expected a pair for every patch');
    const next = groups[at + 1] ?? this.#groupsOf(round + 1)[0];
    return { pair, group: pairs, next: next?.pairs ?? [] };
  }

  #groupsOf(round: number): readonly Group[] {
    const known = this.#rounds.get(round);
    if (known !== undefined) return known;
    const all = shuffled(this.#bytes.keys(), new Random(orderKey, this.#seed, round, 0));
    const groups: { pairs: number[]; first: number }[] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const [place, pair] of all.entries()) {
      const size = this.#bytes[pair] ?? 0;
      if (bytes + size > groupBytes) {
        groups.push({ pairs: [], first: place * this.#patchesOfPair });
        bytes = 0;
      }
      groups.at(-1)?.pairs.push(pair);
      bytes += size;
    }
    // Callers only ask about the current round and the next.
    if (this.#rounds.size > 2) this.#rounds.clear();
    this.#rounds.set(round, groups);
    return groups;
  }
}

/** Fisher and Yates' shuffle. */
function shuffled(items: Iterable<number>, random: Random): number[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}
