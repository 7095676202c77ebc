/** Stars that a network took for noise come back with their light and colour; nothing else does. */

import { describe, expect, it } from 'vitest';
import { addStars, fluxOfSnr, type Star } from '../../main/darkness/night-scene.ts';
import { codeOfLight, type LinearPhoto } from '../../main/darkness/linear-photo.ts';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic, type NightOptions } from '../../main/darkness/simulate.ts';
import { develop } from '../../main/develop/develop.ts';
import { LinearCanvas } from '../../main/develop/linear-canvas.ts';
import { frameNoise } from '../../main/develop/noise.ts';
import { packedGrid } from '../../main/develop/pack.ts';
import { planTiles } from '../../main/develop/tiles.ts';
import type { Mosaic, Vector3 } from '../../main/raw/mosaic.ts';

const side = 256;
const sky = 0.035;
const ratio = 50;

function frameOf(stars: readonly Star[], night: NightOptions = {}, seed = 5, width = side): Mosaic {
  const samples = new Float32Array(width * side * 3).fill(sky);
  addStars({ width, height: side, samples }, stars);
  const photo: LinearPhoto = {
    name: 'stars',
    width,
    height: side,
    codes: Uint16Array.from(samples, codeOfLight),
    space: 'camera',
  };
  const random = new Random(seed);
  return simulateMosaic(photo, { camera: 'sony-a7s2', iso: 6400, ratio, random, night }).mosaic;
}

/** What a network that eats every star makes of the frame: its sky. */
const plainSky = (packed: Float32Array): Promise<Float32Array> =>
  Promise.resolve(new Float32Array(packed.length * 3).fill(sky));

async function developed(mosaic: Mosaic, windowArea = 1e6) {
  const grid = packedGrid(mosaic);
  const canvas = new LinearCanvas({ ...mosaic, grid }, [1, 1, 1]);
  const tiles = planTiles(grid.width, grid.height, windowArea);
  const gains = mosaic.colour.asShotGains;
  const noise = frameNoise(mosaic).ceiling;
  for await (const tile of develop({ mosaic, ratio, gains, noise, tiles, run: plainSky })) {
    canvas.add(tile);
  }
  return { samples: canvas.image.samples, tiles: tiles.length };
}

function lightAround(samples: Float32Array, { x, y }: Star): Vector3 {
  const sums: [number, number, number] = [0, 0, 0];
  for (let dy = -4; dy <= 4; dy++) {
    for (let dx = -4; dx <= 4; dx++) {
      const at = ((Math.round(y) + dy) * side + Math.round(x) + dx) * 3;
      for (let c = 0; c < 3; c++) sums[c]! += samples[at + c]! - sky;
    }
  }
  return sums;
}

/** 25 stars of one kind, each at another place on its pixel. */
function starsOf(snr: number, colour: Vector3, fwhmPixels = 1.6): Star[] {
  const random = new Random(21);
  const green = snr * fluxOfSnr(0.034, fwhmPixels);
  return Array.from({ length: 25 }, (_, index) => ({
    x: 30 + 48 * (index % 5) + random.uniform(-1, 1),
    y: 30 + 48 * Math.floor(index / 5) + random.uniform(-1, 1),
    fwhmPixels,
    flux: [colour[0] * green, colour[1] * green, colour[2] * green],
    snr,
  }));
}

describe('missing stars', () => {
  it.each([
    ['white', 40, 1.6, [1, 1, 1]],
    ['blue', 40, 1.6, [0.55, 1, 1.58]],
    ['orange', 40, 1.6, [1.6, 1, 0.45]],
    ['white', 20, 1.6, [1, 1, 1]],
    ['white', 80, 3, [1, 1, 1]],
  ] as const)(
    'that are %s, SNR %d and %d pixels wide get light and colour back',
    async (_, snr, width, colour) => {
      const stars = starsOf(snr, colour, width);
      const { samples } = await developed(frameOf(stars));
      const sums = stars.map((star) => lightAround(samples, star));
      const kept = [0, 1, 2].map((c) => {
        const back = sums.reduce((sum, light) => sum + light[c]!, 0);
        return back / stars.reduce((sum, { flux }) => sum + flux[c]!, 0);
      });
      for (const share of kept) {
        expect(share).toBeGreaterThan(0.8);
        expect(share).toBeLessThan(1.25);
      }
    },
  );

  it('come back the same in tiles of any size, bit for bit', async () => {
    const random = new Random(8);
    const [star] = starsOf(40, [1, 1, 1]);
    const stars = Array.from({ length: 600 }, () => {
      return { ...star!, x: random.uniform(0, 900), y: random.uniform(0, side) };
    });
    const mosaic = frameOf(stars, {}, 5, 900);
    const whole = await developed(mosaic);
    const tiled = await developed(mosaic, 250 * 250);
    expect(whole.tiles).toBe(1);
    expect(tiled.tiles).toBeGreaterThan(1);
    expect(tiled.samples).toEqual(whole.samples);
  });
});

describe('what is no star', () => {
  /** Pixels that differ from the network's sky. */
  const touched = async (mosaic: Mosaic): Promise<number> => {
    const { samples } = await developed(mosaic);
    return samples.reduce((count, value, at) => {
      return at % 3 === 1 && Math.abs(value - sky) > 1e-6 ? count + 1 : count;
    }, 0);
  };

  it('noise gives no stars', async () => {
    for (const seed of [1, 2, 3]) expect(await touched(frameOf([], {}, seed))).toBe(0);
  });

  it('hot pixels give no spots', async () => {
    const hot = frameOf([], { hotPixels: 0.002 });
    expect(hot.samples).not.toEqual(frameOf([]).samples);
    // Of some 130, one spot of 49 pixels at most, where two lie side by side.
    expect(await touched(hot)).toBeLessThanOrEqual(49);
  });
});
