/** The noise model part by part: moments against parameters, calibrations against known figures. */

import { describe, expect, it } from 'vitest';
import { darknessOf, simulatedCameras, simulatedCamera } from '../../main/darkness/cameras.ts';
import { darken, type DarknessParameters } from '../../main/darkness/darkness.ts';
import { Random } from '../../main/darkness/random.ts';
import { TukeySampler, tukeyStandardDeviation } from '../../main/darkness/tukey.ts';
import { Refusal } from '../../main/base/refusal.ts';

const noNoise: DarknessParameters = {
  gainDnPerElectron: 0,
  tukeyLambda: 0,
  tukeyScaleDn: 0,
  gaussianSigmaDn: 0,
  rowSigmaDn: 0,
  biasDn: [0, 0, 0, 0],
  blackErrorDn: 0,
  blackLevel: [512, 512, 512, 512],
  whiteLevel: 16383,
};

const side = 400;

/** A flat frame of `cleanDn` above black, darkened. */
function flat(cleanDn: number, parameters: DarknessParameters, seed = 1): Uint16Array {
  const noisy = new Uint16Array(side * side);
  const clean = new Float32Array(side * side).fill(cleanDn);
  darken(clean, side, side, parameters, new Random(seed), noisy);
  return noisy;
}

function moments(values: ArrayLike<number>): { mean: number; variance: number; skewness: number } {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const central = (power: number): number =>
    list.reduce((sum, value) => sum + (value - mean) ** power, 0) / list.length;
  const variance = central(2);
  return { mean, variance, skewness: central(3) / variance ** 1.5 };
}

describe('random numbers', () => {
  it('gives the same stream for the same keys and another for any other', () => {
    const first = (...keys: number[]): number[] => {
      const random = new Random(...keys);
      return Array.from({ length: 4 }, () => random.uint32());
    };
    expect(first(7, 3, 1)).toEqual(first(7, 3, 1));
    const streams = [first(7, 3, 1), first(7, 1, 3), first(7, 3), first(8, 3, 1), first(7, 3, 2)];
    expect(new Set(streams.flat()).size).toBe(20);
  });

  it('is uniform, also in the first number of neighbouring streams', () => {
    const firsts = Array.from({ length: 50_000 }, (_, index) => new Random(1, index).unit());
    const { mean, variance } = moments(firsts);
    expect(mean).toBeCloseTo(0.5, 2);
    expect(variance).toBeCloseTo(1 / 12, 2);
    const products = firsts.slice(1).map((value, index) => (value - 0.5) * (firsts[index]! - 0.5));
    expect(Math.abs(moments(products).mean)).toBeLessThan(0.0015);
  });

  it.each([0.02, 0.7, 5, 23.9, 24.1, 300])('draws Poisson counts of mean %f', (mean) => {
    const random = new Random(3, mean * 1000);
    const counts = Float64Array.from({ length: 200_000 }, () => random.poisson(mean));
    const got = moments(counts);
    // Five standard errors of each.
    expect(Math.abs(got.mean - mean)).toBeLessThan(5 * Math.sqrt(mean / 200_000));
    const varianceError = Math.sqrt((2 * mean * mean + mean) / 200_000);
    expect(Math.abs(got.variance - mean)).toBeLessThan(5 * varianceError + 0.1);
    expect(Math.abs(got.skewness - mean ** -0.5)).toBeLessThan(0.05 + mean ** -0.5 * 0.05);
    expect(counts.every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
  });

  it('draws standard normal numbers', () => {
    const random = new Random(4);
    const draws = Float64Array.from({ length: 200_000 }, () => random.gaussian());
    const { mean, variance, skewness } = moments(draws);
    expect(Math.abs(mean)).toBeLessThan(0.012);
    expect(Math.abs(variance - 1)).toBeLessThan(0.016);
    expect(Math.abs(skewness)).toBeLessThan(0.03);
    const beyondTwo = draws.filter((draw) => Math.abs(draw) > 2).length / draws.length;
    expect(beyondTwo).toBeCloseTo(0.0455, 2);
  });
});

describe('Tukey lambda noise', () => {
  it('knows the standard deviations that have closed forms', () => {
    expect(tukeyStandardDeviation(0)).toBeCloseTo(Math.PI / Math.sqrt(3), 12);
    expect(tukeyStandardDeviation(1)).toBeCloseTo(1 / Math.sqrt(3), 10);
    expect(tukeyStandardDeviation(2)).toBeCloseTo(1 / Math.sqrt(12), 10);
    expect(tukeyStandardDeviation(0.0011)).toBeCloseTo(tukeyStandardDeviation(0), 2);
  });

  it.each([-0.26, -0.09, 0, 0.14, 0.5])('has the spread and quantiles of λ = %f', (lambda) => {
    const sampler = new TukeySampler(lambda);
    const random = new Random(5);
    const draws = Float64Array.from({ length: 300_000 }, () => sampler.draw(random));
    const { mean, variance } = moments(draws);
    const sigma = tukeyStandardDeviation(lambda);
    expect(Math.abs(mean)).toBeLessThan(0.012 * sigma);
    // λ = −0.26 has no fourth moment: its sample variance settles slowly.
    expect(Math.sqrt(variance) / sigma).toBeCloseTo(1, lambda < -0.2 ? 1 : 2);
    const sorted = draws.sort();
    for (const p of [0.001, 0.1, 0.5, 0.75, 0.99]) {
      const exact =
        lambda === 0 ? Math.log(p / (1 - p)) : (p ** lambda - (1 - p) ** lambda) / lambda;
      const share = sorted.findIndex((draw) => draw > exact) / sorted.length;
      expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / sorted.length));
    }
  });
});

describe('darken', () => {
  it('without noise adds the black level, rounds and clips', () => {
    const clean = Float32Array.of(0, 10.4, 10.6, -5, 20_000, 1);
    const noisy = new Uint16Array(6);
    const parameters = { ...noNoise, blackLevel: [100, 200, 300, 400] as const };
    darken(clean, 3, 2, parameters, new Random(1), noisy);
    expect([...noisy]).toEqual([100, 210, 111, 300, 16383, 301]);
  });

  it('clips at zero, not below', () => {
    const parameters = { ...noNoise, blackLevel: [2, 2, 2, 2] as const, gaussianSigmaDn: 50 };
    const noisy = flat(0, parameters);
    const atZero = noisy.filter((sample) => sample === 0).length / noisy.length;
    expect(atZero).toBeGreaterThan(0.45);
    expect(atZero).toBeLessThan(0.52);
  });

  it('shot noise has a variance of gain times signal, in steps of the gain', () => {
    const noisy = flat(90, { ...noNoise, gainDnPerElectron: 6 });
    const { mean, variance } = moments(noisy);
    expect(mean - 512).toBeCloseTo(90, 0);
    expect(variance / (6 * 90)).toBeCloseTo(1, 1);
    expect(noisy.every((sample) => (sample - 512) % 6 === 0)).toBe(true);
  });

  it('Gaussian and Tukey read noise have their spreads and leave the mean', () => {
    const gaussian = moments(flat(0, { ...noNoise, gaussianSigmaDn: 7 }));
    expect(gaussian.mean).toBeCloseTo(512, 0);
    // Rounding adds 1/12.
    expect(Math.sqrt(gaussian.variance - 1 / 12)).toBeCloseTo(7, 1);
    const tukey = moments(flat(0, { ...noNoise, tukeyScaleDn: 5, tukeyLambda: 0.1 }));
    expect(tukey.mean).toBeCloseTo(512, 0);
    expect(Math.sqrt(tukey.variance - 1 / 12)).toBeCloseTo(5 * tukeyStandardDeviation(0.1), 1);
  });

  it('row noise is one offset a row', () => {
    const noisy = flat(0, { ...noNoise, rowSigmaDn: 9 });
    const rows = Array.from({ length: side }, (_, y) => noisy.slice(y * side, (y + 1) * side));
    expect(rows.every((row) => new Set(row).size === 1)).toBe(true);
    const sigma = Math.sqrt(moments(rows.map((row) => row[0]!)).variance);
    expect(Math.abs(sigma - 9)).toBeLessThan((5 * 9) / Math.sqrt(2 * side));
  });

  it('bias goes to its site, a wrong black level to all', () => {
    const noisy = flat(0, { ...noNoise, biasDn: [1, 2, 3, 4], blackErrorDn: -10 });
    expect([noisy[0], noisy[1], noisy[side], noisy[side + 1]]).toEqual([503, 504, 505, 506]);
  });

  it('is the same for the same seed and another for another', () => {
    const parameters = darknessOf(simulatedCamera('sony-a7s2'), 6400, new Random(2));
    expect(flat(4, parameters, 8)).toEqual(flat(4, parameters, 8));
    expect(flat(4, parameters, 8)).not.toEqual(flat(4, parameters, 9));
  });

  it('refuses arrays that are too short', () => {
    expect(() => {
      darken(new Float32Array(3), 2, 2, noNoise, new Random(1), new Uint16Array(4));
    }).toThrow(RangeError);
  });
});

describe('calibrated cameras', () => {
  it.each([
    [1600, 1.53, 6.3],
    [6400, 6.12, 7.1],
    [25600, 24.5, 25.9],
  ])('A7S II at ISO %i: %f DN per electron, read noise near %f DN', (iso, gain, readDn) => {
    const scales = Array.from({ length: 40 }, (_, seed) => {
      const drawn = darknessOf(simulatedCamera('sony-a7s2'), iso, new Random(seed));
      expect(drawn.gainDnPerElectron).toBeCloseTo(gain, 1);
      return drawn.tukeyScaleDn * tukeyStandardDeviation(drawn.tukeyLambda);
    });
    expect(Math.abs(moments(scales).mean / readDn - 1)).toBeLessThan(0.04);
  });

  it('takes ISO between two rows between their noises', () => {
    const at = (iso: number): DarknessParameters =>
      darknessOf(simulatedCamera('sony-a7s2'), iso, new Random(3));
    const [low, between, high] = [at(6400), at(7000), at(8000)];
    expect(between.gainDnPerElectron).toBeCloseTo((6.12032 * 7000) / 6400, 2);
    expect(between.tukeyScaleDn).toBeGreaterThan(low.tukeyScaleDn);
    expect(between.tukeyScaleDn).toBeLessThan(high.tukeyScaleDn);
  });

  it('D850 has the layout of the real camera, and one of another name the benchmark’s', () => {
    const layouts = simulatedCameras.filter(({ model }) => model === 'NIKON D850');
    expect(layouts.map(({ id, cfa }) => [id, cfa])).toEqual([
      ['nikon-d850', 'RGGB'],
      ['nikon-d850-bggr', 'BGGR'],
    ]);
  });

  it('D850 has 3.3 DN per electron at ISO 800, black 400, white 15520', () => {
    const drawn = darknessOf(simulatedCamera('nikon-d850-bggr'), 800, new Random(1));
    // PMN's line begins at ln K = 1.2.
    expect(drawn.gainDnPerElectron).toBeCloseTo(Math.exp(1.2), 2);
    expect([drawn.blackLevel[0], drawn.whiteLevel]).toEqual([400, 15520]);
    expect(drawn.tukeyLambda).toBe(-0.26);
  });

  it('gives every camera, over its whole range, noise that grows with the ISO', () => {
    for (const { id, isoRange, blackLevel, whiteLevel } of simulatedCameras) {
      const [low, high] = isoRange.map((iso) =>
        darknessOf(simulatedCamera(id), iso, new Random(6)),
      );
      expect(high!.gainDnPerElectron).toBeGreaterThan(low!.gainDnPerElectron * 10);
      expect(high!.tukeyScaleDn).toBeGreaterThan(low!.tukeyScaleDn);
      expect(blackLevel).toBeLessThan(whiteLevel / 4);
      expect(high!.biasDn.every(Number.isFinite)).toBe(true);
    }
  });

  it('names what it knows when asked for what it does not', () => {
    expect(() => darknessOf(simulatedCamera('leica-m11'), 800, new Random(1))).toThrow(
      /sony-a7s2.*got leica-m11/,
    );
    expect(() => darknessOf(simulatedCamera('sony-a7s2'), 409_600, new Random(1))).toThrow(Refusal);
    expect(() => darknessOf(simulatedCamera('sony-a7s2'), Number.NaN, new Random(1))).toThrow(
      /50 to 25600/,
    );
  });
});
