/** Adam in WebAssembly against Adam in float64. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Random } from '../../../main/darkness/random.ts';
import { Adam, stepRate, type Stretch } from '../../../main/training/step/adam.ts';
import { assembleAdam } from '../../../main/training/step/adam.build.ts';

it('is what its source says', async () => {
  const binary = readFileSync(new URL('../../../main/training/step/adam.wasm', import.meta.url));
  expect(new Uint8Array(binary)).toEqual(await assembleAdam());
});

// 2,500 numbers are more than one sum of squares goes over, and no whole lines of a cache.
const size = 2500;
const swapped: Stretch[] = [
  { start: 0, end: 1200, gradientStart: 1300 },
  { start: 1200, end: 1204, gradientStart: 1296 },
  { start: 1204, end: size, gradientStart: 0 },
];

it.each([
  ['as they lie', undefined, 1000],
  ['as they lie, shortened', undefined, 0.3],
  ['in other places, shortened', swapped, 0.3],
])('takes gradients %s', (_, runs, clipNorm) => {
  const random = new Random(4);
  const adam = new Adam(size, runs);
  adam.weights.set(adam.weights.map(() => random.gaussian()));
  const weights = Float64Array.from(adam.weights);
  const [momentum, variance] = [new Float64Array(size), new Float64Array(size)];
  for (let step = 1; step <= 5; step++) {
    const learningRate = 1e-3 * step;
    const gradient = adam.gradient;
    gradient.set(gradient.map(() => 0.1 * random.gaussian()));
    // A parameter that nothing depends on keeps its weight.
    gradient[7] = 0;
    const length = Math.sqrt(Float64Array.from(gradient).reduce((sum, g) => sum + g * g, 0));
    expect(adam.step(stepRate(learningRate, step), clipNorm) / length).toBeCloseTo(1, 6);

    const shorten = Math.min(1, clipNorm / length);
    const rate = (learningRate * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step);
    for (const { start, end, gradientStart } of runs ?? [
      { start: 0, end: size, gradientStart: 0 },
    ]) {
      for (let at = start; at < end; at++) {
        const g = gradient[gradientStart + at - start]! * shorten;
        momentum[at] = 0.9 * momentum[at]! + 0.1 * g;
        variance[at] = 0.999 * variance[at]! + 0.001 * g * g;
        weights[at]! -= (rate * momentum[at]!) / (Math.sqrt(variance[at]!) + 1e-8);
      }
    }
    const misses = weights.map((weight, at) => Math.abs(weight - adam.weights[at]!));
    // Float32 rounds weights of up to 4 by 2.4e-7 in each step.
    expect(Math.max(...misses)).toBeLessThan(step * 3e-7);
  }
  // The moments lack their factors (1 − β).
  expect(adam.momentum.every((m, at) => Math.abs(0.1 * m - momentum[at]!) < 1e-7)).toBe(true);
  expect(adam.variance.every((v, at) => Math.abs(0.001 * v - variance[at]!) < 1e-9)).toBe(true);
});

it('leaves weights alone where there is no gradient at all', () => {
  const adam = new Adam(5);
  adam.weights.fill(2);
  expect(adam.step(stepRate(1e-3, 1), 1)).toBe(0);
  expect(adam.weights).toEqual(new Float32Array(5).fill(2));
});
