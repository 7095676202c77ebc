/** Dark and flat frames of a sensor whose noise is known exactly, as RAW files. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { cfaDng } from '../../main/raw/dng.ts';
import type { Mosaic, PerSite } from '../../main/raw/mosaic.ts';
import { darken, type DarknessParameters } from '../../main/darkness/darkness.ts';
import { Random } from '../../main/darkness/random.ts';
import { tukeyStandardDeviation } from '../../main/darkness/tukey.ts';
import { bytesOf, nightMosaic } from '../raw/written.ts';

/** What is known of a made frame; what is left out is a quiet 14-bit sensor's. */
export interface MadeFrame {
  readonly iso: number;
  readonly exposureSeconds: number;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly blackLevel: PerSite;
  readonly statedBlackLevel: PerSite;
  readonly readSigmaDn: number;
  readonly tukeyLambda: number;
  readonly rowSigmaDn: number;
  readonly gainDnPerElectron: number;
  /** Light above black, DN; falls off to the corners by a third. */
  readonly lightDn: number;
  /** Changes the finished samples. */
  readonly spoil: (samples: Uint16Array, width: number) => void;
  readonly model: string;
  readonly cfa: Mosaic['cfa'];
}

export const quiet: MadeFrame = {
  iso: 1600,
  exposureSeconds: 1 / 32,
  seed: 1,
  width: 384,
  height: 256,
  blackLevel: [512, 512, 512, 512],
  statedBlackLevel: [512, 512, 512, 512],
  readSigmaDn: 4,
  tukeyLambda: 0,
  rowSigmaDn: 0.4,
  gainDnPerElectron: 1.5,
  lightDn: 0,
  spoil: () => undefined,
  model: 'Owl 1',
  cfa: 'RGGB',
};

export function madeMosaic(changes: Partial<MadeFrame>): Mosaic {
  const frame = { ...quiet, ...changes };
  const { width, height, lightDn } = frame;
  const clean = new Float32Array(width * height);
  for (let at = 0; lightDn > 0 && at < clean.length; at++) {
    const x = (at % width) / width - 0.5;
    const y = Math.floor(at / width) / height - 0.5;
    clean[at] = lightDn * (1 - (x * x + y * y) * (2 / 3));
  }
  const parameters: DarknessParameters = {
    gainDnPerElectron: frame.gainDnPerElectron,
    tukeyLambda: frame.tukeyLambda,
    tukeyScaleDn: frame.readSigmaDn / tukeyStandardDeviation(frame.tukeyLambda),
    gaussianSigmaDn: 0,
    rowSigmaDn: frame.rowSigmaDn,
    biasDn: [0, 0, 0, 0],
    blackErrorDn: 0,
    blackLevel: frame.blackLevel,
    whiteLevel: 16_383,
  };
  const samples = new Uint16Array(width * height);
  darken(clean, width, height, parameters, new Random(frame.seed, frame.iso), samples);
  frame.spoil(samples, width);
  const { noiseProfile, ...mosaic } = nightMosaic({ width, height, samples });
  if (noiseProfile === undefined) throw new Error('the made mosaic states its noise');
  return {
    ...mosaic,
    cfa: frame.cfa,
    blackLevel: frame.statedBlackLevel,
    whiteLevel: 16_383,
    shot: {
      make: 'NIGHT',
      model: frame.model,
      iso: frame.iso,
      exposureSeconds: frame.exposureSeconds,
      aperture: 8,
    },
  };
}

/** Writes frames that differ in their seeds alone. @returns their paths */
export function writeFrames(
  folder: string,
  name: string,
  count: number,
  changes: Partial<MadeFrame>,
): string[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = (changes.seed ?? 1) * 1000 + index;
    const file = path.join(folder, `${name}-${index}.dng`);
    writeFileSync(file, bytesOf(cfaDng(madeMosaic({ ...changes, seed }))));
    return file;
  });
}
