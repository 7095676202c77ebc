/**
 * `npm run bench -- step`: a training step against what this machine's processor, or its graphics card,
 * could do at best.
 *
 * The ideal is the step's multiply-adds (three times the forward pass's) at the rate of a large
 * matrix product, measured in the same process in turn with the steps; absolute times are this
 * machine's of this moment.
 *
 * Usage: npm run bench -- step [--rounds N] [--threads N] [--device cpu|webgpu]
 *          [--shapes BASE:BATCH:PATCH,...] [--json]
 */

import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { Graph } from '../../main/network/onnx.ts';
import { macsPerPackedPixel } from '../../main/network/unet.ts';
import { defaultRecipe, type Recipe } from '../../main/training/recipe.ts';
import { freshState } from '../../main/training/run/run.ts';
import { openStep, type TrainingDevice } from '../../main/training/step/step-session.ts';
import type { StepSession } from '../../main/training/step/step-tensors.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    threads: { type: 'string', default: String(availableParallelism()) },
    device: { type: 'string', default: 'cpu' },
    shapes: { type: 'string', default: '16:8:64,32:1:256' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const threads = Number(values.threads);
const device: TrainingDevice = values.device === 'webgpu' ? 'webgpu' : 'cpu';

const side = device === 'cpu' ? 1536 : 4096;

/** A matrix product of `side`³. */
async function openProduct(): Promise<() => Promise<void>> {
  const graph = new Graph('product');
  const numbers = () => Float32Array.from({ length: side * side }, (_, i) => Math.sin(i * 0.7));
  if (device === 'webgpu') {
    // Neither the matrices nor the product cross the bus in the time that is taken.
    const [a, b] = ['a', 'b'].map((name) => graph.weight(name, [side, side], numbers()));
    if (a === undefined || b === undefined) throw new Error('expected two matrices');
    const product = graph.apply('MatMul', [a, b], [side, side]);
    const sums = graph.apply('ReduceSum', [product, graph.integers([1])], [side], {
      attributes: { keepdims: 0 },
    });
    graph.output('sums', sums);
    const session = await ort.InferenceSession.create(graph.model(), {
      executionProviders: ['webgpu', 'cpu'],
      // Constants would be multiplied once and for all while the session opens.
      graphOptimizationLevel: 'disabled',
    });
    return async () => {
      await session.run({});
    };
  }
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, [side, side]));
  if (a === undefined || b === undefined) throw new Error('expected two matrices');
  graph.output('c', graph.apply('MatMul', [a, b], [side, side]));
  const session = await ort.InferenceSession.create(graph.model(), { intraOpNumThreads: threads });
  const matrix = () => new ort.Tensor('float32', numbers(), [side, side]);
  const feeds = { a: matrix(), b: matrix() };
  return async () => {
    await session.run(feeds);
  };
}

interface Subject {
  readonly name: string;
  readonly gflop: number;
  readonly run: () => Promise<unknown>;
  readonly times: number[];
}

async function openSubject(baseChannels: number, batch: number, patchPacked: number) {
  const unet = { ...defaultRecipe.unet, baseChannels };
  const recipe: Recipe = { ...defaultRecipe, unet, batch, patchPacked };
  const session: StepSession = await openStep(recipe, freshState(recipe), {
    threads,
    device,
  });
  const pixels = batch * patchPacked * patchPacked;
  const numbers = (channels: number) =>
    Float32Array.from({ length: pixels * channels }, (_, i) => Math.abs(Math.sin(i * 0.7)));
  const patches = { input: numbers(4), target: numbers(12) };
  const subject: Subject = {
    name: `base ${String(baseChannels)}, ${String(batch)} × ${String(patchPacked)}²`,
    gflop: (macsPerPackedPixel(unet) * 2 * 3 * pixels) / 1e9,
    run: () => session.step(patches, 1e-3),
    times: [],
  };
  return subject;
}

const subjects: Subject[] = [
  {
    name: `product of ${String(side)}³`,
    gflop: (2 * side ** 3) / 1e9,
    run: await openProduct(),
    times: [],
  },
];
for (const shape of values.shapes.split(',')) {
  const [base = 0, batch = 0, patch = 0] = shape.split(':').map(Number);
  subjects.push(await openSubject(base, batch, patch));
}
for (let round = -2; round < rounds; round++) {
  for (const { run, times } of subjects) {
    // The threads of the one before spin for a while when they have nothing to do, and its numbers fill the
    // caches: a training step follows its like.
    await setTimeout(200);
    await run();
    const beginMs = performance.now();
    await run();
    if (round >= 0) times.push(performance.now() - beginMs);
  }
}

const [product] = subjects;
const rate = product === undefined ? Number.NaN : product.gflop / Math.min(...product.times);
const rows = subjects.map(({ name, gflop, times }) => {
  const bestMs = Math.min(...times);
  return {
    step: name,
    gflop: Number(gflop.toFixed(2)),
    bestMs: Number(bestMs.toFixed(1)),
    medianMs: Number((times.toSorted((a, b) => a - b)[rounds >> 1] ?? Number.NaN).toFixed(1)),
    gflopPerSecond: Math.round((gflop / bestMs) * 1000),
    ofIdeal: Number((gflop / bestMs / rate).toFixed(2)),
  };
});
if (values.json) console.log(JSON.stringify({ bench: 'step', device, threads, rows }));
else console.table(rows);
