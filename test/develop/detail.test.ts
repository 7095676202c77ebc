/** Detail that is given back: what noise does not explain, in its own colours, and never noise itself. */

import { beforeAll, describe, expect, it } from 'vitest';

import { Random } from '../../main/darkness/random.ts';
import { returnDetail } from '../../main/develop/detail.ts';
import { develop, type RunNetwork } from '../../main/develop/develop.ts';
import { frameNoise } from '../../main/develop/noise.ts';
import { packedGrid } from '../../main/develop/pack.ts';
import { planTiles, type Tile } from '../../main/develop/tiles.ts';
import { ownChannel, unpackCore } from '../../main/develop/unpack.ts';
import type { Vector3 } from '../../main/raw/mosaic.ts';
import { expose, type Scene } from './scenes.ts';

const gains = [2, 1, 1.5] as const;
const siteGains = [2, 1, 1, 1.5] as const;
const ratio = 20;
const noise = { slope: 1e-5, offset: 1e-8 };
const side = 64;
const halo = 16;

function sigmaOf(light: number, gain: number): number {
  return Math.sqrt(noise.slope * ratio * gain * light + noise.offset * (ratio * gain) ** 2);
}

interface Seen {
  /** What the network says of a pixel. */
  readonly guess: Scene;
  /** What is there. */
  readonly truth: Scene;
  /** In σ of the stated noise. */
  readonly noisy?: number;
  /** Added to the sample of one pixel. */
  readonly spike?: { readonly x: number; readonly y: number; readonly light: number };
}

/** Develops a made-up tile; its pixels and the shares of its cells. */
function developed({ guess, truth, noisy = 0, spike }: Seen, seed = 1) {
  const random = new Random(seed);
  const window = { x: -halo, y: -halo, width: side + 2 * halo, height: side + 2 * halo };
  const tile: Tile = { window, core: { x: 0, y: 0, width: side, height: side } };
  const plane = window.width * window.height;
  const input = new Float32Array(4 * plane);
  const output = new Float32Array(12 * plane);
  for (let y = 0; y < window.height; y++) {
    for (let x = 0; x < window.width; x++) {
      for (let site = 0; site < 4; site++) {
        const [px, py] = [2 * (x - halo) + (site & 1), 2 * (y - halo) + (site >> 1)];
        const at = y * window.width + x;
        guess(px, py).forEach((light, c) => (output[(site * 3 + c) * plane + at] = light));
        const light = truth(px, py)[ownChannel(site) % 3]!;
        input[site * plane + at] =
          light +
          noisy * sigmaOf(light, siteGains[site]!) * random.gaussian() +
          (spike?.x === px && spike.y === py ? spike.light : 0);
      }
    }
  }
  const picture = unpackCore(output, tile);
  const before = picture.samples.slice();
  const shares = returnDetail(picture, input, output, tile, { noise, ratio, gains });
  const pixel = (samples: Float32Array, x: number, y: number): Vector3 => {
    const at = (y * 2 * side + x) * 3;
    return [samples[at]!, samples[at + 1]!, samples[at + 2]!];
  };
  return {
    shares,
    before,
    samples: picture.samples,
    was: (x: number, y: number) => pixel(before, x, y),
    is: (x: number, y: number) => pixel(picture.samples, x, y),
  };
}

const grey: Scene = () => [0.3, 0.3, 0.3];
/** Woven cloth, warm: waves of four pixels and more. */
const cloth: Scene = (x, y) => {
  const light = 0.3 + 0.06 * Math.sin((x * Math.PI) / 2.3) + 0.06 * Math.sin((y * Math.PI) / 3.1);
  return [light * 1.2, light, light * 0.7];
};
const evenCloth: Scene = () => [0.36, 0.3, 0.21];

function errorOf(samples: Float32Array, truth: Scene): number {
  let sum = 0;
  for (let at = 0; at < samples.length; at += 3) {
    const pixel = at / 3;
    const wanted = truth(pixel % (2 * side), Math.floor(pixel / (2 * side)));
    wanted.forEach((light, c) => (sum += (samples[at + c]! - light) ** 2));
  }
  return Math.sqrt(sum / samples.length);
}

describe('where the network took noise alone', () => {
  it.each([0.5, 1, 1.1])('of %f times what is stated, nothing comes back', (noisy) => {
    const { shares, samples, before } = developed({ guess: grey, truth: grey, noisy });
    expect(shares.every((share) => share === 0)).toBe(true);
    expect(samples).toEqual(before);
  });

  it('that is understated by a fifth, next to nothing comes back', () => {
    const { shares } = developed({ guess: grey, truth: grey, noisy: 1.2 });
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeLessThan(0.001);
  });

  it('of a hot pixel, nothing comes back', () => {
    const { shares } = developed({
      guess: grey,
      truth: grey,
      noisy: 1,
      spike: { x: 40, y: 41, light: 2 },
    });
    expect(Math.max(...shares)).toBe(0);
  });
});

describe('where it took detail', () => {
  it('most of that comes back, in its colours', () => {
    const { before, samples } = developed({ guess: evenCloth, truth: cloth });
    expect(errorOf(samples, cloth)).toBeLessThan(0.4 * errorOf(before, cloth));
  });

  it('through noise too', () => {
    const { before, samples } = developed({ guess: evenCloth, truth: cloth, noisy: 1 });
    expect(errorOf(samples, cloth)).toBeLessThan(0.5 * errorOf(before, cloth));
  });

  it('an area that is too dark by far becomes as bright as it is, evenly', () => {
    const { is } = developed({ guess: () => [0.3, 0.2, 0.1], truth: () => [0.8, 0.5, 0.4] });
    const [first, ...others] = [is(40, 40), is(41, 40), is(40, 41), is(41, 41)];
    expect(first[0]).toBeGreaterThan(0.65);
    for (const other of others)
      other.forEach((light, c) => expect(light).toBeCloseTo(first[c]!, 5));
  });

  it('of one colour alone comes back in that colour alone', () => {
    const { is, was } = developed({
      guess: () => [0.3, 0.3, 0.3],
      truth: () => [0.3, 0.3, 0.6],
    });
    for (const [x, y] of [
      [40, 40],
      [41, 40],
      [40, 41],
      [41, 41],
    ] as const) {
      const [red, green, blue] = is(x, y).map((light, c) => light - was(x, y)[c]!);
      // A quarter of the samples miss anything, so noise explains the more of it.
      expect(blue).toBeGreaterThan(0.1);
      expect(red).toBeCloseTo(0, 6);
      expect(green).toBeCloseTo(0, 6);
    }
  });

  it('hot pixels stay away', () => {
    const spike = { x: 40, y: 41, light: 2 };
    const clean = developed({ guess: evenCloth, truth: cloth });
    const hot = developed({ guess: evenCloth, truth: cloth, spike });
    const largest = Math.max(...hot.samples.map((light, at) => light - clean.samples[at]!));
    expect(largest).toBeLessThan(0.15);
    // As many pixels of light as a star has are none.
    const star: Scene = (x, y) => {
      const glow = 2 * Math.exp(-((x - 40) ** 2 + (y - 41) ** 2) / 2);
      const [red, green, blue] = cloth(x, y);
      return [red + glow, green + glow, blue + glow];
    };
    const starry = developed({ guess: evenCloth, truth: star });
    expect(starry.is(40, 41)[1] - clean.is(40, 41)[1]).toBeGreaterThan(1);
  });
});

it('what is no number closes the gate, and harms nothing beside it', () => {
  const { shares, samples, before } = developed({
    guess: (x, y) =>
      x === 60 && y === 60 ? [Number.NaN, Number.NaN, Number.NaN] : [0.3, 0.3, 0.3],
    truth: grey,
    noisy: 1,
  });
  expect(shares.every((share) => share === 0)).toBe(true);
  expect(samples).toEqual(before);
});

describe('tiles', () => {
  const scene: Scene = (x, y) => {
    const [red, green, blue] = cloth(x, y);
    return [red / 2, green / 2, blue / 2];
  };
  const mosaic = expose(scene, 1301, 701, {
    camera: 'sony-a7s2',
    iso: 800,
    ratio,
    gains,
    cfa: 'GBRG',
  });
  const grid = packedGrid(mosaic);
  /** Stands for a network that sees 107 packed pixels far: each site as the mean of two far ones. */
  const farSighted: RunNetwork = (packed, width, height) => {
    const plane = width * height;
    const output = new Float32Array(12 * plane);
    for (let channel = 0; channel < 12; channel++) {
      const from = [0, 1, 3][channel % 3]! * plane;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const left = x < 107 ? 0 : packed[from + y * width + x - 107]!;
          const right = x + 107 < width ? packed[from + y * width + x + 107]! : 0;
          output[channel * plane + y * width + x] = (left + right) / 2;
        }
      }
    }
    return Promise.resolve(output);
  };

  async function picture(area: number) {
    const tiles = planTiles(grid.width, grid.height, area);
    const samples = new Float32Array(grid.width * grid.height * 12).fill(Number.NaN);
    const { ceiling } = frameNoise(mosaic);
    let most = 0;
    const request = { mosaic, ratio, gains, noise: ceiling, tiles, run: farSighted };
    for await (const tile of develop(request)) {
      most = tile.returned!.reduce((a, b) => Math.max(a, b), most);
      for (let y = 0; y < tile.area.height; y++) {
        const row = tile.samples.subarray(y * tile.area.width * 3, (y + 1) * tile.area.width * 3);
        samples.set(row, ((tile.area.y + y) * grid.width * 2 + tile.area.x) * 3);
      }
    }
    return { samples, tiles: tiles.length, most };
  }

  let whole: Float32Array;
  beforeAll(async () => {
    const { samples, most } = await picture(Number.POSITIVE_INFINITY);
    expect(most).toBeGreaterThan(0.3);
    whole = samples;
  });

  it.each([120_000, 75_000])('of at most %i leave no seam', async (area) => {
    const { samples, tiles } = await picture(area);
    expect(tiles).toBeGreaterThan(2);
    // Inside: what the stand-in sees outside the frame is not what the margin shows it.
    let different = 0;
    for (let y = 0; y < grid.height * 2; y++) {
      for (let x = 220; x < grid.width * 2 - 220; x++) {
        for (let c = 0; c < 3; c++) {
          const at = (y * grid.width * 2 + x) * 3 + c;
          if (samples[at] !== whole[at]) different += 1;
        }
      }
    }
    expect(different).toBe(0);
  });
});
