/**
 * `npm run bench -- develop`: what each stage of the develop line costs, and what everything around the network
 * adds to it. Absolute times are this machine's of this moment; the last column is a ratio within
 * one run: the whole pipeline (decode and encode included) over the network alone on the same tiles.
 *
 * Usage: npm run bench -- develop [--photos N] [--sizes 12,24,45] [--model ID|FILE] [--device cpu] [--json]
 */

import { link, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { defaultWindowArea } from '../../main/engine/window-area.ts';
import { planTiles } from '../../main/develop/tiles.ts';
import { enhanceBatch } from '../../main/engine/batch.ts';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import { engineCalls, type PhotoResult, type Stages } from '../../main/engine/protocol.ts';
import { Engine } from '../../main/engine/supervisor.ts';
import { writeAtomically } from '../../main/base/atomic.ts';
import { defaultModelId, readModel } from '../../main/network/manifest.ts';
import { macsPerPackedPixel } from '../../main/network/unet.ts';
import { Peer } from '../../main/process/peer.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import { darkMosaic } from './dark.ts';

const { values } = parseArgs({
  options: {
    photos: { type: 'string', default: '4' },
    sizes: { type: 'string', default: '12,24,45' },
    model: { type: 'string', default: defaultModelId },
    json: { type: 'boolean', default: false },
  },
});

/** Sides of common sensors, by megapixels. */
const sides = new Map([
  ['12', [4240, 2832]],
  ['24', [6000, 4000]],
  ['45', [8192, 5464]],
]);

interface Row {
  readonly megapixels: number;
  readonly tiles: number;
  readonly stagesMs: Stages;
  readonly pipelineMsPerPhoto: number;
  readonly networkAloneMsPerPhoto: number;
  readonly ratio: number;
  readonly megapixelsPerSecond: number;
  readonly gflopPerSecond: number;
  readonly peakRssMb: number;
}

async function bench(size: string, photos: number, folder: string): Promise<Row> {
  const [width = 0, height = 0] = sides.get(size) ?? [];
  if (width === 0)
    throw new Error(`expected a size of ${[...sides.keys()].join(', ')} but received ${size}`);
  const model = await readModel(values.model);
  const windowAreaMax = defaultWindowArea(model.manifest);
  const first = path.join(folder, `${size}-1.dng`);
  await writeAtomically(first, cfaDng(darkMosaic(width, height)).chunks(), { overwrite: true });
  const files = [first];
  for (let n = 2; n <= photos; n++) {
    const copy = path.join(folder, `${size}-${String(n)}.dng`);
    await link(first, copy);
    files.push(copy);
  }

  const engine = await Engine.open({
    model: values.model,
    device: 'cpu',
    windowAreaMax,
    spawn: spawnNodeEngine,
  });
  const results: PhotoResult[] = [];
  let peakRssBytes = 0;
  const beginMs = performance.now();
  await enhanceBatch(
    engine,
    {
      photos: files,
      folder: path.join(folder, 'out'),
      onConflict: 'overwrite',
      edit: { ratio: 100, strength: 1, whiteBalance: 'as-shot', space: 'srgb' },
      output: { format: 'tiff', bits: 16, compression: 'deflate' },
    },
    {
      onOutcome: (outcome) => {
        if (outcome.kind === 'failed') throw outcome.error;
        if (outcome.kind !== 'done') return;
        results.push(outcome.result);
        peakRssBytes = Math.max(peakRssBytes, outcome.peakRssBytes);
      },
    },
  );
  const pipelineMs = performance.now() - beginMs;
  engine.close();

  const tiles = planTiles(Math.ceil(width / 2), Math.ceil(height / 2), windowAreaMax);
  const [tile] = tiles;
  const packed = tiles.length * (tile?.window.width ?? 0) * (tile?.window.height ?? 0);
  const aloneMs =
    (await networkAloneMsPerMegapixel(Math.sqrt(packed / tiles.length))) * (packed / 1e6) * photos;
  const megapixels = (width * height) / 1e6;
  return {
    megapixels,
    tiles: tiles.length,
    stagesMs: medianStages(results.map(({ stagesMs }) => stagesMs)),
    pipelineMsPerPhoto: pipelineMs / photos,
    networkAloneMsPerPhoto: aloneMs / photos,
    ratio: pipelineMs / aloneMs,
    megapixelsPerSecond: (megapixels * photos) / (pipelineMs / 1e3),
    gflopPerSecond:
      (2 * macsPerPackedPixel(model.manifest.unet) * packed * photos) / (aloneMs * 1e6),
    peakRssMb: peakRssBytes / 1e6,
  };
}

/** A window of the same area in an engine with nothing else to do: the median of some. */
async function networkAloneMsPerMegapixel(windowSide: number): Promise<number> {
  const side = Math.round(windowSide / 16) * 16;
  const times: number[] = [];
  for (let n = 0; n < 5; n++) {
    const engine = new Peer('the engine', spawnNodeEngine);
    const asked = { model: values.model, device: 'cpu' as const, side };
    const verdict = await engine.ask(engineCalls.test, asked);
    engine.close();
    if (verdict.msPerMegapixel === undefined) throw new Error(verdict.account);
    times.push(verdict.msPerMegapixel);
  }
  return times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}

function medianStages(all: readonly Stages[]): Stages {
  const median = (stage: keyof Stages): number => {
    const sorted = all.map((stages) => stages[stage]).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? Number.NaN;
  };
  return {
    decode: median('decode'),
    prepare: median('prepare'),
    network: median('network'),
    finish: median('finish'),
    encode: median('encode'),
    write: median('write'),
  };
}

const folder = await mkdtemp(path.join(tmpdir(), 'nightglass-bench-'));
try {
  const heading = [
    'MP',
    'tiles',
    'decode',
    'prepare',
    'network',
    'finish',
    'encode',
    'write',
    'ms/photo',
    'net alone',
    'MP/s',
    'GFLOP/s',
    'RSS MB',
    'ratio',
  ];
  if (!values.json) {
    console.log(
      `${cpus()[0]?.model ?? 'unknown processor'}, ${String(availableParallelism())} threads, model ${values.model}, ${values.photos} photos of each size, TIFF 16 deflate`,
    );
    console.log("stages: median ms for one photo, while the other photos' stages run beside it");
    console.log(heading.map((name) => name.padStart(9)).join(' '));
  }
  for (const size of values.sizes.split(',')) {
    const row = await bench(size, Number(values.photos), folder);
    if (values.json) {
      console.log(JSON.stringify(row));
      continue;
    }
    const { stagesMs: s } = row;
    const cells = [
      row.megapixels,
      row.tiles,
      s.decode,
      s.prepare,
      s.network,
      s.finish,
      s.encode,
      s.write,
      row.pipelineMsPerPhoto,
      row.networkAloneMsPerPhoto,
    ];
    const text = cells.map((cell) => cell.toFixed(0));
    text.push(
      row.megapixelsPerSecond.toFixed(2),
      row.gflopPerSecond.toFixed(0),
      row.peakRssMb.toFixed(0),
      row.ratio.toFixed(2),
    );
    console.log(text.map((cell) => cell.padStart(9)).join(' '));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
