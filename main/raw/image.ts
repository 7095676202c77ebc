/** Pictures on their way from the network to a file. */

import type { CameraColour, Orientation } from './mosaic.ts';

/** What comes out of the develop line before any look is put on it. */
export interface CameraLinearImage {
  readonly width: number;
  readonly height: number;
  /**
   * width × height × 3, interleaved R, G, B: linear camera RGB, white-balanced with `colour`'s
   * gains, 1 = white after amplification. Signed; highlights run past 1.
   */
  readonly samples: Float32Array;
  readonly colour: CameraColour;
  readonly orientation: Orientation;
}

/** Colour spaces a finished picture can be written in. */
export type OutputSpace = 'srgb' | 'display-p3' | 'rec2020';

/** A picture ready to be encoded: toned, in its output space, upright. */
export interface FinishedImage {
  readonly width: number;
  readonly height: number;
  /** width × height × 3, interleaved, full range 0–65535, encoded with the space's curve. */
  readonly samples: Uint16Array;
  readonly space: OutputSpace;
}
