/** The nine whole files that `bench -- mutate` damages: two of real cameras, seven written here. */

import { readFileSync } from 'node:fs';

import { cfaDng, linearDng } from '../../main/raw/dng.ts';
import { arw, encodeCraw } from '../raw/arw.ts';
import type { Source } from '../raw/damage.ts';
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
      bytes: bytesOf(linearDng(linear, mosaic.shot)),
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
  ];
}
