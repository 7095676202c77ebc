/** darktable and RawTherapee, where they are installed: what they make of a RAW file untouched. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import sharp from 'sharp';

import { srgbLight } from '../../main/develop/tone.ts';
import { readSixteenBits } from './samples.ts';

const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version']).error === undefined;

export interface Editor {
  readonly name: string;
  readonly isInstalled: boolean;
  /** Opens a RAW file with nothing but white balance and colour, into a 16-bit sRGB TIFF. */
  open(file: string, target: string, folder: string): void;
}

/** No automatic steps, and white balance from the file alone. */
const darktable: Editor = {
  name: 'darktable',
  isInstalled: isInstalled('darktable-cli'),
  open(file, target, folder) {
    const settings = [
      'plugins/darkroom/workflow=none',
      'plugins/darkroom/chromatic-adaptation=legacy',
      'plugins/imageio/format/tiff/bpp=16',
    ].flatMap((setting) => ['--conf', setting]);
    const own = ['--core', '--configdir', path.join(folder, 'darktable'), '--disable-opencl'];
    const options = ['--icc-type', 'SRGB', '--apply-custom-presets', 'false'];
    run('darktable-cli', [file, target, ...options, ...own, ...settings], folder);
  },
};

const neutral = `[Version]
AppVersion=5.9
Version=349
[Color Management]
InputProfile=(cameraICC)
ToneCurve=false
ApplyLookTable=false
ApplyHueSatMap=false
WorkingProfile=ProPhoto
OutputProfile=RTv4_sRGB
`;

const rawTherapee: Editor = {
  name: 'RawTherapee',
  isInstalled: isInstalled('rawtherapee-cli'),
  open(file, target, folder) {
    const profile = path.join(folder, 'neutral.pp3');
    writeFileSync(profile, neutral);
    run('rawtherapee-cli', ['-o', target, '-t', '-b16', '-p', profile, '-Y', '-c', file], folder);
  },
};

export const editors: readonly Editor[] = [darktable, rawTherapee];

/** Their settings and caches stay in the test's folder. */
function run(program: string, options: readonly string[], folder: string): void {
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder };
  execFileSync(program, options, { env, stdio: 'pipe', timeout: 120_000 });
}

/** A finished picture in linear light, 0–1. */
export interface LightPicture {
  readonly width: number;
  readonly height: number;
  /** width × height × 3 */
  readonly samples: Float64Array;
}

/** An sRGB picture of 16 bits. */
export async function readLight(file: string): Promise<LightPicture> {
  const bytes = readFileSync(file);
  const { width, height } = await sharp(bytes).metadata();
  const samples = Float64Array.from(await readSixteenBits(bytes), (code) =>
    srgbLight(code / 65_535),
  );
  return { width, height, samples };
}

/** Means of R, G and B in a square. */
export function meanOf(
  { width, samples }: LightPicture,
  left: number,
  top: number,
  side: number,
): readonly number[] {
  const sums = [0, 0, 0];
  for (let y = top; y < top + side; y++) {
    for (let i = (y * width + left) * 3; i < (y * width + left + side) * 3; i++) {
      sums[i % 3]! += samples[i]!;
    }
  }
  return sums.map((sum) => sum / (side * side));
}
