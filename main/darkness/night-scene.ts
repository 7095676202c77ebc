/**
 * Adds light that daylight photos lack: stars on a night sky, and coloured lamps far above white.
 */

import { invert, transform } from '../develop/colour.ts';
import { blackBody } from '../develop/white-balance.ts';
import type { Matrix3, Vector3 } from '../raw/mosaic.ts';
import type { Random } from './random.ts';
import { srgbToXyz } from './scene.ts';

/** A scene in white-balanced linear camera RGB, amplified: white is 1. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** width × height × 3, interleaved. */
  readonly samples: Float32Array;
}

/**
 * A point of light as a lens images it. Positions refer to pixel centres: (0, 0) is the centre of
 * the first pixel.
 */
export interface Star {
  readonly x: number;
  readonly y: number;
  /** Full width at half maximum of its spot, pixels. */
  readonly fwhmPixels: number;
  /** Sum over the spot, in units of white, for each colour. */
  readonly flux: Vector3;
  /** Its light relative to the surrounding noise; see `fluxOfSnr`. */
  readonly snr: number;
}

/** The distribution that a star field is drawn from. */
export interface StarField {
  /** Stars per million pixels: 100 is a sparse sky, 20,000 the Milky Way. */
  readonly perMegapixel: number;
  readonly fwhmPixels: number;
  /** SNR of the faintest and the brightest star, as in `fluxOfSnr`. */
  readonly snr: readonly [number, number];
  /** The number of stars above an SNR is proportional to SNR^−steepness. */
  readonly steepness: number;
  /** Green light of a star with SNR 1, in units of white. */
  readonly fluxAtSnrOne: number;
  /** Linear sRGB → white-balanced camera RGB, at any scale. */
  readonly toCamera: Matrix3;
}

const sigmaPerFwhm = 1 / (2 * Math.sqrt(2 * Math.log(2)));

/**
 * Green light of a star that a matched filter would detect with an SNR of 1: σ / √Σ psf², as if
 * every pixel were green.
 * @param sigma standard deviation of the noise of an amplified sample of the sky
 */
export function fluxOfSnr(sigma: number, fwhmPixels: number): number {
  return sigma * 2 * Math.sqrt(Math.PI) * fwhmPixels * sigmaPerFwhm;
}

const xyzToSrgb = invert(srgbToXyz);
/** Every camera sees some of a light in all three colours, whatever the matrix says. */
const leastShare = 0.05;
const leastGreen = 0.25;

/** Colour of a black body in camera RGB; green is 1. */
export function starColour(kelvin: number, toCamera: Matrix3): Vector3 {
  const [r, g, b] = transform(toCamera, transform(xyzToSrgb, blackBody(kelvin)));
  const most = Math.max(r, g, b);
  const green = Math.max(g, leastGreen * most);
  return [Math.max(r, leastShare * most) / green, 1, Math.max(b, leastShare * most) / green];
}

/** Stars have 2,500 to 25,000 K, with log-uniform probability. */
const kelvinRange = [2500, 25_000] as const;

/** Draws a field of at least one star, anywhere in the scene. */
export function drawStars({ width, height }: Scene, field: StarField, random: Random): Star[] {
  const { fwhmPixels, steepness, fluxAtSnrOne, toCamera } = field;
  const [faintest, brightest] = field.snr;
  const count = 1 + random.poisson((field.perMegapixel * width * height) / 1e6);
  // A power law between two limits, by its inverse distribution.
  const share = (brightest / faintest) ** -steepness;
  return Array.from({ length: count }, () => {
    const snr = faintest * (1 - random.unit() * (1 - share)) ** (-1 / steepness);
    const [r, g, b] = starColour(random.logUniform(...kelvinRange), toCamera);
    const green = snr * fluxAtSnrOne;
    return {
      x: random.uniform(-0.5, width - 0.5),
      y: random.uniform(-0.5, height - 0.5),
      fwhmPixels,
      flux: [r * green, g * green, b * green],
      snr,
    };
  });
}

/** Adds stars to a scene, each a Gaussian spot integrated over the pixels. */
export function addStars({ width, height, samples }: Scene, stars: readonly Star[]): void {
  for (const { x, y, fwhmPixels, flux } of stars) {
    const sigma = fwhmPixels * sigmaPerFwhm;
    // At 4.5 σ, nothing is left even of a star a thousand times white.
    const reach = Math.ceil(4.5 * sigma);
    const [left, top] = [Math.round(x) - reach, Math.round(y) - reach];
    const across = pixelShares(left - x, 2 * reach + 1, sigma);
    const down = pixelShares(top - y, 2 * reach + 1, sigma);
    for (let row = 0; row < down.length; row++) {
      if (top + row < 0 || top + row >= height) continue;
      for (let column = 0; column < across.length; column++) {
        if (left + column < 0 || left + column >= width) continue;
        const at = ((top + row) * width + left + column) * 3;
        const share = down[row]! * across[column]!;
        for (let c = 0; c < 3; c++) samples[at + c]! += share * flux[c]!;
      }
    }
  }
}

/**
 * A Gaussian's share in each of a row of pixels; the first pixel is `first` pixels from its middle.
 */
function pixelShares(first: number, count: number, sigma: number): Float64Array {
  const scale = 1 / (Math.SQRT2 * sigma);
  const shares = new Float64Array(count);
  let before = errorFunction((first - 0.5) * scale);
  for (let pixel = 0; pixel < count; pixel++) {
    const after = errorFunction((first + pixel + 0.5) * scale);
    shares[pixel] = 0.5 * (after - before);
    before = after;
  }
  return shares;
}

/** erf to 1.5e-7 (Abramowitz & Stegun 7.1.26). */
function errorFunction(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const polynomial =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const value = 1 - polynomial * Math.exp(-x * x);
  return x < 0 ? -value : value;
}

/** Paints a sky over a scene: a level, a slope across the frame, and up to three bright clouds. */
export function paintSky(
  { width, height, samples }: Scene,
  level: number,
  toCamera: Matrix3,
  random: Random,
): void {
  const angle = random.uniform(0, 2 * Math.PI);
  const rise = random.uniform(0, 0.8);
  const [acrossRise, downRise] = [
    (rise * Math.cos(angle)) / width,
    (rise * Math.sin(angle)) / height,
  ];
  const sky = starColour(random.logUniform(2500, 20_000), toCamera);
  const clouds = Array.from({ length: random.integer(4) }, () => ({
    x: random.uniform(0, width),
    y: random.uniform(0, height),
    // A very long cloud forms the band of the Milky Way.
    angle: random.uniform(0, Math.PI),
    length: random.logUniform(0.3, 3) * width,
    breadth: random.logUniform(0.1, 0.5) * width,
    colour: starColour(random.logUniform(2500, 10_000), toCamera),
    amount: random.uniform(0.2, 2),
  }));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const plain = 1 + (x - width / 2) * acrossRise + (y - height / 2) * downRise;
      let [r, g, b] = [plain * sky[0], plain * sky[1], plain * sky[2]];
      for (const { x: cx, y: cy, angle: turn, length, breadth, colour, amount } of clouds) {
        const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
        const along = ((x - cx) * cosine + (y - cy) * sine) / length;
        const beside = ((y - cy) * cosine - (x - cx) * sine) / breadth;
        const light = amount * Math.exp(-0.5 * (along * along + beside * beside));
        r += light * colour[0];
        g += light * colour[1];
        b += light * colour[2];
      }
      samples[at] = level * r;
      samples[at + 1] = level * g;
      samples[at + 2] = level * b;
    }
  }
}

/** A lamp: a disc with a soft edge, and perhaps a glow around it. */
export interface Lamp {
  readonly x: number;
  readonly y: number;
  readonly radiusPixels: number;
  /** Light of the disc, in units of white. */
  readonly light: Vector3;
  /**
   * The glow: its central light as a share of the disc's, and the radius at which it has fallen to
   * a third.
   */
  readonly glow?: { readonly share: number; readonly radiusPixels: number };
}

/**
 * Narrow spectra as seen by daylight-balanced sensors; the brightest colour is 1. Such colours lie
 * outside what an sRGB photo can hold.
 */
const lampColours: readonly Vector3[] = [
  [1, 0.45, 0.03], // sodium
  [1, 0.06, 0.02], // red LED
  [0.08, 1, 0.2], // green LED
  [0.02, 0.2, 1], // blue LED
  [1, 0.1, 0.5], // magenta neon
  [0.05, 0.9, 1], // cyan
  [1, 0.75, 0.4], // warm white
  [0.85, 0.95, 1], // cool white
];

/** Draws lamps: single ones or, in two of five cases, a row of equal lamps. */
export function drawLamps({ width, height }: Scene, count: number, random: Random): Lamp[] {
  const lamps: Lamp[] = [];
  while (lamps.length < count) {
    const brightness = random.logUniform(1, 30);
    const drawn = random.pick(lampColours);
    const part = (value: number): number =>
      Math.min(1, value * Math.exp(0.3 * random.gaussian())) * brightness;
    const one = {
      light: [part(drawn[0]), part(drawn[1]), part(drawn[2])] as const,
      radiusPixels: random.logUniform(0.7, 12),
      ...(random.chance(0.5)
        ? {
            glow: {
              share: random.logUniform(0.002, 0.05),
              radiusPixels: random.logUniform(2, 30),
            },
          }
        : {}),
    };
    const [x, y] = [random.uniform(0, width), random.uniform(0, height)];
    const inRow = random.chance(0.4) ? 3 + random.integer(6) : 1;
    const step = one.radiusPixels * random.uniform(2.2, 6);
    const angle = random.uniform(0, Math.PI);
    for (let k = 0; k < inRow && lamps.length < count; k++) {
      lamps.push({
        ...one,
        x: x + k * step * Math.cos(angle),
        y: y + k * step * Math.sin(angle),
      });
    }
  }
  return lamps;
}

/** Adds lamps to a scene. */
export function addLamps({ width, height, samples }: Scene, lamps: readonly Lamp[]): void {
  for (const { x, y, radiusPixels, light, glow } of lamps) {
    // The glow is cut off where it has fallen to a thousandth.
    const reach = Math.ceil(Math.max(radiusPixels + 1, (glow?.radiusPixels ?? 0) * 14));
    const [left, right] = [Math.max(0, Math.floor(x - reach)), Math.min(width - 1, x + reach)];
    const [top, bottom] = [Math.max(0, Math.floor(y - reach)), Math.min(height - 1, y + reach)];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const distance = Math.hypot(column - x, row - y);
        const inside = Math.min(1, Math.max(0, radiusPixels - distance + 0.5));
        const around =
          glow === undefined ? 0 : glow.share * (1 + (distance / glow.radiusPixels) ** 2) ** -1.3;
        const share = Math.max(inside, around);
        if (share === 0) continue;
        const at = (row * width + column) * 3;
        for (let c = 0; c < 3; c++) samples[at + c]! += share * light[c]!;
      }
    }
  }
}
