/**
 * Adapts networks whose input or output differs from the develop line's. The line always carries
 * white-balanced linear camera colour, so every later stage (white balance, look, tone curve, the
 * window's shader) works on the picture of every network alike.
 */

import type { CameraColour } from '../raw/mosaic.ts';
import { Refusal } from '../base/refusal.ts';
import { amplifiedLimit } from './amplify.ts';
import { cameraToOutput, invert } from './colour.ts';
import type { RunNetwork } from './develop.ts';
import { srgbLight, unrolled } from './tone.ts';

/** The input and output that a network was trained for. */
export interface NetworkTerms {
  /** The input is clamped to ± this, in amplified units. */
  readonly clamp: number;
  readonly whiteBalanced: boolean;
  /** `srgb`: finished pictures in sRGB, with its curve, 0 … 1. */
  readonly domain: 'camera-linear' | 'srgb';
}

/**
 * Whether the network's output can be compared with its input, because both are the scene's light.
 */
export function isLinear({ domain }: NetworkTerms): boolean {
  return domain === 'camera-linear';
}

/**
 * Refuses a linear file for a network that makes finished pictures: tones and colours are baked in,
 * and the scene's light is gone.
 * @throws Refusal `bad-argument`
 */
export function checkLinear(terms: NetworkTerms): void {
  if (isLinear(terms)) return;
  throw new Refusal(
    'bad-argument',
    'expected a model of linear light for a DNG but this one paints finished pictures: choose TIFF, PNG or JPEG, or another model',
  );
}

/** Wraps the network so that it takes and gives what the develop line does. */
export function fitted(run: RunNetwork, terms: NetworkTerms, colour: CameraColour): RunNetwork {
  const { clamp, whiteBalanced, domain } = terms;
  if (whiteBalanced && clamp >= amplifiedLimit && domain === 'camera-linear') return run;
  const [red, green, blue] = whiteBalanced ? [1, 1, 1] : colour.asShotGains;
  const toCamera = domain === 'srgb' ? pictureToCamera(colour) : undefined;
  return async (packed, width, height) => {
    const area = width * height;
    // Shared memory, because another thread may run the network.
    const input = new Float32Array(new SharedArrayBuffer(packed.byteLength));
    [red, green, green, blue].forEach((gain, site) => {
      for (let at = site * area, end = at + area; at < end; at++) {
        input[at] = Math.max(-clamp, Math.min(clamp, packed[at]! / gain));
      }
    });
    const output = await run(input, width, height);
    toCamera?.(output, area);
    return output;
  };
}

/** Last index of the table of a finished picture's values. */
const tableLast = 4095;

/** For each value (0 … 1), the light that the tone curve and sRGB's encoding turn into it. */
const lightTable = Float32Array.from({ length: tableLast + 2 }, (_, index) =>
  unrolled(srgbLight(Math.min(1, index / tableLast))),
);

/**
 * Takes finished pictures back to balanced linear camera colour, in place: undoes sRGB's curve, the
 * roll-off of highlights and the camera's matrix. The finishing stage applies the same three again
 * and so reproduces the picture.
 */
function pictureToCamera(colour: CameraColour): (output: Float32Array, area: number) => void {
  const [a, b, c, d, e, f, g, h, i] = invert(cameraToOutput(colour, 'srgb'));
  const light = (value: number): number => {
    const at = Math.max(0, Math.min(1, value)) * tableLast;
    const index = at | 0;
    const below = lightTable[index]!;
    return below + (lightTable[index + 1]! - below) * (at - index);
  };
  return (output, area) => {
    for (let site = 0; site < 4; site++) {
      let red = site * 3 * area;
      for (let end = red + area; red < end; red++) {
        const [green, blue] = [red + area, red + 2 * area];
        const r = light(output[red]!);
        const gr = light(output[green]!);
        const bl = light(output[blue]!);
        output[red] = a * r + b * gr + c * bl;
        output[green] = d * r + e * gr + f * bl;
        output[blue] = g * r + h * gr + i * bl;
      }
    }
  };
}
