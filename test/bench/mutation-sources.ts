/** The whole files that `bench -- mutate` damages: two of real cameras, the others written here. */

import { readFileSync } from 'node:fs';

import Vips from 'wasm-vips';

import { cfaDng } from '../../main/raw/dng.ts';
import { linearDng } from '../../main/raw/linear-dng.ts';
import { byte, long, short } from '../../main/raw/ifd.ts';
import type { TagValue } from '../../main/raw/ifd.ts';
import { arw, encodeCraw } from '../raw/arw.ts';
import type { Source } from '../raw/damage.ts';
import {
  deflated,
  dngOf,
  doubles,
  floats,
  littleEndian,
  longs,
  opcodeList,
  withFloatPredictor,
} from '../raw/dng-written.ts';
import { eightBitDng, losslessDng, lossyDng } from '../raw/payloads.ts';
import { bytesOf, nightMosaic, seeded } from '../raw/written.ts';

const [width, height] = [160, 128];
const balance = [2356, 1024, 1024, 1640] as const;
const black = [512, 512, 512, 512] as const;

/** A scene that is smooth but for its noise, so that what is out of place shows: 0 to 1. */
function scene(): Float32Array {
  const next = seeded(5);
  return Float32Array.from({ length: width * height }, (_, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    const light = 0.5 + 0.4 * Math.sin(x / 25) * Math.cos(y / 17);
    return Math.min(1, Math.max(0, light + ((next() % 1000) / 1000 - 0.5) * 0.04));
  });
}

function realFile(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../fixtures/raw/${name}`, import.meta.url)));
}

/** JPEG XL, lossless, of one channel of 16 bits. */
async function jxlOf(samples: Uint16Array): Promise<Uint8Array> {
  const vips = await Vips({ dynamicLibraries: ['vips-jxl.wasm'] });
  const image = vips.Image.newFromMemory(samples, width, height, 1, vips.BandFormat.ushort);
  const bytes = image.jxlsaveBuffer({ lossless: true });
  vips.shutdown();
  return bytes;
}

/** DNGs of the payloads that this program decodes itself. */
async function ownDngs(samples: Uint16Array, light: Float32Array): Promise<readonly Source[]> {
  const mosaic = { width, height, channels: 1, bits: 16 } as const;
  const levels: readonly (readonly [number, TagValue])[] = [
    [50_714, long(512)],
    [50_717, long(15_512)],
  ];
  const plain = littleEndian(samples, 2);
  const floating = withFloatPredictor(light, 32, width, 1);
  const gains = [
    ...[...longs(0, 0, height, width, 0, 1, 1, 1), ...longs(2, 2), ...doubles(1, 1, 0, 0)],
    ...[...longs(1), ...floats(2, 1.6, 1.6, 1.3)],
  ];
  const pattern = 'GGRGGB' + 'GGBGGR' + 'BRGRBG' + 'GGBGGR' + 'GGRGGB' + 'RBGBRG';
  const files = {
    'dng-deflate': dngOf({ ...mosaic, compression: 8, chunks: [deflated(plain)] }, levels),
    'dng-float': dngOf(
      { ...mosaic, bits: 32, isFloat: true, compression: 8, chunks: [deflated(floating)] },
      [[317, short(3)]],
    ),
    'dng-jxl': dngOf({ ...mosaic, compression: 52_546, chunks: [await jxlOf(samples)] }, levels),
    'dng-opcodes': dngOf({ ...mosaic, compression: 1, chunks: [plain] }, [
      ...levels,
      [51_009, opcodeList({ id: 9, data: gains })],
    ]),
    'dng-xtrans': dngOf({ ...mosaic, compression: 1, chunks: [plain] }, [
      ...levels,
      [33_421, short(6, 6)],
      [33_422, byte(...Array.from(pattern, (letter) => 'RGB'.indexOf(letter)))],
    ]),
  };
  return Object.entries(files).map(([name, bytes]) => ({
    name,
    bytes,
    structure: (length) => [0, Math.min(length, 1400)],
  }));
}

export async function mutationSources(): Promise<readonly Source[]> {
  const samples = Uint16Array.from(scene(), (light) => 512 + Math.round(light * 15_000));
  const mosaic = nightMosaic({ width, height, samples });
  const grey = scene();
  const light = Float32Array.from(
    { length: width * height * 3 },
    (_, index) => grey[Math.floor(index / 3)]!,
  );
  const linear = { width, height, samples: light, colour: mosaic.colour, orientation: 1 } as const;
  const craw = encodeCraw(
    Uint16Array.from(scene(), (value) => 64 + Math.round(value * 1900)),
    width,
  );
  const sony = { width, height, black, balance };
  const head = (length: number) => (): readonly [number, number] => [0, length];
  return [
    { name: 'dng', bytes: bytesOf(cfaDng(mosaic)), structure: head(900) },
    {
      name: 'dng-linear',
      bytes: bytesOf(await linearDng(linear, mosaic.shot)),
      structure: head(900),
    },
    { name: 'dng-lossless', bytes: losslessDng(samples, width, height), structure: head(900) },
    {
      name: 'dng-lossy',
      bytes: await lossyDng(
        Uint8Array.from(light, (value) => Math.round(value * 255)),
        width,
        height,
      ),
      structure: head(900),
    },
    {
      name: 'dng-8-bit',
      bytes: eightBitDng(
        Uint8Array.from(scene(), (value) => 20 + Math.round(value * 230)),
        width,
        height,
      ),
      structure: head(900),
    },
    {
      name: 'arw',
      bytes: arw({ ...sony, data: { kind: 'uncompressed', samples } }),
      structure: head(700),
    },
    {
      name: 'arw-craw',
      bytes: arw({ ...sony, data: { kind: 'craw', bytes: craw.bytes } }),
      structure: head(700),
    },
    {
      name: 'crw',
      bytes: realFile('Canon_PowerShot_S40_CRW_0113.CRW'),
      structure: (length) => [length - 5700, length],
    },
    { name: 'kdc', bytes: realFile('Kodak_DC50_DC50IMG_DC0008L.KDC'), structure: head(2000) },
    ...(await ownDngs(samples, grey)),
  ];
}
