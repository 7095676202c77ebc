/**
 * Facts about a frame from a single pass over it: its light, its sharpness, and whether it is a
 * copy of another.
 */

import { createHash } from 'node:crypto';
import { frameNoise, varianceAt } from '../develop/noise.ts';
import { normalisation } from '../develop/normalise.ts';
import { siteColours } from '../raw/cfa.ts';
import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { cellMeans, halved, type Plane } from './planes.ts';
import { pyramidOf, type Pyramid } from './pose.ts';

/** The facts that are kept while other frames are read. */
export interface FrameFacts {
  readonly pyramid: Pyramid;
  /** Not lower than the noise of its samples. */
  readonly noise: NoiseProfile;
  /** Mean of its samples, normalised. */
  readonly light: number;
  /** The amount of structure without noise, from fine to coarse scales. */
  readonly detail: readonly Detail[];
  /** Digest of the samples. */
  readonly digest: string;
  /** This and the following are equal in all frames of a burst. */
  readonly width: number;
  readonly height: number;
  readonly cfa: Mosaic['cfa'];
  readonly camera: string;
  readonly iso?: number;
  readonly exposureSeconds?: number;
}

/** Structure at one scale, horizontally and vertically. */
interface Detail {
  readonly across: Energy;
  readonly down: Energy;
}

interface Energy {
  readonly value: number;
  /** Standard error of the structure. */
  readonly error: number;
}

export function factsOf(frame: Mosaic): FrameFacts {
  const cells = cellMeans(frame);
  const pyramid = pyramidOf(cells, frame);
  const { shot } = frame;
  const noise = frameNoise(frame).ceiling;
  const coarsest = pyramid.levels.at(-1)?.plane.values ?? cells.values;
  const light = coarsest.reduce((sum, value) => sum + value, 0) / coarsest.length;
  // Slopes steeper than noise and the scene's own light explain belong to lamps and are capped;
  // otherwise they would dominate.
  const slopeMax = 4 * (Math.max(0, light) + Math.sqrt(2 * varianceAt(noise, light)));
  return {
    pyramid,
    noise,
    light,
    detail: detailOf(frame, slopeMax),
    digest: createHash('sha256')
      .update(
        new Uint8Array(frame.samples.buffer, frame.samples.byteOffset, frame.samples.byteLength),
      )
      .digest('hex'),
    width: frame.width,
    height: frame.height,
    cfa: frame.cfa,
    camera: `${shot.make ?? ''} ${shot.model ?? ''}`.trim(),
    ...(shot.iso === undefined ? {} : { iso: shot.iso }),
    ...(shot.exposureSeconds === undefined ? {} : { exposureSeconds: shot.exposureSeconds }),
  };
}

/** Number of scales: neighbours of the same colour, and 2, 4 and 8 times that distance. */
const detailScales = 4;

/**
 * Structure without noise: slopes of one green plane times those of the other, whose noise is
 * independent.
 * @param slopeMax steeper slopes are capped at this
 */
function detailOf(frame: Mosaic, slopeMax: number): Detail[] {
  let [first, second] = greens(frame);
  return Array.from({ length: detailScales }, (_, scale) => {
    if (scale > 0) [first, second] = [halved(first), halved(second)];
    return {
      across: energy(first, second, [1, 0], slopeMax),
      down: energy(first, second, [0, 1], slopeMax),
    };
  });
}

function greens(frame: Mosaic): [Plane, Plane] {
  const { black, scale } = normalisation(frame);
  const width = frame.width >> 1;
  const height = frame.height >> 1;
  const sites = siteColours(frame.cfa).flatMap((colour, site) => (colour === 'G' ? [site] : []));
  const plane = (site: number): Plane => {
    const values = new Float32Array(width * height);
    for (let y = 0, out = 0; y < height; y++) {
      let at = (2 * y + (site >> 1)) * frame.width + (site & 1);
      for (let x = 0; x < width; x++, at += 2, out++) {
        values[out] = (frame.samples[at]! - black[site]!) * scale[site]!;
      }
    }
    return { width, height, values };
  };
  return [plane(sites[0] ?? 0), plane(sites[1] ?? 0)];
}

function energy(a: Plane, b: Plane, [dx, dy]: readonly [number, number], slopeMax: number): Energy {
  const { width, height } = a;
  const step = dy * width + dx;
  const capped = (slope: number): number => Math.max(-slopeMax, Math.min(slopeMax, slope));
  let [sum, squares, count] = [0, 0, 0];
  for (let y = 0; y < height - dy; y++) {
    for (let at = y * width, end = at + width - dx; at < end; at++) {
      const product =
        capped(a.values[at + step]! - a.values[at]!) * capped(b.values[at + step]! - b.values[at]!);
      sum += product;
      squares += product * product;
      count += 1;
    }
  }
  if (count === 0) return { value: 0, error: Infinity };
  const value = sum / count;
  return { value, error: Math.sqrt(Math.max(0, squares / count - value * value) / count) };
}

/**
 * Structure relative to the frame's light, so that frames of one scene compare whatever their
 * exposure.
 * @returns one value per scale, from fine to coarse; none for a frame without light
 */
export function sharpnessOf({ detail, light }: FrameFacts): Detail[] {
  if (!(light > 0)) return [];
  const over = ({ value, error }: Energy): Energy => ({
    value: value / light ** 2,
    error: error / light ** 2,
  });
  return detail.map(({ across, down }) => ({ across: over(across), down: over(down) }));
}
