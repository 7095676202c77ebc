/** The samples that opcodes work on. */

/** Samples at work. */
export interface Light {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** width × height × channels, interleaved; changed in place. */
  readonly samples: Float32Array;
  /** Where the first sample lies in the picture that the opcodes count in. */
  readonly left: number;
  readonly top: number;
  readonly fullWidth: number;
  readonly fullHeight: number;
  /** Steps to a sample of the same colour: 2 on a Bayer mosaic, 4 on a Quad Bayer one, else 1. */
  readonly colourPitch: number;
  /** What a sample of 1 is in the file's whole numbers: tables and constants count in those. */
  readonly scale: number;
  /** Sensors end at 1, and so does what they are multiplied by. Floats may be brighter than white. */
  readonly limit: number;
}
