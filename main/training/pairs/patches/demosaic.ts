/**
 * Demosaics a long exposure patch by patch: the target of a network that learns from pairs.
 *
 * A mosaic has one colour per pixel, the target three. LibRaw's AHD only works on a whole frame, which
 * takes seconds and hundreds of megabytes for each pair, clips at white, and cuts off light below
 * black. Halving the frame gives true colours, but of a different scene: a mosaic as fine as the halved
 * frame would have twice the detail per pixel, and its red and blue samples lie half a pixel apart. So
 * the missing colours are interpolated here, along edges, in the light that the network must produce.
 * On a clean exposure this errs by about 1 % of white at edges and less elsewhere; a network's output
 * at ×100 errs by 3 to 10 %.
 */

/** Pixels around a window that its result depends on. */
export const demosaicRim = 4;

/**
 * Interpolates green along the smoother of both directions (Hamilton & Adams, US patent 5,629,734,
 * expired), then red and blue as differences from green.
 *
 * @param mosaic side × side samples of balanced light; RGGB from its corner
 * @param side even, more than 2 · DEMOSAIC_RIM
 * @param out side × side × 3, interleaved; valid only DEMOSAIC_RIM pixels inside its edges
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
      // A weighted mean, because where both directions are alike a choice would follow the noise.
      const share = sum > 0 ? (down * down) / (down * down + across * across) : 0.5;
      const green = share * greenAcross + (1 - share) * greenDown;
      // Clamp overshoot to the range of the neighbours.
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
