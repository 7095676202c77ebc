/**
 * Scores how well a network restores the night sky: stars, hot pixels, lamps and banded rows. Each
 * has a fixed synthetic scene with a known truth.
 */

import { Random } from '../darkness/random.ts';
import { addLamps, addStars, fluxOfSnr } from '../darkness/night-scene.ts';
import { codeOfLight, type LinearPhoto } from '../darkness/linear-photo.ts';
import { simulateMosaic, type NightOptions, type Simulation } from '../darkness/simulate.ts';
import type { Vector3 } from '../raw/mosaic.ts';
import type { LinearRgb } from '../training/validation/metrics.ts';
import { networkPicture, type ScoredNetwork } from './network-picture.ts';

/** How well a class of stars was preserved. */
export interface StarScore {
  readonly snr: number;
  /** Green light in the picture ÷ green light in the truth; 1 is right. */
  readonly light: number;
  /** Blue ÷ red of blue stars, and red ÷ blue of orange ones, relative to the truth. */
  readonly blue: number;
  readonly orange: number;
}

export interface NightScores {
  readonly stars: readonly StarScore[];
  /**
   * Share of the hot pixels of at least four times white that are still visible by more than 0.05.
   */
  readonly hotPixelsLeft: number;
  /** The darkest and the most coloured ring around a lamp, in units of white; 0 is right. */
  readonly lampRing: number;
  readonly lampTint: number;
  /** Mean difference of a lamp's colour shares from the truth's. */
  readonly lampColour: number;
  /** Standard deviation of the rest of row offsets of σ 10 DN, in units of white. */
  readonly banding: number;
}

/** First key of these scenes' random numbers, so that training never draws the same. */
const nightKey = 0x6e69_6768;
const side = 256;
const sky = 0.035;

const starSnrs = [10, 20, 40, 80] as const;
const starColours = {
  white: [1, 1, 1],
  blue: [0.55, 1, 1.58],
  orange: [1.6, 1, 0.45],
} as const satisfies Record<string, Vector3>;
const starFwhm = 1.6;
/** Noise of an amplified green sample of this sky at ISO 6400 ×50. */
const starSigma = 0.034;
/**
 * Half the side of the square that a star's light is summed over, and the distances between which
 * its sky is measured.
 */
const aperture = 4;
const skyFrom = 7;
const skyTo = 9;

const hotExcess = 4;
const shows = 0.05;

/**
 * Scores a network of linear light on all four scenes.
 * @throws Refusal `cancelled`
 */
export async function evaluateNight(
  network: ScoredNetwork,
  signal?: AbortSignal,
): Promise<NightScores> {
  const develop = (taken: Simulation, ratio: number): Promise<LinearRgb> =>
    networkPicture(taken.mosaic, ratio, network, signal);
  return {
    stars: await scoreStars(develop),
    hotPixelsLeft: await scoreHotPixels(develop),
    ...(await scoreLamps(develop)),
    banding: await scoreBanding(develop),
  };
}

type Develop = (taken: Simulation, ratio: number) => Promise<LinearRgb>;

/** A scene in the simulated camera's colours. */
function sceneOf(paint: (scene: LinearRgb) => void): LinearPhoto {
  const samples = new Float32Array(side * side * 3).fill(sky);
  paint({ width: side, height: side, samples });
  return {
    name: 'night',
    width: side,
    height: side,
    codes: Uint16Array.from(samples, codeOfLight),
    space: 'camera',
  };
}

function taken(photo: LinearPhoto, ratio: number, seed: number, night: NightOptions = {}) {
  const random = new Random(nightKey, seed);
  return simulateMosaic(photo, { camera: 'sony-a7s2', iso: 6400, ratio, random, night });
}

async function scoreStars(develop: Develop): Promise<StarScore[]> {
  const ratio = 50;
  const kinds = starSnrs.flatMap((snr) =>
    Object.values(starColours).map((colour) => ({ snr, colour })),
  );
  const frames = [0, 1];
  const sums = kinds.map(() => ({ seen: [0, 0, 0], true: [0, 0, 0] }));
  for (const frame of frames) {
    const random = new Random(nightKey, 100 + frame);
    const stars = Array.from({ length: 36 }, (_, index) => {
      const { snr, colour } = kinds[index % kinds.length]!;
      const green = snr * fluxOfSnr(starSigma, starFwhm);
      return {
        x: 20 + 42 * (index % 6) + random.uniform(-1, 1),
        y: 20 + 42 * Math.floor(index / 6) + random.uniform(-1, 1),
        fwhmPixels: starFwhm,
        flux: [colour[0] * green, colour[1] * green, colour[2] * green] as const,
        snr,
      };
    });
    const simulated = taken(
      sceneOf((scene) => {
        addStars(scene, stars);
      }),
      ratio,
      frame,
    );
    const picture = await develop(simulated, ratio);
    for (const [index, { x, y }] of stars.entries()) {
      const sum = sums[index % kinds.length]!;
      const middle = [Math.round(x), Math.round(y)] as const;
      const [seen, real] = [lightOf(picture, middle), lightOf(simulated.truth, middle)];
      for (let c = 0; c < 3; c++) {
        sum.seen[c]! += seen[c]!;
        sum.true[c]! += real[c]!;
      }
    }
  }
  const kept = (snr: number, colour: Vector3, over: number, under?: number): number => {
    const { seen, true: real } =
      sums[kinds.findIndex((k) => k.snr === snr && k.colour === colour)]!;
    const value = (light: readonly number[]): number =>
      under === undefined ? light[over]! : light[over]! / Math.max(light[under]!, 1e-6);
    return value(seen) / value(real);
  };
  return starSnrs.map((snr) => {
    const { white, blue, orange } = starColours;
    const light = [white, blue, orange].map((colour) => kept(snr, colour, 1));
    return {
      snr,
      light: (light[0]! + light[1]! + light[2]!) / 3,
      blue: kept(snr, blue, 2, 0),
      orange: kept(snr, orange, 0, 2),
    };
  });
}

/** A star's light above the mean of the surrounding sky, in each colour. */
function lightOf({ width, samples }: LinearRgb, [x, y]: readonly [number, number]): Vector3 {
  const light = [0, 0, 0];
  const around = [0, 0, 0];
  let [inside, outside] = [0, 0];
  for (let dy = -skyTo; dy <= skyTo; dy++) {
    for (let dx = -skyTo; dx <= skyTo; dx++) {
      const distance = Math.max(Math.abs(dx), Math.abs(dy));
      if (distance > aperture && distance < skyFrom) continue;
      const sums = distance <= aperture ? light : around;
      if (distance <= aperture) inside++;
      else outside++;
      const at = ((y + dy) * width + x + dx) * 3;
      for (let c = 0; c < 3; c++) sums[c]! += samples[at + c]!;
    }
  }
  const net = (c: number): number => light[c]! - (around[c]! / outside) * inside;
  return [net(0), net(1), net(2)];
}

/** Develops the same frame with and without hot pixels, and compares the results. */
async function scoreHotPixels(develop: Develop): Promise<number> {
  const ratio = 100;
  const dusk = sceneOf(({ samples }) => {
    for (let at = 0; at < samples.length; at++) {
      const y = Math.floor(at / (3 * side));
      samples[at] = 0.02 + (0.3 * y) / side;
    }
  });
  const clean = taken(dusk, ratio, 2);
  const spoilt = taken(dusk, ratio, 2, { hotPixels: 0.002 });
  const [a, b] = [await develop(clean, ratio), await develop(spoilt, ratio)];
  const { mosaic, night } = spoilt;
  const least = (hotExcess * (mosaic.whiteLevel - mosaic.blackLevel[0])) / ratio;
  const bright = night.hotPixels.filter(
    ({ x, y, excessDn }) => excessDn >= least && Math.min(x, y) > 4 && Math.max(x, y) < side - 5,
  );
  const left = bright.filter(({ x, y }) => {
    for (let dy = -1; dy <= 1; dy++) {
      for (let at = ((y + dy) * side + x - 1) * 3, end = at + 9; at < end; at += 3) {
        const difference = lumaAt(b, at) - lumaAt(a, at);
        if (Math.abs(difference) > shows) return true;
      }
    }
    return false;
  });
  return left.length / bright.length;
}

/** Apparent brightness, without a camera's matrix. */
function lumaAt({ samples }: LinearRgb, at: number): number {
  return 0.25 * samples[at]! + 0.5 * samples[at + 1]! + 0.25 * samples[at + 2]!;
}

const lampLights: readonly Vector3[] = [
  [3, 1.4, 0.1], // sodium
  [3, 3, 3],
  [0.1, 0.7, 3], // blue
  [3, 0.2, 0.1], // red
];
const lampRadius = 4;

async function scoreLamps(develop: Develop) {
  const ratio = 20;
  const lamps = Array.from({ length: 16 }, (_, index) => ({
    x: 32 + 64 * (index % 4),
    y: 32 + 64 * Math.floor(index / 4),
    radiusPixels: lampRadius,
    light: lampLights[(index + Math.floor(index / 4)) % 4]!,
  }));
  const simulated = taken(
    sceneOf((scene) => {
      addLamps(scene, lamps);
    }),
    ratio,
    3,
  );
  const picture = await develop(simulated, ratio);
  const { truth } = simulated;
  let [ring, tint, colour] = [0, 0, 0];
  for (const { x, y } of lamps) {
    for (let radius = lampRadius + 1.5; radius < lampRadius + 9; radius++) {
      const seen = ringMean(picture, truth, [x, y], radius);
      const grey = 0.25 * seen[0] + 0.5 * seen[1] + 0.25 * seen[2];
      ring = Math.max(ring, -grey);
      tint = Math.max(tint, ...seen.map((value) => Math.abs(value - grey)));
    }
    const [seen, real] = [picture, truth].map(({ samples }) => {
      const at = (y * side + x) * 3;
      const light = [0, 1, 2].map((c) => Math.max(0, samples[at + c]!));
      const sum = light[0]! + light[1]! + light[2]!;
      // Without any light there are no shares.
      return light.map((value) => (sum > 0 ? value / sum : 0));
    });
    for (let c = 0; c < 3; c++) colour += Math.abs(seen![c]! - real![c]!) / (3 * lamps.length);
  }
  return { lampRing: ring, lampTint: tint, lampColour: colour };
}

/** The mean excess of a picture over the truth on a ring around a pixel, in each colour. */
function ringMean(
  picture: LinearRgb,
  truth: LinearRgb,
  [x, y]: readonly [number, number],
  radius: number,
): Vector3 {
  const sums: [number, number, number] = [0, 0, 0];
  let count = 0;
  const reach = Math.ceil(radius + 1);
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      if (Math.abs(Math.hypot(dx, dy) - radius) > 0.5) continue;
      const at = ((y + dy) * side + x + dx) * 3;
      for (let c = 0; c < 3; c++) sums[c]! += picture.samples[at + c]! - truth.samples[at + c]!;
      count++;
    }
  }
  return [sums[0] / count, sums[1] / count, sums[2] / count];
}

/**
 * Develops the same frame with and without banding; row means of the difference are what remains of
 * it.
 */
async function scoreBanding(develop: Develop): Promise<number> {
  const ratio = 100;
  const flat = sceneOf(({ samples }) => samples.fill(0.1));
  const plain = await develop(taken(flat, ratio, 4), ratio);
  const banded = await develop(taken(flat, ratio, 4, { bandingDn: 10 }), ratio);
  const rows = Array.from({ length: side }, (_, y) => {
    let sum = 0;
    for (let x = 0, at = y * side * 3; x < side; x++, at += 3) {
      sum += lumaAt(banded, at) - lumaAt(plain, at);
    }
    return sum / side;
  });
  const mean = rows.reduce((sum, row) => sum + row, 0) / side;
  return Math.sqrt(rows.reduce((sum, row) => sum + (row - mean) ** 2, 0) / side);
}
