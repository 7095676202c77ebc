/**
 * Makes training patches: a crop of a clean photo, darkened, and the output that the network should
 * produce.
 */

import { darken, type DarknessParameters } from '../../darkness/darkness.ts';
import { lightOfCode, type LinearPhoto } from '../../darkness/linear-photo.ts';
import { Random } from '../../darkness/random.ts';
import {
  drawDarkness,
  type DrawDarkness,
  type DrawnDarkness,
} from '../../darkness/drawn-darkness.ts';
import { drawLook, type SceneLook } from '../../darkness/scene.ts';
import { drawPhoto, type Shelf } from './shelf.ts';
import {
  drawNight,
  glowNight,
  isNight,
  lightNight,
  nightNoise,
  noNight,
  spoilNight,
  type NightShares,
} from './night.ts';

/**
 * The network's input is clamped to ± this, targets to 0 … this, in amplified units (white is 1).
 */
export const amplifiedLimit = 4;

/** One training batch, planar, N patches of P × P packed pixels. */
export interface Batch {
  /** Number of the batch in the run. Together with the seed it determines the contents. */
  readonly step: number;
  /** [N, 4, P, P]: R, G (red's row), G (blue's row), B; amplified, white-balanced, −4 … 4. */
  readonly input: Float32Array<ArrayBuffer>;
  /**
   * [N, 12, P, P]: linear camera RGB, amplified, white-balanced, 0 … 4. Channel
   * (dy · 2 + dx) · 3 + c holds colour c of the mosaic pixel (2y + dy, 2x + dx).
   */
  readonly target: Float32Array<ArrayBuffer>;
  /** Whether each patch has any of the effects in `NightShares`; unknown for pairs. */
  readonly isNight: boolean[];
}

/** The photos that batches are cut from, and how often each is drawn. */
export interface PhotoPool {
  readonly photos: readonly LinearPhoto[];
  readonly shelf: Shelf;
}

type Sized = Pick<LinearPhoto, 'name' | 'width' | 'height'>;

/** Orders the photos of a pool by name, so that the order they came in does not matter. */
export function byName(a: Sized, b: Sized): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/**
 * A shelf of photos that are all in memory. Each is drawn in proportion to the square root of its
 * area.
 */
export function shelfOfAll(photos: readonly Sized[]): Shelf {
  const drawnBelow = new Float64Array(photos.length);
  let sum = 0;
  photos.forEach((photo, index) => {
    sum += Math.sqrt(photo.width * photo.height);
    drawnBelow[index] = sum;
  });
  return { kind: 'all', drawnBelow: drawnBelow.map((below) => below / sum) };
}

/** A pool of photos that are all in memory. */
export function poolOf(photos: readonly LinearPhoto[]): PhotoPool {
  const sorted = [...photos].sort(byName);
  return { photos: sorted, shelf: shelfOfAll(sorted) };
}

/** The random draws of a patch. */
export interface DrawnPatch {
  /** How the photo's light was turned into camera colour. */
  readonly look: SceneLook;
  readonly isNight: boolean;
}

/** Position mirrored into 0 … size − 1 about the edge samples. */
function mirrored(position: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = ((position % period) + period) % period;
  return folded < size ? folded : period - folded;
}

/** Buffers for one patch, so that a run of millions of patches allocates nothing. */
export class PatchMaker {
  readonly patchPacked: number;
  /** Side of the patch on the mosaic, in pixels. */
  private readonly side: number;
  /** side × side × 3: the clean scene in balanced camera RGB, amplified. */
  private readonly scene: Float32Array;
  private readonly cleanDn: Float32Array;
  private readonly noisy: Uint16Array;
  private readonly drawDarkness: DrawDarkness;
  private readonly night: NightShares;

  /**
   * @param patchPacked side of a patch in packed pixels
   * @param darkness how darkness is drawn; as for all cameras if not given
   * @param night shares of the patches that have stars, lamps and sensor faults
   */
  constructor(patchPacked: number, darkness: DrawDarkness = drawDarkness, night = noNight) {
    if (!Number.isInteger(patchPacked) || patchPacked < 1) {
      throw new RangeError(`expected a whole number ≥ 1 for patchPacked, got ${patchPacked}`);
    }
    this.patchPacked = patchPacked;
    this.drawDarkness = darkness;
    this.night = night;
    this.side = patchPacked * 2;
    this.scene = new Float32Array(this.side * this.side * 3);
    this.cleanDn = new Float32Array(this.side * this.side);
    this.noisy = new Uint16Array(this.side * this.side);
  }

  /**
   * Makes one patch; the result depends only on the photo and `random`.
   * @param input 4 · P² samples from `offset · 4 · P²`, as in `Batch.input`
   * @param target 12 · P² samples from `offset · 12 · P²`, as in `Batch.target`
   * @returns what was drawn
   */
  make(
    photo: LinearPhoto,
    random: Random,
    offset: number,
    input: Float32Array,
    target: Float32Array,
  ): DrawnPatch {
    const { side, scene, cleanDn, noisy } = this;
    const look = drawLook(photo.space, random);
    this.cut(photo, random);
    this.colour(look.toBalancedCamera);
    const drawn = this.drawDarkness(random);
    const night = drawNight(this.night, random);
    const parameters = nightNoise(drawn.parameters, night, random);
    const darkness = { ...drawn, parameters };
    lightNight({ width: side, height: side, samples: scene }, night, look, darkness, random);
    this.expose(look.whiteBalance, darkness.ratio, parameters);
    glowNight(cleanDn, side, night, darkness, random);
    darken(cleanDn, side, side, parameters, random, noisy);
    if (darkness.hot !== undefined) this.heat(darkness.hot, parameters.whiteLevel, random);
    spoilNight(noisy, side, night, parameters, random);
    this.packInput(look.whiteBalance, darkness, input, offset);
    // Light that the sensor clipped cannot be recovered, so at ratios below 4 the target stops at
    // white.
    this.packTarget(Math.min(amplifiedLimit, darkness.ratio), target, offset);
    return { look, isNight: isNight(night) };
  }

  /**
   * Cuts a crop out of the photo: halved in linear light in 20 % of cases, flipped and transposed.
   */
  private cut(photo: LinearPhoto, random: Random): void {
    const { side, scene } = this;
    const { width, height, codes } = photo;
    const halved = random.chance(0.2) && Math.min(width, height) >= side * 2;
    const step = halved ? 2 : 1;
    const span = side * step;
    // A photo smaller than the crop is extended by mirroring.
    const left = random.integer(Math.max(1, width - span + 1));
    const top = random.integer(Math.max(1, height - span + 1));
    const flipX = random.chance(0.5);
    const flipY = random.chance(0.5);
    const transposed = random.chance(0.5);
    const inside = left + span <= width && top + span <= height;
    for (let y = 0, out = 0; y < side; y++) {
      for (let x = 0; x < side; x++, out += 3) {
        const across = transposed ? y : x;
        const down = transposed ? x : y;
        let column = left + (flipX ? side - 1 - across : across) * step;
        let row = top + (flipY ? side - 1 - down : down) * step;
        if (!inside) {
          column = mirrored(column, width);
          row = mirrored(row, height);
        }
        const at = (row * width + column) * 3;
        if (halved) {
          const below = at + width * 3;
          for (let c = 0; c < 3; c++) {
            scene[out + c] =
              0.25 *
              (lightOfCode(codes[at + c]!) +
                lightOfCode(codes[at + 3 + c]!) +
                lightOfCode(codes[below + c]!) +
                lightOfCode(codes[below + 3 + c]!));
          }
        } else {
          scene[out] = lightOfCode(codes[at]!);
          scene[out + 1] = lightOfCode(codes[at + 1]!);
          scene[out + 2] = lightOfCode(codes[at + 2]!);
        }
      }
    }
  }

  /** Photo colours → balanced camera colours, which are never negative. */
  private colour(m: readonly number[]): void {
    const { scene } = this;
    const [m0 = 0, m1 = 0, m2 = 0, m3 = 0, m4 = 0, m5 = 0, m6 = 0, m7 = 0, m8 = 0] = m;
    for (let at = 0; at < scene.length; at += 3) {
      const r = scene[at]!;
      const g = scene[at + 1]!;
      const b = scene[at + 2]!;
      const red = m0 * r + m1 * g + m2 * b;
      const green = m3 * r + m4 * g + m5 * b;
      const blue = m6 * r + m7 * g + m8 * b;
      scene[at] = red > 0 ? red : 0;
      scene[at + 1] = green > 0 ? green : 0;
      scene[at + 2] = blue > 0 ? blue : 0;
    }
  }

  /**
   * The clean RGGB mosaic in DN above black, as dark as the ratio requires, before white balance.
   */
  private expose(
    whiteBalance: readonly [number, number, number],
    ratio: number,
    parameters: DarknessParameters,
  ): void {
    const { side, scene, cleanDn } = this;
    const dnPerUnit = (parameters.whiteLevel - parameters.blackLevel[0]) / ratio;
    for (let y = 0, at = 0; y < side; y++) {
      for (let x = 0; x < side; x++, at++) {
        const channel = (y & 1) + (x & 1);
        cleanDn[at] = (scene[at * 3 + channel]! * dnPerUnit) / whiteBalance[channel]!;
      }
    }
  }

  /** Makes some pixels at random places too bright. */
  private heat(
    { share, excessDn }: NonNullable<DrawnDarkness['hot']>,
    whiteLevel: number,
    random: Random,
  ): void {
    const { noisy } = this;
    for (let left = random.poisson(share * noisy.length); left > 0; left--) {
      const at = random.integer(noisy.length);
      const excess = Math.round(random.pick(excessDn) * random.uniform(0.7, 1.3));
      noisy[at] = Math.min(whiteLevel, noisy[at]! + excess);
    }
  }

  /** Packs the network's input as the develop line would from this frame. */
  private packInput(
    whiteBalance: readonly [number, number, number],
    { parameters, ratio }: DrawnDarkness,
    input: Float32Array,
    offset: number,
  ): void {
    const { side, patchPacked, noisy } = this;
    const area = patchPacked * patchPacked;
    const { blackLevel, whiteLevel } = parameters;
    for (let site = 0; site < 4; site++) {
      const black = blackLevel[site]!;
      const unitPerDn = ratio / (whiteLevel - black);
      const dy = site >> 1;
      const dx = site & 1;
      const scale = unitPerDn * whiteBalance[dy + dx]!;
      let out = (offset * 4 + site) * area;
      for (let y = 0; y < patchPacked; y++) {
        let at = (y * 2 + dy) * side + dx;
        for (let x = 0; x < patchPacked; x++, at += 2, out++) {
          const value = (noisy[at]! - black) * scale;
          input[out] =
            value > amplifiedLimit
              ? amplifiedLimit
              : value < -amplifiedLimit
                ? -amplifiedLimit
                : value;
        }
      }
    }
  }

  private packTarget(brightest: number, target: Float32Array, offset: number): void {
    const { side, patchPacked, scene } = this;
    const area = patchPacked * patchPacked;
    for (let channel = 0; channel < 12; channel++) {
      const dy = channel >= 6 ? 1 : 0;
      const dx = channel % 6 >= 3 ? 1 : 0;
      const colour = channel % 3;
      let out = (offset * 12 + channel) * area;
      for (let y = 0; y < patchPacked; y++) {
        let at = ((y * 2 + dy) * side + dx) * 3 + colour;
        for (let x = 0; x < patchPacked; x++, at += 6, out++) {
          const value = scene[at]!;
          target[out] = value > brightest ? brightest : value;
        }
      }
    }
  }
}

/** Everything that determines a batch. */
export interface BatchRequest {
  readonly pool: PhotoPool;
  readonly seed: number;
  /** Number of the batch. Together with the seed and the pool it determines the contents. */
  readonly step: number;
  /** Number of patches. */
  readonly batch: number;
  readonly maker: PatchMaker;
}

/** The random numbers of one patch, given the numbers of its batch and index. */
export function randomOf(seed: number, step: number, index: number): Random {
  return new Random(seed, step, index);
}

/**
 * Makes batch number `step` of a run, always the same bit for bit.
 * @throws RangeError if the pool is empty
 */
export function makeBatch({ pool, seed, step, batch, maker }: BatchRequest): Batch {
  const made = emptyBatch(step, batch, maker);
  for (let index = 0; index < batch; index++) {
    const random = randomOf(seed, step, index);
    const [drawn = 0] = drawPhoto(pool.shelf, seed, step, random);
    const photo = pool.photos[drawn];
    if (photo === undefined) throw new RangeError('expected a pool of at least one photo');
    made.isNight[index] = maker.make(photo, random, index, made.input, made.target).isNight;
  }
  return made;
}

/** Allocates a batch. */
export function emptyBatch(step: number, batch: number, { patchPacked }: PatchMaker): Batch {
  const area = patchPacked * patchPacked;
  return {
    step,
    input: new Float32Array(batch * 4 * area),
    target: new Float32Array(batch * 12 * area),
    isNight: Array.from({ length: batch }, () => false),
  };
}
