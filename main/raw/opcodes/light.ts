/** The samples that opcodes work on. */

/** The samples and their coordinates. */
export interface Light {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** width × height × channels, interleaved; changed in place. */
  readonly samples: Float32Array;
  /** Position of the first sample in the coordinates of the opcodes. */
  readonly left: number;
  readonly top: number;
  readonly fullWidth: number;
  readonly fullHeight: number;
  /**
   * Distance to a sample of the same colour: 2 on a Bayer mosaic, 4 on a Quad Bayer one, else 1.
   */
  readonly colourPitch: number;
  /** The file's whole number for a sample of 1; tables and constants use these numbers. */
  readonly scale: number;
  /**
   * Largest value after multiplication. Sensors end at 1, but floats may be brighter than white.
   */
  readonly limit: number;
}
