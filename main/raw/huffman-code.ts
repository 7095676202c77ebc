/** Huffman codes as JPEG stores them: at most 16 bits, none of them all ones (ITU-T T.81, annex K.2). */

const lengthMax = 16;

export interface HuffmanCode {
  /** Symbols that occur, in the order of their codes. */
  readonly symbols: readonly number[];
  /** For each symbol, the bits of its code; 0 if it does not occur. */
  readonly lengths: Uint8Array;
  /** For each symbol, its code. */
  readonly words: Uint32Array;
}

/** @param counts how often each symbol occurs; at least one must */
export function huffmanCode(counts: Uint32Array): HuffmanCode {
  let weights = Array.from(counts);
  let lengths = lengthsOf(weights);
  // Rarer symbols become relatively more frequent until their codes are short enough.
  while (lengths.some((length) => length > lengthMax)) {
    weights = weights.map((weight) => Math.ceil(weight / 2));
    lengths = lengthsOf(weights);
  }
  const symbols = [...lengths.keys()]
    .filter((symbol) => lengths[symbol]! > 0)
    .sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const words = new Uint32Array(counts.length);
  let next = 0;
  let length = 0;
  for (const symbol of symbols) {
    next <<= lengths[symbol]! - length;
    length = lengths[symbol]!;
    words[symbol] = next++;
  }
  return { symbols, lengths, words };
}

interface Tree {
  readonly weight: number;
  readonly symbols: readonly number[];
}

/**
 * Bits of each symbol's code. A further symbol that never occurs takes the last code of the longest
 * length, which would be all ones.
 */
function lengthsOf(weights: readonly number[]): Uint8Array {
  const reserved = weights.length;
  const lengths = new Uint8Array(weights.length + 1);
  const trees: Tree[] = weights
    .map((weight, symbol) => ({ weight, symbols: [symbol] }))
    .filter(({ weight }) => weight > 0);
  trees.push({ weight: 0, symbols: [reserved] });
  while (trees.length > 1) {
    trees.sort((a, b) => b.weight - a.weight);
    const [first, second] = [trees.pop()!, trees.pop()!];
    const symbols = [...first.symbols, ...second.symbols];
    for (const symbol of symbols) lengths[symbol]! += 1;
    trees.push({ weight: first.weight + second.weight, symbols });
  }
  return lengths.subarray(0, weights.length);
}
