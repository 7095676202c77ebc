/**
 * `npm run bench -- step`: a training step against what this machine's processor could do at best.
 *
 * The ideal is the step's multiply-adds (three times the forward pass's) at the rate of a large
 * matrix product, measured in the same process in turn with the steps; absolute times are this
 * machine's of this moment.
 *
 * Usage: npm run bench -- step [--rounds N] [--threads N] [--json]
 */

import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { Graph } from '../../main/network/onnx.ts';
import { macsPerPackedPixel } from '../../main/network/unet.ts';
import { defaultRecipe, type Recipe } from '../../main/training/recipe.ts';
import { freshState } from '../../main/training/run/run.ts';
import { openStep } from '../../main/training/step/step-session.ts';
import type { StepSession } from '../../main/training/step/step-tensors.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const threads = Number(values.threads);

const side = 1536;

/** A matrix product of `side`³. */
async function openProduct(): Promise<() => Promise<void>> {
  const graph = new Graph('product');
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, [side, side]));
  if (a === undefined || b === undefined) throw new Error('expected two matrices');
  graph.output('c', graph.apply('MatMul', [a, b], [side, side]));
  const session = await ort.InferenceSession.create(graph.model(), { intraOpNumThreads: threads });
  const matrix = () =>
    new ort.Tensor('float32', new Float32Array(side * side).fill(0.5), [side, side]);
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
  const session: StepSession = await openStep(recipe, freshState(recipe), { threads });
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

const subjects: readonly Subject[] = [
  {
    name: `product of ${String(side)}³`,
    gflop: (2 * side ** 3) / 1e9,
    run: await openProduct(),
    times: [],
  },
  await openSubject(16, 8, 64),
  await openSubject(32, 1, 256),
];
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
if (values.json) console.log(JSON.stringify({ bench: 'step', threads, rows }));
else console.table(rows);
