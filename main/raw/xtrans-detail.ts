/**
 * Tells detail from noise in blocks of an X-Trans mosaic without knowing the sensor: two ways to fill
 * the same places differ by noise alone where the light is smooth.
 */

/** Rows and columns of a block. */
const side = 6;
/** Blocks are compared with blocks as bright, in steps of a factor of 2. */
const stepCount = 24;
/** Of the blocks of a step, this share are taken to be smooth. */
const smoothShare = 0.25;
/** Steps with fewer blocks than this tell nothing; those of the darker neighbour hold for them. */
const leastBlocks = 16;
/** Detail begins at this many times the smooth blocks' difference, and is certain at the second. */
const begins = 2.5;
const surely = 6;

/** A number from 0 to 1 for each block of 6 × 6 samples, row-major: 1 is detail. */
export interface Blocks {
  readonly across: number;
  readonly shares: Float32Array;
}

/**
 * @param light width × height samples, black at 0
 * @param differenceAt by how much the two ways differ at a place; undefined where they are one
 */
export function detailOf(
  light: { readonly width: number; readonly height: number; readonly samples: Float32Array },
  differenceAt: (x: number, y: number) => number | undefined,
): Blocks {
  const { width, height, samples } = light;
  const across = Math.ceil(width / side);
  const down = Math.ceil(height / side);
  const energy = new Float32Array(across * down);
  const steps = new Uint8Array(across * down);
  for (let block = 0; block < energy.length; block++) {
    const [left, top] = [(block % across) * side, Math.floor(block / across) * side];
    let [squares, count, sum] = [0, 0, 0];
    // Every second row and column is enough to tell.
    for (let y = top; y < Math.min(height, top + side); y++) {
      for (let x = left + (y & 1); x < Math.min(width, left + side); x += 2) {
        sum += samples[y * width + x]!;
        const difference = differenceAt(x, y);
        if (difference === undefined) continue;
        squares += difference * difference;
        count += 1;
      }
    }
    energy[block] = count === 0 ? 0 : squares / count;
    // NaN from a damaged file counts as black.
    const brightness = Math.log2(Math.max(0, sum / 18) * 2 ** stepCount) || 0;
    steps[block] = Math.min(stepCount - 1, Math.max(0, Math.floor(brightness)));
  }
  const smooth = smoothOf(energy, steps);
  const found = energy.map((one, block) => {
    const floor = smooth[steps[block]!]!;
    return Math.min(1, Math.max(0, (one / floor - begins) / (surely - begins))) || 0;
  });
  return { across, shares: softened(found, across, down) };
}

/** The difference's mean square in smooth blocks, for each step of brightness. */
function smoothOf(energy: Float32Array, steps: Uint8Array): number[] {
  const perStep = Array.from({ length: stepCount }, (): number[] => []);
  for (const [block, step] of steps.entries()) perStep[step]!.push(energy[block]!);
  let known = Number.POSITIVE_INFINITY;
  return perStep.map((list) => {
    if (list.length >= leastBlocks) {
      list.sort((a, b) => a - b);
      known = list[Math.floor(list.length * smoothShare)]!;
    }
    return known;
  });
}

/** Means of each block and its neighbours, so that no block's edge shows. */
function softened(found: Float32Array, across: number, down: number): Float32Array {
  return found.map((_, block) => {
    const [column, row] = [block % across, Math.floor(block / across)];
    let [sum, count] = [0, 0];
    for (let y = Math.max(0, row - 1); y <= Math.min(down - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(across - 1, column + 1); x++) {
        sum += found[y * across + x]!;
        count += 1;
      }
    }
    return sum / count;
  });
}
