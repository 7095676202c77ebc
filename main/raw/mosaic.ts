/** The sensor's data as stored in a RAW file, and what the camera recorded about it. */

import type { Warp } from './opcodes/parse.ts';
import type { Records } from './records.ts';

/** Colours of one 2×2 cell, in reading order: (0,0), (0,1), (1,0), (1,1). */
export type CfaPattern = 'RGGB' | 'BGGR' | 'GRBG' | 'GBRG';

/** One value for each site of the 2×2 cell, in reading order of the *visible* area. */
export type PerSite = readonly [number, number, number, number];

export type Vector3 = readonly [number, number, number];

/** 3×3, row-major. */
export type Matrix3 = readonly [
  number, number, number,
  number, number, number,
  number, number, number,
]; // prettier-ignore

/** EXIF orientation, 1–8: the transformation that makes the stored rows upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What the camera recorded about the shot; absent where the file does not say. */
export interface Shot {
  readonly make?: string;
  readonly model?: string;
  readonly lens?: string;
  readonly iso?: number;
  readonly exposureSeconds?: number;
  readonly aperture?: number;
  readonly focalLengthMm?: number;
  /** `YYYY-MM-DDTHH:MM:SS` by the camera's own clock, with `±HH:MM` if the file states it. */
  readonly takenAt?: string;
  readonly gps?: Gps;
  readonly artist?: string;
  readonly copyright?: string;
}

export interface Gps {
  /** Degrees, north positive. */
  readonly latitude: number;
  /** Degrees, east positive. */
  readonly longitude: number;
  readonly altitudeMetres?: number;
}

/** How a camera sees colour. */
export interface CameraColour {
  /** Multipliers for R, G, B that make the light of the scene neutral; green is 1. */
  readonly asShotGains: Vector3;
  /** XYZ (D65) → camera RGB before white balance, DNG's ColorMatrix convention. */
  readonly xyzToCamera: Matrix3;
  /**
   * Camera RGB with the as-shot white balance → XYZ (D50), if the file has more than one daylight
   * matrix.
   */
  readonly balancedToXyz?: Matrix3;
}

/** A distortion, and the frame's position in the picture that it was measured in. */
export interface PlacedWarp {
  readonly warp: Warp;
  readonly left: number;
  readonly top: number;
  readonly fullWidth: number;
  readonly fullHeight: number;
}

/** Variance of a normalised (black 0, white 1) sample x: `slope · x + offset`. */
export interface NoiseProfile {
  readonly slope: number;
  readonly offset: number;
}

/** The number of frames behind each block of a merged mosaic. */
export interface FrameMap {
  /** Side of a block in pixels; blocks at the right and bottom edge may be smaller. */
  readonly blockSide: number;
  readonly columns: number;
  readonly rows: number;
  /**
   * columns × rows, row-major, in sixteenths of a frame: the number of frames whose mean would have
   * the block's noise.
   */
  readonly sixteenths: Uint16Array;
}

/** What a mosaic was merged from. */
export interface Merged {
  /** Names of the files, without folders; sorted. */
  readonly frames: readonly string[];
  /** The frame that the others were aligned to. */
  readonly reference: string;
  /** Total of all frames; absent if a file does not state its own. */
  readonly exposureSeconds?: number;
  readonly map: FrameMap;
}

/** Factors that were already applied to the samples, for example by a gain map. */
export interface AppliedGain {
  readonly mean: number;
  readonly most: number;
}

/** One frame of a Bayer sensor, visible area only. */
export interface Mosaic {
  readonly width: number;
  readonly height: number;
  /** width × height samples, row-major, in the file's own numbers (black level still in). */
  readonly samples: Uint16Array;
  readonly cfa: CfaPattern;
  readonly blackLevel: PerSite;
  /** Mean of the sensor's masked margin, if the file has one that is plausible. */
  readonly opticalBlack?: PerSite;
  readonly whiteLevel: number;
  readonly orientation: Orientation;
  readonly colour: CameraColour;
  /** Stops to add to the file's values for the photographer's intended brightness (DNG). */
  readonly baselineExposureStops: number;
  /** Noise of the sensor's own numbers, before `appliedGain`. */
  readonly noiseProfile?: NoiseProfile;
  /** Factors that multiplied the sensor's samples, and its noise with them. */
  readonly appliedGain?: AppliedGain;
  /** The sensor is monochrome: all sites see the same light. */
  readonly isMonochrome?: true;
  /** Distortions to correct after the network, in order. */
  readonly warps?: readonly PlacedWarp[];
  /** Measured on this individual camera (`nightglass calibrate`) at this ISO. */
  readonly cameraNoise?: NoiseProfile;
  /**
   * Present if several frames were merged. They were calibrated beforehand, and `noiseProfile`
   * applies to a block with as many frames as the map's middle block.
   */
  readonly merged?: Merged;
  /**
   * Present if this program already developed the picture: width × height × 3, white-balanced camera
   * RGB, 1 = the file's white. It is shown as it is; the mosaic's samples are these, one colour each.
   */
  readonly developed?: Float32Array;
  readonly shot: Shot;
  /** What else the file says about the picture; absent where nothing was read from a file. */
  readonly records?: Records;
}

/**
 * A frame whose file has no mosaic (linear or lossy DNG, sRAW), developed as far as LibRaw does:
 * camera RGB, white-balanced, linear.
 */
export interface LinearFrame {
  readonly width: number;
  readonly height: number;
  /** width × height × 3, interleaved, 1 = the file's white. */
  readonly samples: Float32Array;
  readonly orientation: Orientation;
  readonly colour: CameraColour;
  readonly baselineExposureStops: number;
  readonly warps?: readonly PlacedWarp[];
  /** Present if this program developed the picture: the edits to show it with, as JSON. */
  readonly developed?: string;
  readonly shot: Shot;
  readonly records?: Records;
}

export type DecodedRaw =
  | { readonly kind: 'mosaic'; readonly mosaic: Mosaic }
  | { readonly kind: 'linear'; readonly frame: LinearFrame };
