/** What is exported is what was seen: the app's shader in Chromium against the export's own code, pixel by pixel. */

import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cameraToOutput, luminanceWeights } from '../../main/develop/colour.ts';
import { moveBlack } from '../../main/develop/black.ts';
import { framePicture } from '../../main/develop/crop.ts';
import { Finisher } from '../../main/develop/finish.ts';
import { halfTile } from '../../main/develop/half.ts';
import { keepWhite } from '../../main/develop/highlights.ts';
import type { CameraColour, Orientation, Vector3 } from '../../main/raw/mosaic.ts';
import { defaultEdits, type Edits } from '../../preload/contract/edits.ts';
import { halfToNumber } from '../../renderer/develop/gl/half.ts';
import { chromiumPath, launchChromium } from './browser.ts';
import type { PaintRequest } from './look-page.ts';

/** A Sony ILCE-7SM2 in daylight (dcraw's figures). */
const colour: CameraColour = {
  asShotGains: [2.1, 1, 1.6],
  xyzToCamera: [0.6629, -0.19, -0.0483, -0.4618, 1.2349, 0.255, -0.0622, 0.1381, 0.6514],
};

const [width, height] = [96, 64];

/** Light from far below black to far past white, all hues, repeatable. */
function wideTile(): Float32Array {
  let seed = 12_345;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  return Float32Array.from({ length: width * height * 3 }, (_, index) => {
    const pixel = Math.floor(index / 3);
    const stops = -11 + 13 * ((pixel % width) / width);
    return 2 ** stops * (0.15 + 1.7 * random()) - (pixel % 17 === 0 ? 0.004 : 0);
  });
}

/** Slow enough that a half pixel's shift cannot be seen. */
function smoothTile(): Float32Array {
  return Float32Array.from({ length: width * height * 3 }, (_, index) => {
    const [x, y] = [Math.floor(index / 3) % width, Math.floor(index / 3 / width)];
    const wave = [x / width, y / height, (x + y) / (width + height)][index % 3] ?? 0;
    return 0.15 + 0.35 * wave;
  });
}

interface Case {
  readonly edits?: Partial<Edits>;
  readonly balance?: Vector3;
  readonly blackShift?: Vector3;
  /** Where the sensor ends. */
  readonly white?: number;
  readonly orientation?: Orientation;
  readonly samples?: Float32Array;
  readonly grain?: Float32Array;
  /** The tile was made with 1 / light of the ratio that is shown. */
  readonly light?: number;
}

function exported({
  edits,
  balance = [1, 1, 1],
  blackShift = [0, 0, 0],
  white = 100,
  orientation = 1,
  samples = wideTile(),
  grain,
  light = 1,
}: Case) {
  const whole = { ...defaultEdits, ...edits };
  const grid = { width: width / 2, height: height / 2, rowsBefore: 0, columnsBefore: 0 } as const;
  const frame = { width, height, orientation, grid, colour };
  const finisher = new Finisher(frame, { space: 'srgb', balance, tone: whole });
  const share = 1 - whole.strength;
  // The export keeps more digits than tiles do: here both are given what a tile carries.
  const halves = halfTile(samples, grain);
  const lit = samples.map((_, index) => {
    const at = Math.floor(index / 3) * 4;
    const value = halfToNumber(halves[at + (index % 3)]!);
    return (value + share * halfToNumber(halves[at + 3]!)) * light;
  });
  moveBlack(lit, blackShift);
  keepWhite(lit, white, balance);
  finisher.add({ area: { x: 0, y: 0, width, height }, samples: lit });
  return framePicture(finisher.image, whole);
}

function requestOf({
  edits,
  balance = [1, 1, 1],
  blackShift = [0, 0, 0],
  white = 100,
  orientation = 1,
  samples = wideTile(),
  grain,
  light = 1,
}: Case): PaintRequest {
  const whole = { ...defaultEdits, ...edits };
  return {
    halves: Buffer.from(halfTile(samples, grain).buffer).toString('base64'),
    width,
    height,
    orientation,
    framing: whole,
    light,
    look: {
      ...whole,
      grain: 1 - whole.strength,
      balance,
      blackShift,
      white,
      cameraToOutput: cameraToOutput(colour, 'srgb'),
      luminance: luminanceWeights('srgb'),
      overlay: 'none',
      noise: { slope: 1e-4, offset: 1e-7 },
      ratio: 1,
    },
  };
}

describe.skipIf(chromiumPath === undefined)('the shader', () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const built = await build({
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        lib: {
          entry: path.join(import.meta.dirname, 'look-page.ts'),
          formats: ['iife'],
          name: 'look',
        },
      },
    });
    const output = Array.isArray(built) ? built[0] : built;
    const code = output !== undefined && 'output' in output ? output.output[0].code : '';
    browser = await launchChromium();
    page = await browser.newPage();
    await page.addScriptTag({ content: code });
  });

  afterAll(async () => {
    await browser.close();
  });

  /** Largest difference in units of 1 / 255, over every channel of every pixel. */
  async function difference(one: Case): Promise<number> {
    const want = exported(one);
    const got = await page.evaluate((request) => globalThis.paint(request), requestOf(one));
    expect([got.width, got.height]).toEqual([want.width, want.height]);
    const pixels = Buffer.from(got.pixels, 'base64');
    let most = 0;
    for (let pixel = 0; pixel < got.width * got.height; pixel++) {
      for (let c = 0; c < 3; c++) {
        const seen = pixels[pixel * 4 + c]!;
        most = Math.max(most, Math.abs(seen - want.samples[pixel * 3 + c]! / 257));
      }
    }
    return most;
  }

  const looks: readonly (readonly [string, Case])[] = [
    ['as the network gave it', {}],
    ['white balance', { balance: [1.4, 1, 0.6] }],
    ['white balance over clipped light', { balance: [1.4, 1, 0.6], white: 0.5 }],
    ['exposure up', { edits: { exposure: 2.3 } }],
    ['exposure down', { edits: { exposure: -3 } }],
    ['shadows up, highlights down', { edits: { shadows: 1, highlights: -1 } }],
    ['shadows down, highlights up', { edits: { shadows: -1, highlights: 1 } }],
    ['contrast up', { edits: { contrast: 1 } }],
    ['another black', { blackShift: [0.02, 0.01, 0.015] }],
    ['contrast down', { edits: { contrast: -1 } }],
    ['grey', { edits: { saturation: -1 } }],
    ['most colourful', { edits: { saturation: 1 } }],
    ['another ratio than the tile was made with', { light: 3.7 }],
    [
      'everything at once',
      {
        balance: [0.8, 1, 1.7],
        edits: { exposure: 0.7, shadows: 0.6, highlights: -0.8, contrast: 0.4, saturation: 0.3 },
      },
    ],
  ];

  test.each(looks)('agrees with the export: %s', async (_name, one) => {
    expect(await difference(one)).toBeLessThanOrEqual(1);
  });

  test('shows a lamp whose luminance is below 0 in colour, as the export does', async () => {
    // Blue light alone: the matrix takes more red away than its luminance has.
    const samples = smoothTile().map((value, index) => (index % 3 === 2 ? 1.2 + value : 0.02));
    for (const edits of [{}, { contrast: 1 }, { saturation: 0.5, shadows: 0.3 }]) {
      const want = exported({ samples, edits });
      expect(Math.min(...want.samples.filter((_, index) => index % 3 === 2))).toBeGreaterThan(
        20_000,
      );
      expect(await difference({ samples, edits })).toBeLessThanOrEqual(1);
    }
  });

  test('gives back the grain that the export gives back', async () => {
    const samples = smoothTile();
    // Grain is grey: the same on all three.
    const grain = samples.map(
      (value, index) => value + 0.05 * Math.sin(Math.floor(index / 3) * 1.7),
    );
    const one: Case = { samples, grain, edits: { strength: 0.4 } };
    expect(await difference(one)).toBeLessThanOrEqual(1);
    const without = await difference({ ...one, edits: { strength: 1 } });
    expect(without).toBeLessThanOrEqual(1);
  });

  test('would be caught if it differed', async () => {
    const want = exported({});
    const got = await page.evaluate(
      (request) => globalThis.paint(request),
      requestOf({ edits: { exposure: 0.05 } }),
    );
    const pixels = Buffer.from(got.pixels, 'base64');
    const most = Math.max(
      ...Array.from({ length: 500 }, (_, at) =>
        Math.abs(pixels[at * 4]! - want.samples[at * 3]! / 257),
      ),
    );
    expect(most).toBeGreaterThan(1);
  });

  const orientations: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];
  test.each(orientations)(
    'is as upright as the export: EXIF orientation %i',
    async (orientation) => {
      expect(await difference({ orientation })).toBeLessThanOrEqual(1);
    },
  );

  test.each([
    [1, { x: 0, y: 0, width: 1, height: 1 }],
    [2, { x: 0.11, y: 0.23, width: 0.57, height: 0.4 }],
    [3, { x: 0.5, y: 0, width: 0.5, height: 0.333 }],
    [0, { x: 0.3, y: 0.6, width: 0.7, height: 0.4 }],
  ] as const)('crops the same pixels after %i quarter-turns', async (rotate, crop) => {
    expect(await difference({ orientation: 6, edits: { rotate, crop } })).toBeLessThanOrEqual(1);
  });

  test('straightens by the same angle about the same place', async () => {
    const crop = { x: 0.25, y: 0.25, width: 0.5, height: 0.45 };
    for (const angle of [7.5, -20]) {
      const one: Case = {
        samples: smoothTile(),
        edits: { crop, angle, rotate: 1 },
        orientation: 8,
      };
      expect(await difference(one)).toBeLessThanOrEqual(1);
    }
  });
});
