/** Runs a network: one model on one device. */

import * as ort from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import type { devices } from '../../preload/contract/choices.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import type { NetworkTerms } from '../develop/dialect.ts';
import { termsOf, type Model } from './manifest.ts';
import { sideMultiple } from './unet.ts';
import { checkWeightCount } from './weight-count.ts';

export type Device = (typeof devices)[number];

export interface NetworkOptions {
  readonly device: Device;
  /** Number of processor threads; all if absent. */
  readonly threads?: number;
}

/** An open session. It blocks its thread while it runs: see docs/engine.md. */
export interface Network {
  readonly device: Device;
  /** Input and output of `run`, where they differ from the develop line's. */
  readonly terms: NetworkTerms;
  /**
   * @param packed [4, height, width], amplified; sides multiples of `sideMultiple`
   * @param into memory for the result, which may belong to a waiting thread
   * @returns [12, height, width]
   * @throws Refusal `out-of-memory`, or `device` for any other failure of the back end
   */
  run(
    packed: Float32Array,
    width: number,
    height: number,
    into?: Float32Array,
  ): Promise<Float32Array>;
  release(): Promise<void>;
}

/**
 * Opens a model on a device and checks that its input and output match the manifest.
 * @throws Refusal `model` if they do not, `device` if the device cannot run it
 */
export async function openNetwork(model: Model, options: NetworkOptions): Promise<Network> {
  const { device } = options;
  const { manifest } = model;
  let session: InferenceSession;
  try {
    session = await ort.InferenceSession.create(model.onnx, sessionOptions(options));
  } catch (error) {
    const reason = describeError(error);
    if (device === 'cpu') {
      throw new Refusal(
        'model',
        `expected a network in ${manifest.file} but ONNX Runtime says: ${reason}`,
      );
    }
    throw new Refusal(
      'device',
      `expected ${device} to run ${manifest.id} but it says: ${withoutSource(reason)}`,
    );
  }
  try {
    checkShape(session, model);
    // On graphics cards, the device test does this, and compiles the shaders at the final size.
    if (device === 'cpu') await checkAnswer(session, model);
  } catch (error) {
    await session.release();
    throw error;
  }
  return {
    device,
    terms: termsOf(manifest),
    run: async (packed, width, height, into) => {
      const { inputChannels, outputChannels } = manifest.unet;
      const feeds = {
        mosaic: new ort.Tensor('float32', packed, [1, inputChannels, height, width]),
      };
      let result: InferenceSession.OnnxValueMapType;
      try {
        if (into !== undefined) {
          const packedOutput = new ort.Tensor('float32', into, [1, outputChannels, height, width]);
          await session.run(feeds, { packed: packedOutput });
          return into;
        }
        result = await session.run(feeds);
      } catch (error) {
        throw runRefusal(error, device);
      }
      const data = result['packed']?.data;
      if (!(data instanceof Float32Array) || data.length !== outputChannels * width * height) {
        throw new Refusal(
          'model',
          `expected ${manifest.id} to give ${String(outputChannels)} planes of its input's size but it did not`,
        );
      }
      return data;
    },
    release: () => session.release(),
  };
}

function sessionOptions({ device, threads }: NetworkOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    logSeverityLevel: 4,
    // The arena keeps every size it has ever seen: 1.86 GB instead of 1.17 GB for a 1024² tile of
    // base 32.
    enableCpuMemArena: false,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    // DirectML supports neither (onnxruntime.ai, "DirectML Execution Provider").
    ...(device === 'dml' ? { enableMemPattern: false, executionMode: 'sequential' as const } : {}),
  };
}

/** Detects a manifest that does not match its network before any photo is processed. */
function checkShape(session: InferenceSession, { manifest, onnx }: Model): void {
  const { inputChannels, outputChannels } = manifest.unet;
  const channelsOf = (list: readonly InferenceSession.ValueMetadata[], name: string): unknown => {
    const value = list.find((entry) => entry.name === name);
    return value?.isTensor === true && value.type === 'float32' ? value.shape[1] : undefined;
  };
  const input = channelsOf(session.inputMetadata, 'mosaic');
  const output = channelsOf(session.outputMetadata, 'packed');
  if (input !== inputChannels || output !== outputChannels) {
    throw new Refusal(
      'model',
      `expected ${manifest.file} to take ${String(inputChannels)} planes as "mosaic" and give ${String(outputChannels)} as "packed", as its manifest says, but it takes ${String(input)} and gives ${String(output)}`,
    );
  }
  checkWeightCount({ manifest, onnx });
}

/** Compares the file's header with what the network does to a small window. */
async function checkAnswer(session: InferenceSession, { manifest }: Model): Promise<void> {
  const { inputChannels, outputChannels } = manifest.unet;
  const side = 2 * sideMultiple(manifest.unet);
  const window = new Float32Array(inputChannels * side * side).fill(0.5);
  let result: InferenceSession.OnnxValueMapType;
  try {
    const mosaic = new ort.Tensor('float32', window, [1, inputChannels, side, side]);
    result = await session.run({ mosaic });
  } catch (error) {
    throw new Refusal(
      'model',
      `expected a network in ${manifest.file} that runs but ONNX Runtime says: ${describeError(error)}`,
    );
  }
  const data = result['packed']?.data;
  const isWhole = data instanceof Float32Array && data.length === outputChannels * side * side;
  if (!isWhole || !data.every(Number.isFinite)) {
    throw new Refusal(
      'model',
      `expected ${manifest.file} to give ${String(outputChannels)} planes of its input's size but it gives ${isWhole ? 'no numbers' : 'others'}`,
    );
  }
}

/** ONNX Runtime's message without the source location that it may start with. */
function withoutSource(reason: string): string {
  return reason.replace(/^\/\S*onnxruntime\S*:\d+ .* was false\. /, '');
}

function runRefusal(error: unknown, device: Device): Refusal {
  const reason = describeError(error);
  const isMemory = /alloc|memory|OOM|Buffer size|device (is )?lost/i.test(reason);
  return isMemory
    ? new Refusal('out-of-memory', `${device} has too little memory for a tile: ${reason}`)
    : new Refusal('device', `${device} failed: ${reason}`);
}
