/**
 * Facts in a file besides its samples: orientation, colour, baseline exposure, noise and the shot.
 */

import { cameraName, unknownCamera } from './camera-name.ts';
import { cameraColour } from './colour.ts';
import type { Container } from './container.ts';
import type { LibRawMetadata } from './libraw.ts';
import type { Mosaic, NoiseProfile, Orientation } from './mosaic.ts';
import { cameraOf, shotOf } from './shot.ts';
import type { TiffDirectory } from './tiff-tags.ts';

const baselineExposure = 50_730;
const noiseProfile = 51_041;
const maxBaselineStops = 10;

/** Averages S and O (DNG 1.4, NoiseProfile) over a DNG's planes; R, G and B differ little. */
export function noiseProfileOf(
  image: TiffDirectory,
  first: TiffDirectory,
): NoiseProfile | undefined {
  const values = image.has(noiseProfile)
    ? image.numbers(noiseProfile)
    : first.numbers(noiseProfile);
  const planes = Math.floor(values.length / 2);
  if (planes < 1 || planes > 4) return undefined;
  const mean = (part: number): number =>
    values
      .filter((_, index) => index % 2 === part && index < planes * 2)
      .reduce((sum, value) => sum + value, 0) / planes;
  const [slope, offset] = [mean(0), mean(1)];
  return slope > 0 && slope < 1 && Math.abs(offset) < 1 ? { slope, offset } : undefined;
}

/** Facts that mosaics and linear frames have in common. */
export type About = Pick<Mosaic, 'orientation' | 'colour' | 'baselineExposureStops' | 'shot'>;

export function describe(metadata: LibRawMetadata, container: Container): About {
  const first = container.kind === 'tiff' && container.isDng ? container.tiff.images[0] : undefined;
  const camera = cameraName(cameraOf(metadata, container)) ?? unknownCamera;
  const stops = first?.number(baselineExposure) ?? 0;
  return {
    orientation: orientationOf(metadata.flip),
    colour: cameraColour(metadata, first, camera),
    baselineExposureStops: Math.abs(stops) <= maxBaselineStops ? stops : 0,
    shot: shotOf(metadata, container),
  };
}

/**
 * Converts dcraw's flip (1: mirror columns, 2: mirror rows, 4: swap them first) to EXIF's
 * orientation.
 */
function orientationOf(flip: number): Orientation {
  const orientations = [1, 2, 4, 3, 5, 8, 6, 7] as const;
  return orientations[flip] ?? 1;
}
