/** `nightglass simulate`: makes a dark, noisy RAW file from a clean photo. */

import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { ranges } from '../../preload/contract/edits.ts';
import { gainsOf } from '../develop/white-balance.ts';
import { openOutputFolder, writeAtomically } from '../base/atomic.ts';
import { cfaDng } from '../raw/dng.ts';
import { linearDng } from '../raw/linear-dng.ts';
import { Refusal } from '../base/refusal.ts';
import { simulateBurst } from '../darkness/burst.ts';
import { simulatedCameras, simulatedCamera } from '../darkness/cameras.ts';
import { readCameraProfile } from '../darkness/camera-file.ts';
import { measuredCamera } from '../darkness/measured-camera.ts';
import { loadLinearPhoto } from '../training/photos/photos.ts';
import type { LinearPhoto } from '../darkness/linear-photo.ts';
import { Random } from '../darkness/random.ts';
import {
  longExposureSeconds,
  simulateMosaic,
  type NightOptions,
  type SimulationOptions,
} from '../darkness/simulate.ts';
import { numberBetween, numberWithin } from './arguments.ts';
import { interruptSignal } from './interrupt.ts';

const optionsSchema = z.object({
  ratio: z.number(),
  camera: z.string(),
  iso: z.number(),
  seed: z.number(),
  out: z.string(),
  truth: z.string().optional(),
  kelvin: z.number().optional(),
  noiseProfile: z.boolean().default(false),
  hotPixels: z.number().optional(),
  stars: z.number().optional(),
  starFwhm: z.number().optional(),
  lamps: z.number().optional(),
  banding: z.number().optional(),
  columnBanding: z.number().optional(),
  clipBlack: z.boolean().default(false),
  blackOffset: z.number().optional(),
  ampGlow: z.number().optional(),
  burst: z.number().optional(),
  turn: z.number(),
  shift: z.number(),
  shake: z.number(),
  flicker: z.number(),
  walker: z.boolean().default(false),
  json: z.boolean().default(false),
});

type Options = z.infer<typeof optionsSchema>;

const cameraList = simulatedCameras
  .map(({ id, isoRange: [least, most] }) => `  ${id.padEnd(16)} ISO ${least} to ${most}`)
  .join('\n');

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('makes a dark, noisy RAW file (DNG) from a clean photo')
    .argument('<clean>', 'JPEG, PNG, TIFF, WebP, HDR, EXR or RAW photo')
    .requiredOption(
      '--ratio <number>',
      'how many times darker than the photo',
      numberBetween(1, 1000),
    )
    .requiredOption(
      '--camera <id>',
      'whose noise, colours and sensor layout: an id, or the profile of a measured camera (.json)',
    )
    .requiredOption('--iso <number>', 'sensitivity', numberBetween(1, 10_000_000))
    .requiredOption('--out <file>', 'the dark RAW file, .dng; replaced if it is there')
    .option(
      '--seed <number>',
      'same seed, same noise, bit for bit',
      numberBetween(0, 2 ** 32 - 1, { whole: true }),
      1,
    )
    .option('--truth <file>', 'also write the scene without noise as LinearRaw DNG')
    .option(
      '--kelvin <number>',
      "colour temperature of the scene's light (default: daylight)",
      numberWithin(ranges.kelvin),
    )
    .option('--noise-profile', 'write the noise into the file (NoiseProfile tag)')
    .option(
      '--hot-pixels <share>',
      'share of the pixels that are hot, such as 0.0005; a quarter as many are dead',
      numberBetween(0, 0.1),
    )
    .option('--stars <number>', 'stars in a million pixels, SNR 3 to 300', numberBetween(0, 1e5))
    .option(
      '--star-fwhm <pixels>',
      'width of the stars at half of their height (default: 1.6)',
      numberBetween(0.5, 20),
    )
    .option(
      '--lamps <number>',
      'coloured lamps, 1 to 30 times white',
      numberBetween(0, 1000, { whole: true }),
    )
    .option('--banding <dn>', 'offsets of rows, standard deviation', numberBetween(0, 1000))
    .option('--column-banding <dn>', 'the same of columns', numberBetween(0, 1000))
    .option('--clip-black', 'nothing below black, as from cameras that subtract it themselves')
    .option(
      '--black-offset <dn>',
      'true black lies this far above the stated one',
      numberBetween(-1000, 1000),
    )
    .option('--amp-glow <dn>', 'glow in the lower right corner', numberBetween(0, 100_000))
    .option(
      '--burst <n>',
      'a handheld burst of so many frames: OUT-1.dng, OUT-2.dng and so on, the first held still',
      numberBetween(2, 64, { whole: true }),
    )
    .option('--turn <degrees>', 'burst: frames are turned by up to this', numberBetween(0, 5), 0.5)
    .option('--shift <pixels>', 'burst: and shifted by up to this', numberBetween(0, 400), 20)
    .option('--shake <pixels>', 'burst: and blurred by up to this', numberBetween(0, 100), 0)
    .option('--flicker <share>', 'burst: light differs by up to this', numberBetween(0, 0.9), 0)
    .option('--walker', 'burst: somebody walks through the scene')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `\nThe file's exposure time is ${longExposureSeconds} s ÷ ratio. Cameras:\n${cameraList}\n`,
    )
    .action(async (clean: string, given: unknown) => {
      await simulate(clean, optionsSchema.parse(given));
    });
}

async function simulate(clean: string, options: Options): Promise<void> {
  const signal = interruptSignal();
  const camera = options.camera.endsWith('.json')
    ? measuredCamera(await readCameraProfile(options.camera))
    : simulatedCamera(options.camera);
  const outs = outsOf(options);
  const targets = options.truth === undefined ? outs : [...outs, options.truth];
  await checkTargets(clean, targets);

  const photo = await loadLinearPhoto(clean);
  const { mosaics, truth, darkness, night, poses } = taken(photo, options, {
    camera,
    iso: options.iso,
    ratio: options.ratio,
    withNoiseProfile: options.noiseProfile,
    night: nightOf(options),
    ...(options.kelvin === undefined
      ? {}
      : {
          whiteBalance: gainsOf(
            { kelvin: options.kelvin, tint: 0 },
            { asShotGains: [1, 1, 1], xyzToCamera: camera.xyzToCamera },
          ),
        }),
  });
  const write = async (file: string, pieces: ReturnType<typeof cfaDng>): Promise<void> => {
    await writeAtomically(file, pieces.chunks(), { overwrite: true, signal });
  };
  const [mosaic] = mosaics;
  if (mosaic === undefined) throw new Error('expected a frame');
  if (options.truth !== undefined) {
    const shot = { ...mosaic.shot, exposureSeconds: longExposureSeconds };
    await write(options.truth, await linearDng(truth, shot));
  }
  for (const [index, out] of outs.entries()) await write(out, cfaDng(mosaics[index]!));

  const { width, height } = mosaic;
  if (options.json) {
    const result = {
      event: 'result',
      clean,
      path: outs[0],
      ...(poses === undefined ? {} : { paths: outs, poses }),
      ...(options.truth === undefined ? {} : { truth: options.truth }),
      width,
      height,
      camera: camera.id,
      iso: options.iso,
      ratio: options.ratio,
      seed: options.seed,
      cfa: mosaic.cfa,
      gains: mosaic.colour.asShotGains,
      darkness,
      ...(night === undefined
        ? {}
        : {
            night: {
              stars: night.stars.length,
              lamps: night.lamps.length,
              hotPixels: night.hotPixels.length,
            },
          }),
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  process.stdout.write(
    `${outs.join(', ')}: ${width} × ${height}, simulated darkness ×${options.ratio}, ` +
      `${camera.make} ${camera.model} at ISO ${options.iso}\n`,
  );
}

function nightOf(options: Options): NightOptions {
  const { hotPixels, stars, starFwhm, lamps, banding, columnBanding, blackOffset } = options;
  return {
    ...(hotPixels === undefined ? {} : { hotPixels }),
    ...(stars === undefined ? {} : { stars }),
    ...(starFwhm === undefined ? {} : { starFwhm }),
    ...(lamps === undefined ? {} : { lamps }),
    ...(banding === undefined ? {} : { bandingDn: banding }),
    ...(columnBanding === undefined ? {} : { columnBandingDn: columnBanding }),
    ...(blackOffset === undefined ? {} : { blackOffsetDn: blackOffset }),
    ...(options.ampGlow === undefined ? {} : { ampGlowDn: options.ampGlow }),
    clipsBlack: options.clipBlack,
  };
}

/** The output files: `OUT-1.dng` and so on for a burst. */
function outsOf({ out, burst }: Options): readonly string[] {
  if (burst === undefined) return [out];
  const { dir, name, ext } = path.parse(out);
  return Array.from({ length: burst }, (_, index) => path.join(dir, `${name}-${index + 1}${ext}`));
}

/** Simulates one frame, or a burst with its poses. */
function taken(
  photo: LinearPhoto,
  { burst, seed, turn, shift, shake, flicker, walker }: Options,
  options: Omit<SimulationOptions, 'random'>,
) {
  if (burst === undefined) {
    const { mosaic, ...rest } = simulateMosaic(photo, { ...options, random: new Random(seed) });
    return { ...rest, mosaics: [mosaic], poses: undefined };
  }
  const { night, ...plain } = options;
  const { clipsBlack, ...asked } = night ?? {};
  if (clipsBlack === true || Object.keys(asked).length > 0) {
    throw new Refusal(
      'bad-argument',
      'expected --burst without --stars, --lamps, --hot-pixels and their like: each frame would have ' +
        'others; simulate the frames one by one instead',
    );
  }
  const { frames, truth, darkness } = simulateBurst(photo, {
    ...plain,
    frames: burst,
    seed,
    turnMax: turn,
    shiftMax: shift,
    shakeMax: shake,
    flicker,
    hasWalker: walker,
  });
  return {
    mosaics: frames.map(({ mosaic }) => mosaic),
    truth,
    darkness,
    night: undefined,
    poses: frames.map(({ pose, walker: place }) => ({
      ...pose,
      ...(place === undefined ? {} : { walker: place }),
    })),
  };
}

/**
 * Checks before any work that the targets are DNGs in writable folders, and not the photo itself.
 */
async function checkTargets(clean: string, targets: readonly string[]): Promise<void> {
  const taken = new Set([await identity(clean)]);
  for (const target of targets) {
    if (path.extname(target).toLowerCase() !== '.dng') {
      throw new Refusal(
        'bad-argument',
        `expected a name that ends in .dng to write to but received ${target}`,
      );
    }
    const id = await identity(target);
    if (taken.has(id)) {
      throw new Refusal(
        'bad-argument',
        `expected photo, --out and --truth to be different files but received ${target} twice`,
      );
    }
    taken.add(id);
    await openOutputFolder(path.dirname(target));
  }
}

/** Identifies a file, through whatever links it is named. */
async function identity(file: string): Promise<string> {
  return realpath(file).catch(() => path.resolve(file));
}
