/** Scores of the night sky: what they say of networks whose faults are known, and of the shipped one. */

import { describe, expect, it } from 'vitest';
import type { NetworkTerms } from '../../main/develop/dialect.ts';
import { evaluateNight } from '../../main/scoring/night.ts';
import { eventsOf, nightglass } from '../training/nightglass.ts';

const terms: NetworkTerms = { domain: 'camera-linear', whiteBalanced: true, clamp: 4 };

/** Each cell's own light on all four pixels of it: no denoising at all. */
function passThrough(packed: Float32Array): Promise<Float32Array> {
  const area = packed.length / 4;
  const output = new Float32Array(12 * area);
  for (let cell = 0; cell < area; cell++) {
    const green = (packed[area + cell]! + packed[2 * area + cell]!) / 2;
    for (let pixel = 0; pixel < 4; pixel++) {
      output[3 * pixel * area + cell] = packed[cell]!;
      output[(3 * pixel + 1) * area + cell] = green;
      output[(3 * pixel + 2) * area + cell] = packed[3 * area + cell]!;
    }
  }
  return Promise.resolve(output);
}

describe('the scores of a network', () => {
  it('that leaves everything as it is: light and colour stay, banding stays', async () => {
    const scores = await evaluateNight({ run: passThrough, terms });
    expect(scores.stars.map(({ snr }) => snr)).toEqual([10, 20, 40, 80]);
    const bright = scores.stars.at(-1);
    for (const share of [bright?.light, bright?.blue, bright?.orange]) {
      expect(Math.abs((share ?? 0) - 1)).toBeLessThan(0.3);
    }
    // σ 10 DN at ×100 as brightness: red lies in even rows, blue in odd ones, green in both.
    const expected = ((10 * 100) / 15_871) * Math.hypot(0.25 * 2.771 + 0.25, 0.25 + 0.25 * 1.362);
    expect(scores.banding / expected).toBeGreaterThan(0.8);
    expect(scores.banding / expected).toBeLessThan(1.2);
    expect(scores.lampColour).toBeLessThan(0.05);
  });

  it('that sees nothing: no light, no lamps, and no hot pixels', async () => {
    const blind = (packed: Float32Array) => Promise.resolve(new Float32Array(3 * packed.length));
    // Finished pictures get no detail and no stars back.
    const scores = await evaluateNight({ run: blind, terms: { ...terms, domain: 'srgb' } });
    for (const { light, blue, orange } of scores.stars) {
      expect([light, blue, orange]).toEqual([0, 0, 0]);
    }
    expect(scores.lampColour).toBeGreaterThan(0.1);
    expect(scores.hotPixelsLeft).toBe(0);
    expect(scores.banding).toBe(0);
  });
});

describe('nightglass evaluate --night', () => {
  it('finds that the shipped model keeps stars and leaves hot pixels out', async () => {
    const run = await nightglass(['evaluate', '--night', '--model', 'fast', '--json']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const [result] = eventsOf(run.stdout);
    expect(result).toMatchObject({ event: 'result', model: 'fast', simulated: true });
    const light = new Map<number, number>();
    const stars: unknown = result?.['stars'];
    if (!Array.isArray(stars)) throw new Error('expected stars');
    for (const { snr, light: kept } of stars) light.set(Number(snr), Number(kept));
    expect(light.get(20)).toBeGreaterThan(0.6);
    expect(light.get(40)).toBeGreaterThan(0.75);
    expect(light.get(80)).toBeGreaterThan(0.85);
    expect(Number(result?.['hotPixelsLeft'])).toBeLessThanOrEqual(0.05);
  }, 120_000);

  it('takes no photos, and without it photos are asked for', async () => {
    const both = await nightglass(['evaluate', 'photos', '--night']);
    expect(both.status).toBe(2);
    expect(both.stderr).toContain('expected no photos with --night');
    const none = await nightglass(['evaluate']);
    expect(none.status).toBe(2);
    expect(none.stderr).toContain('or --night');
  });
});
