/** `nightglass calibrate`: measures a camera's noise from dark and flat frames. */

import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { camerasFolder } from '../base/app-folder.ts';
import { openOutputFolder } from '../base/atomic.ts';
import { Refusal } from '../base/refusal.ts';
import { Cameras } from '../runs/cameras.ts';
import { calibrate } from '../calibration/calibrate.ts';
import { writeCameraProfile } from '../darkness/camera-file.ts';
import { describeProfile } from './calibration-report.ts';
import { interruptSignal } from './interrupt.ts';
import { findRawPhotos } from '../library/raw-photos.ts';
import { ProgressLine } from './progress-line.ts';

const optionsSchema = z.object({
  dark: z.array(z.string()).min(1),
  flat: z.array(z.string()).default([]),
  out: z.string(),
  keep: z.boolean().default(false),
  name: z.string().trim().min(1).max(100).optional(),
  json: z.boolean().default(false),
});

export function calibrateCommand(): Command {
  return new Command('calibrate')
    .description("measures your camera's noise from dark frames (lens cap on) and flat ones")
    .requiredOption('--dark <folder...>', 'RAW frames taken with the lens cap on')
    .option('--flat <folder...>', 'pairs of RAW frames of an evenly lit surface, for the gain')
    .requiredOption('--out <file>', 'the camera profile, .json; replaced if it is there')
    .option('--name <text>', 'what to call the camera (default: its make and model)')
    .option('--keep', "also use it from now on to develop this camera's photos")
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', '\ndocs/calibration.md says how to take the frames.\n')
    .action(async (given: unknown) => {
      const options = optionsSchema.safeParse(given);
      if (options.success) await runCalibration(options.data);
      else throw new Refusal('bad-argument', 'expected 1 to 100 characters for --name');
    });
}

async function runCalibration(options: z.infer<typeof optionsSchema>): Promise<void> {
  const signal = interruptSignal();
  const { out, name, json } = options;
  if (path.extname(out).toLowerCase() !== '.json') {
    throw new Refusal(
      'bad-argument',
      `expected a name that ends in .json for --out but received ${out}`,
    );
  }
  const dark = await findRawPhotos(options.dark);
  const flat = options.flat.length === 0 ? [] : await findRawPhotos(options.flat);
  const both = flat.find((file) => dark.includes(file));
  if (both !== undefined) {
    throw new Refusal(
      'bad-argument',
      `expected dark and flat frames to be different files but received ${both} as both`,
    );
  }
  await openOutputFolder(path.dirname(out));
  const line = new ProgressLine({ ...(json ? { isEnabled: false } : {}) });
  try {
    const profile = await calibrate(
      { dark, flat, name },
      {
        signal,
        onProgress: ({ stage, done, total, file }) => {
          line.update(`measuring ${stage} frames: ${done + 1}/${total} (${file})`);
          if (json) print({ event: 'progress', stage, done, total, file });
        },
      },
    );
    await writeCameraProfile(out, profile, signal);
    if (options.keep) await new Cameras(camerasFolder()).add(profile);
    line.done();
    if (json) print({ event: 'result', path: out, isKept: options.keep, profile });
    else {
      const use = options.keep ? ' Photos of this camera are developed with it from now on.' : '';
      process.stdout.write(`${describeProfile(profile)}\n\nWrote ${out}.${use}\n`);
    }
  } finally {
    line.done();
  }
}

function print(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
