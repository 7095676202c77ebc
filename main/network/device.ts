/** Lists the available devices, and tests whether they compute what the processor computes. */

import * as ort from 'onnxruntime-node';
import { z } from 'zod';
import { describeError } from '../base/refusal.ts';
import type { Model } from './manifest.ts';
import { devices } from '../../preload/contract/choices.ts';
import { openNetwork, type Device, type Network } from './session.ts';

/** Result of testing a device. */
export interface DeviceTest {
  readonly device: Device;
  readonly isTrusted: boolean;
  readonly account: string;
  /** For one million packed pixels of network input; absent if it did not run. */
  readonly msPerMegapixel?: number;
}

/** Larger differences from the processor are faults, not rounding; 1 = white. */
const differenceMax = 5e-3;

/** Graphics back ends in this build of ONNX Runtime for this system. */
export function offeredDevices(): readonly Device[] {
  const offered = new Set(
    backendsSchema.parse(ort.listSupportedBackends()).map(({ name }) => name),
  );
  return devices.filter((device) => offered.has(device));
}

const backendsSchema = z.array(z.object({ name: z.string() }));

/** ONNX Runtime's version. Verdicts of another version are void. */
export function runtimeVersion(): string {
  return ort.env.versions.node ?? ort.env.versions.common;
}

/**
 * Runs one window on the device and on the processor. The window has the size that will be used,
 * because graphics drivers have been seen to return noise or black at some sizes, without any
 * error.
 * @param side of the window in packed pixels
 */
export async function testDevice(model: Model, device: Device, side: number): Promise<DeviceTest> {
  const window = testWindow(side);
  let network: Network | undefined;
  try {
    network = await openNetwork(model, { device });
    // The first run compiles shaders and touches memory; the second one is representative.
    const first = await network.run(window, side, side);
    const beginMs = performance.now();
    const answer = await network.run(window, side, side);
    const msPerMegapixel = (performance.now() - beginMs) / ((side * side) / 1e6);
    if (device === 'cpu') {
      if (!answer.every(Number.isFinite)) {
        return { device, isTrusted: false, account: 'not used: it answers with no numbers' };
      }
      return { device, isTrusted: true, account: 'the reference for all others', msPerMegapixel };
    }
    const reference = await referenceAnswer(model, window, side);
    const difference = Math.max(
      largestDifference(first, reference),
      largestDifference(answer, reference),
    );
    const isTrusted = difference <= differenceMax;
    const amount = difference.toExponential(1);
    const account = isTrusted
      ? `agrees with the processor (largest difference ${amount} of white)`
      : `not used: it differs from the processor by ${amount} of white`;
    return { device, isTrusted, account, msPerMegapixel };
  } catch (error) {
    return { device, isTrusted: false, account: `not available: ${describeError(error)}` };
  } finally {
    await network?.release();
  }
}

async function referenceAnswer(
  model: Model,
  window: Float32Array,
  side: number,
): Promise<Float32Array> {
  const processor = await openNetwork(model, { device: 'cpu' });
  try {
    return await processor.run(window, side, side);
  } finally {
    await processor.release();
  }
}

/** A window with structure at every scale the network looks at, and some noise. */
function testWindow(side: number): Float32Array {
  const window = new Float32Array(4 * side * side);
  let state = 1;
  for (let i = 0; i < window.length; i++) {
    const [x, y] = [i % side, Math.floor(i / side) % side];
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const wave = Math.sin(x / 7) * Math.cos(y / 31) * 0.25 + 0.3;
    window[i] = wave + (state / 2 ** 32 - 0.5) * 0.2;
  }
  return window;
}

/** NaN counts as an infinite difference. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest))
      largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}
