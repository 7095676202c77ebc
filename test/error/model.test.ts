/** Models that are not what they should be, and devices that are not there. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { Refusal } from '../../main/base/refusal.ts';

import {
  smallShape,
  smallOnnx,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
  type ModelChanges,
} from '../engine/small.ts';
import { readModel } from '../../main/network/manifest.ts';
import { openNetwork } from '../../main/network/session.ts';
import { inferenceModel } from '../../main/network/inference-model.ts';
import { checkSelfContained } from '../../main/network/external-data.ts';
import { ProtobufWriter } from '../../main/network/protobuf.ts';
import { weightCount } from '../../main/network/weight-count.ts';
import { parameterCount } from '../../main/network/unet.ts';
import { containing, seeded } from '../raw/written.ts';
import { livingProcesses, refusal } from './program.ts';

const folder = temporaryFolder();
const [photo = ''] = writeSmallDngs(path.join(folder, 'in'), 1);
const out = path.join(folder, 'out');

/** Through the whole program. */
async function refused(model: string): Promise<string> {
  const { status, line } = await refusal([
    'enhance',
    photo,
    '--out',
    out,
    '--model',
    model,
    '--device',
    'cpu',
  ]);
  expect(status).toBe(1);
  expect(existsSync(out)).toBe(false);
  expect(livingProcesses()).toEqual([]);
  return line;
}

it('a damaged model file is told by its checksum', async () => {
  const model = writeSmallModel(path.join(folder, 'checksum'));
  const file = path.join(folder, 'checksum/small.onnx');
  const bytes = readFileSync(file);
  bytes[1000]! ^= 1;
  writeFileSync(file, bytes);
  const line = await refused(model);
  expect(line).toContain('small.onnx');
  expect(line).toContain('checksum');
});

it('a manifest that is no JSON, or of something else', async () => {
  const model = writeSmallModel(path.join(folder, 'json'));
  writeFileSync(model, '{"format": "nightgl');
  expect(await refused(model)).toBe(
    'nightglass: expected JSON in the manifest small.json but it is damaged',
  );
  writeFileSync(model, '{"name": "something-else", "version": 3}');
  expect(await refused(model)).toContain('small.json');
});

const cut = smallOnnx().subarray(0, 300_000);
const garbled = smallOnnx();
garbled.fill(0xff, 50, 250);
const wide = { ...smallShape, baseChannels: 8 };
const shallow = { ...smallShape, levels: 4 };
const fewer = { ...smallShape, outputChannels: 8 };
const more = { ...smallShape, inputChannels: 5 };

const withoutNumbers = inferenceModel(
  smallShape,
  new Float32Array(parameterCount(smallShape)).fill(Number.NaN),
);

const lies: readonly (readonly [string, ModelChanges, readonly string[]])[] = [
  ['a cut network with the right checksum', { onnx: cut }, ['small.onnx', 'ONNX Runtime says']],
  [
    'a garbled network with the right checksum',
    { onnx: garbled },
    ['small.onnx', 'ONNX Runtime says'],
  ],
  [
    'a wider network than the manifest says',
    { onnx: smallOnnx(wide) },
    ['small.onnx', '4 base channels', 'as its manifest says'],
  ],
  [
    'a shallower network than the manifest says',
    { onnx: smallOnnx(shallow) },
    ['small.onnx', '5 levels', 'as its manifest says'],
  ],
  [
    'a manifest with more base channels than there are',
    { manifest: { unet: { ...smallShape, baseChannels: 64 } } },
    ['small.onnx', '64 base channels'],
  ],
  [
    'a network whose weights are no numbers',
    { onnx: withoutNumbers },
    ['small.onnx', 'no numbers'],
  ],
  ['a network that gives too few planes', { onnx: smallOnnx(fewer) }, ['small.onnx', 'gives 8']],
  ['a network that takes too many planes', { onnx: smallOnnx(more) }, ['small.onnx', 'takes 5']],
  [
    'a manifest with more levels than tiles are made for',
    { manifest: { unet: { ...smallShape, levels: 6 } } },
    ['small.json', 'unet.levels'],
  ],
  [
    'a manifest that promises planes nobody handles',
    { manifest: { unet: { ...smallShape, outputChannels: 3 } } },
    ['small.json', 'unet.outputChannels'],
  ],
  [
    'a manifest that leads out of its folder',
    { manifest: { file: '../small.onnx' } },
    ['small.json', 'file'],
  ],
];

it.each(lies)('%s', async (name, changes, said) => {
  const model = writeSmallModel(path.join(folder, name.replaceAll(' ', '-')), changes);
  const opening = readModel(model).then((read) => openNetwork(read, { device: 'cpu' }));
  const error: unknown = await opening.catch((reason: unknown) => reason);
  if (!(error instanceof Refusal)) throw new Error('expected a Refusal', { cause: error });
  expect(error.code).toBe('model');
  expect(error.message).not.toContain('\n');
  for (const words of said) expect(error.message).toContain(words);
});

/** A TensorProto of 32-bit floats, still without its numbers. */
const tensor = (name: string, size: number): ProtobufWriter =>
  new ProtobufWriter().int(1, size).int(2, 1).string(8, name);

/** A ModelProto with one more initializer; appended to another file, both are one. */
const inGraph = (initializer: ProtobufWriter): ProtobufWriter =>
  new ProtobufWriter().message(7, new ProtobufWriter().message(5, initializer));

it('weights in another file, which no checksum covers, are refused, wherever they are named', async () => {
  const place = new ProtobufWriter().string(1, 'location').string(2, 'weights.bin');
  const external = tensor('elsewhere', 4).message(13, place).int(14, 1);
  const constant = new ProtobufWriter().message(5, new ProtobufWriter().message(5, external));
  const inNode = new ProtobufWriter().message(7, new ProtobufWriter().message(1, constant));
  // An unknown group before it, which other readers pass over.
  const behindGroup = Buffer.concat([Uint8Array.of(0x93, 0x7d, 0x94, 0x7d), inNode.bytes()]);
  for (const [name, more] of [
    ['initializer', inGraph(external).bytes()],
    ['constant', inNode.bytes()],
    ['group', behindGroup],
  ] as const) {
    const onnx = Buffer.concat([smallOnnx(), more]);
    const model = writeSmallModel(path.join(folder, `external-${name}`), { onnx });
    await expect(readModel(model)).rejects.toMatchObject({
      code: 'model',
      message: containing('another file'),
    });
  }
});

it('a network that is nested without end is refused, and hostile bytes end nothing', async () => {
  let graph = new Uint8Array();
  for (let depth = 0; depth < 5000; depth++) {
    const attribute = new ProtobufWriter().raw(6, graph);
    const node = new ProtobufWriter().message(5, attribute);
    graph = Uint8Array.from(new ProtobufWriter().message(1, node).bytes());
  }
  const nested = writeSmallModel(path.join(folder, 'nested'), {
    onnx: new ProtobufWriter().raw(7, graph).bytes(),
  });
  await expect(readModel(nested)).rejects.toThrow(/nested too deeply/);
  const next = seeded(7);
  const whole = smallOnnx();
  for (let round = 0; round < 300; round++) {
    const bytes = whole.slice(0, 20_000);
    for (let left = 20; left > 0; left--) bytes[next() % bytes.length] = next() % 256;
    if (round % 3 === 0) bytes.fill(0xff, next() % bytes.length);
    try {
      checkSelfContained(bytes, 'small.onnx');
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
    }
    expect(weightCount(bytes)).not.toBeNaN();
  }
});

it('with --quick, too, a manifest that lies about a network is not believed', async () => {
  // All that the manifest says is there, and as much again that it does not speak of.
  const count = parameterCount(smallShape);
  const more = tensor('hidden', count).raw(9, new Uint8Array(count * 4));
  const onnx = Buffer.concat([smallOnnx(smallShape, 2), inGraph(more).bytes()]);
  const model = writeSmallModel(path.join(folder, 'quick'), {
    onnx,
    manifest: { passes: 2 },
  });
  const given = ['enhance', photo, '--out', out, '--model', model, '--device', 'cpu', '--quick'];
  const { status, line } = await refusal(given);
  expect(status).toBe(1);
  expect(line).toContain('4 base channels');
  expect(existsSync(out)).toBe(false);
});

it('a network that cannot be opened ends the program, and its engine', async () => {
  const model = writeSmallModel(path.join(folder, 'garbled'), { onnx: garbled });
  expect(await refused(model)).toContain('small.onnx');
  const lying = writeSmallModel(path.join(folder, 'lying'), { onnx: smallOnnx(wide) });
  expect(await refused(lying)).toContain('4 base channels');
});

it.skipIf(process.platform !== 'linux').each(['webgpu', 'cuda'])(
  '%s, asked for outright where there is none, is refused by name',
  async (device) => {
    const model = writeSmallModel(path.join(folder, 'whole'));
    const { status, line } = await refusal(
      ['enhance', photo, '--out', out, '--model', model, '--device', device],
      // No driver is found here, whatever this machine has.
      {
        environment: {
          VK_ICD_FILENAMES: '/dev/null',
          VK_DRIVER_FILES: '/dev/null',
          CUDA_VISIBLE_DEVICES: '',
        },
      },
    );
    expect(status).toBe(1);
    expect(line).toContain(`expected ${device} to run small but it says: `);
    expect(line).not.toContain('onnxruntime_src');
    expect(existsSync(out)).toBe(false);
    expect(livingProcesses()).toEqual([]);
  },
);

it('a model that paints finished pictures makes no DNG, and says so before any work', async () => {
  const model = writeSmallModel(path.join(folder, 'painter'), {
    manifest: {
      input: { packing: 'RGGB', clamp: 1, whiteBalanced: false },
      output: { domain: 'srgb', order: 'depth-to-space-dcr' },
    },
  });
  const { status, line } = await refusal([
    'enhance',
    photo,
    '--out',
    out,
    '--model',
    model,
    '--device',
    'cpu',
    '--format',
    'dng',
  ]);
  expect(status).toBe(2);
  expect(existsSync(out)).toBe(false);
  expect(line).toMatch(/expected a model of linear light for a DNG/);
});

it('a manifest whose promises contradict each other', async () => {
  const model = writeSmallModel(path.join(folder, 'contradiction'), {
    manifest: { input: { packing: 'RGGB', clamp: 4, whiteBalanced: false } },
  });
  expect(await refused(model)).toMatch(/needs a white-balanced input/);
});
