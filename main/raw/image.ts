/** Types of pictures between the network and a file. */

import type { CameraColour, Orientation } from './mosaic.ts';

/** The develop line's output before any look is applied. */
export interface CameraLinearImage {
  readonly width: number;
  readonly height: number;
  /**
   * width × height × 3, interleaved R, G, B: linear camera RGB, white-balanced with `colour`'s
   * gains, 1 = white after amplification. Signed; highlights exceed 1.
   */
  readonly samples: Float32Array;
  readonly colour: CameraColour;
  readonly orientation: Orientation;
}

/** Colour spaces of finished pictures. */
export type OutputSpace = 'srgb' | 'display-p3' | 'rec2020';

/** A picture ready to be encoded: toned, in its output space, upright. */
export interface FinishedImage {
  readonly width: number;
  readonly height: number;
  /** width × height × 3, interleaved, full range 0–65535, encoded with the space's curve. */
  readonly samples: Uint16Array;
  readonly space: OutputSpace;
}
