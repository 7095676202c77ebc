/**
 * Full colour from the mosaic of a long exposure, for a patch at a time: what a network that learns
 * from pairs is asked for.
 *
 * A mosaic has one colour a pixel, the target three. LibRaw's AHD would give them, but for a whole
 * frame at once: seconds and hundreds of megabytes for each pair, 16 bits that end at white, and
 * black subtracted with what lies below it cut off. Halving the frame gives true colours, but of
 * another scene: a mosaic as fine as the halved frame has twice the detail to each pixel, and its
 * reds and blues lie half a pixel beside each other. So the missing colours are interpolated here,
 * along edges, in the light the network is asked for. A clean exposure's interpolation errs by some
 * 1 % of white at edges and less elsewhere; what a network makes of ×100 darkness errs by 3 to 10 %.
 */

/** Pixels around a window that its colours depend on. */
export const DEMOSAIC_RIM = 4;

/**
 * Green along the smoother of both directions (Hamilton & Adams, US patent 5,629,734, expired), then
 * red and blue as differences from it.
 *
 * @param mosaic side × side samples of balanced light; RGGB from its corner
 * @param side even, more than 2 · DEMOSAIC_RIM
 * @param out side × side × 3, interleaved; only what lies DEMOSAIC_RIM inside is right
 */
export function demosaicSquare(mosaic: Float32Array, side: number, out: Float32Array): void {
  for (let y = 2; y < side - 2; y++) {
    for (let x = 2; x < side - 2; x++) {
      const at = y * side + x;
      const here = mosaic[at]!;
      if (((x ^ y) & 1) === 1) {
        out[at * 3 + 1] = here;
        continue;
      }
      const left = mosaic[at - 1]!;
      const right = mosaic[at + 1]!;
      const above = mosaic[at - side]!;
      const below = mosaic[at + side]!;
      const bendAcross = 2 * here - mosaic[at - 2]! - mosaic[at + 2]!;
      const bendDown = 2 * here - mosaic[at - 2 * side]! - mosaic[at + 2 * side]!;
      const across = Math.abs(left - right) + Math.abs(bendAcross);
      const down = Math.abs(above - below) + Math.abs(bendDown);
      const greenAcross = (left + right) / 2 + bendAcross / 4;
      const greenDown = (above + below) / 2 + bendDown / 4;
      const sum = across + down;
      // Weighted, not chosen: where both are alike a choice would follow the noise.
      const share = sum > 0 ? (down * down) / (down * down + across * across) : 0.5;
      const green = share * greenAcross + (1 - share) * greenDown;
      // What overshoots its neighbours is no light.
      const least = Math.min(left, right, above, below);
      const most = Math.max(left, right, above, below);
      out[at * 3 + 1] = Math.max(least, Math.min(most, green));
    }
  }
  const excess = (at: number): number => mosaic[at]! - out[at * 3 + 1]!;
  for (let y = 3; y < side - 3; y++) {
    for (let x = 3; x < side - 3; x++) {
      const at = y * side + x;
      const green = out[at * 3 + 1]!;
      const isRedRow = (y & 1) === 0;
      if (((x ^ y) & 1) === 1) {
        const besides = (excess(at - 1) + excess(at + 1)) / 2;
        const aboveBelow = (excess(at - side) + excess(at + side)) / 2;
        out[at * 3] = green + (isRedRow ? besides : aboveBelow);
        out[at * 3 + 2] = green + (isRedRow ? aboveBelow : besides);
      } else {
        const corners =
          (excess(at - side - 1) +
            excess(at - side + 1) +
            excess(at + side - 1) +
            excess(at + side + 1)) /
          4;
        out[at * 3 + (isRedRow ? 0 : 2)] = mosaic[at]!;
        out[at * 3 + (isRedRow ? 2 : 0)] = green + corners;
      }
    }
  }
}
