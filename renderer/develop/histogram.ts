/** Counts each tone in a picture, and the share of clipped pixels. */

export interface Histogram {
  /** 256 counts for each of R, G, B. */
  readonly red: Uint32Array;
  readonly green: Uint32Array;
  readonly blue: Uint32Array;
  /** Share of the pixels with a clipped channel, 0–1. */
  readonly clippedBlack: number;
  readonly clippedWhite: number;
}

/** @param rgba 8 bits per channel; pixels with alpha 0 are outside the picture */
export function countTones(rgba: Uint8Array): Histogram {
  const red = new Uint32Array(256);
  const green = new Uint32Array(256);
  const blue = new Uint32Array(256);
  let [total, black, white] = [0, 0, 0];
  for (let at = 0; at + 3 < rgba.length; at += 4) {
    if (rgba[at + 3]! === 0) continue;
    const [r, g, b] = [rgba[at]!, rgba[at + 1]!, rgba[at + 2]!];
    red[r]!++;
    green[g]!++;
    blue[b]!++;
    total++;
    // Only if all three are black: a single dark channel is a saturated colour.
    if (r <= 0 && g <= 0 && b <= 0) black++;
    if (r >= 254 || g >= 254 || b >= 254) white++;
  }
  const share = (count: number): number => (total === 0 ? 0 : count / total);
  return { red, green, blue, clippedBlack: share(black), clippedWhite: share(white) };
}

/**
 * Height that the curves are scaled to, chosen so that a few very high bins don't flatten the rest.
 */
export function ceilingOf({ red, green, blue }: Histogram): number {
  const inner = [red, green, blue]
    .flatMap((bins) => [...bins.subarray(2, 253)])
    .sort((a, b) => b - a);
  return Math.max(1, (inner[6] ?? 1) * 1.15);
}

/** An SVG path of the filled curve through the bins, `width` × `height`. */
export function curveOf(bins: Uint32Array, ceiling: number, width: number, height: number): string {
  const points = Array.from({ length: 128 }, (_, index) => {
    const count = ((bins[index * 2] ?? 0) + (bins[index * 2 + 1] ?? 0)) / 2;
    const x = (index / 127) * width;
    // The square root makes the few bright tones of a night visible.
    const y = height - Math.min(1, Math.sqrt(count / ceiling)) * height;
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M0 ${height}L${points.join('L')}L${width} ${height}Z`;
}
