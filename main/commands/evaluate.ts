/** `nightglass evaluate`: measures how well a network restores dark photos, simulated or real. */

import { Command } from 'commander';
import { z } from 'zod';
import { isLinear } from '../develop/dialect.ts';
import { defaultModelId, readModel } from '../network/manifest.ts';
import { openNetwork } from '../network/session.ts';
import { describeError, Refusal, throwIfCancelled } from '../base/refusal.ts';
import { readCameraProfile } from '../darkness/camera-file.ts';
import { simulatedCamera } from '../darkness/cameras.ts';
import { evaluationPhotos } from '../training/photos/dataset.ts';
import {
  defaultLevels,
  evaluatePhoto,
  levelName,
  levelsOf,
  meanScores,
  parseLevels,
  type Evaluation,
  type Level,
} from '../scoring/evaluate.ts';
import { measuredCamera } from '../darkness/measured-camera.ts';
import type { Scores } from '../training/validation/metrics.ts';
import { loadLinearPhoto } from '../training/photos/photos.ts';
import { looksLikePairs } from '../training/pairs/find/find.ts';
import { numberBetween } from './arguments.ts';
import { evaluateNights } from './evaluate-night.ts';
import { evaluatePairs } from './evaluate-pairs.ts';
import { interruptSignal } from './interrupt.ts';
import { exitStatus } from './outcome.ts';
import { Eta, formatDuration, ProgressLine } from './progress-line.ts';

const optionsSchema = z.object({
  model: z.string(),
  camera: z.string().optional(),
  levels: z.string().optional(),
  crop: z.number().optional(),
  night: z.boolean().default(false),
  pairs: z.boolean().default(false),
  onlyCamera: z.string().optional(),
  threads: z.number().optional(),
  all: z.boolean().default(false),
  markdown: z.boolean().default(false),
  json: z.boolean().default(false),
});

type Options = z.infer<typeof optionsSchema>;

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description(
      'scores a model on clean photos that are darkened by simulation, or on pairs of exposures',
    )
    .argument(
      '[photos...]',
      'clean photos, or folders of them; or pairs, as nightglass train takes them',
    )
    .option('--night', 'score stars, hot pixels, lamps and banding, in made scenes of its own')
    .option('--pairs', 'take the folders for pairs although they do not look like it')
    .option('--only-camera <name>', 'the pairs of this camera alone (default: any)')
    .option('--model <id|file>', 'model to score', defaultModelId)
    .option(
      '--levels <list>',
      `camera:iso:ratio, separated by commas (default: ${defaultLevels.map(levelName).join(',')})`,
    )
    .option(
      '--camera <profile>',
      "score in one camera's darkness, as nightglass calibrate measured it (.json); --levels call it mine",
    )
    .option(
      '--crop <pixels>',
      'longest side of what is cut out of the middle of a photo (default: 512; of pairs the whole)',
      numberBetween(64, 8192, { whole: true }),
    )
    .option('--threads <number>', 'processor threads', numberBetween(1, 256, { whole: true }))
    .option('--all', 'all photos or pairs of a folder, also those that training may have seen')
    .option('--markdown', 'print the table as Markdown')
    .option('--json', 'print one JSON object a line')
    .addHelpText(
      'after',
      '\nOf a folder that holds photos which training leaves out, only these are used (see --all).\n',
    )
    .action(async (photos: string[], given: unknown) => {
      await evaluate(photos, optionsSchema.parse(given));
    });
}

/** One level's scores for each photo, and their means. */
interface LevelResult {
  readonly level: Level;
  readonly scores: Evaluation[];
}

async function evaluate(paths: readonly string[], options: Options): Promise<void> {
  const signal = interruptSignal();
  if (options.night) {
    if (paths.length > 0) {
      throw new Refusal(
        'bad-argument',
        'expected no photos with --night, which makes scenes of its own',
      );
    }
    await evaluateNights(await readModel(options.model), { ...options, signal });
    return;
  }
  if (paths.length === 0) {
    throw new Refusal('bad-argument', 'expected photos or pairs to score a model on, or --night');
  }
  if (options.pairs || (await looksLikePairs(paths))) {
    if (options.camera !== undefined) {
      throw new Refusal(
        'bad-argument',
        "expected clean photos for --camera but received pairs, which have their own camera's noise",
      );
    }
    await evaluatePairs(paths, await readModel(options.model), { ...options, signal });
    return;
  }
  const { crop = 512 } = options;
  const levels = await levelsFor(options);
  const { files, isHeldOutOnly } = await evaluationPhotos(paths, options);
  const model = await readModel(options.model);
  const line = new ProgressLine({ ...(options.json ? { isEnabled: false } : {}) });
  const emit = (event: Record<string, unknown>): void => {
    if (options.json) process.stdout.write(`${JSON.stringify({ ...event, simulated: true })}\n`);
  };
  const run = { model: model.manifest.id, photos: files.length, heldOutOnly: isHeldOutOnly };
  emit({ event: 'start', ...run, crop, levels: levels.map(levelName) });

  const results = levels.map((level): LevelResult => ({ level, scores: [] }));
  const eta = new Eta();
  const total = files.length * levels.length;
  let done = 0;
  let failed = 0;
  const network = await openNetwork(model, {
    device: 'cpu',
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  try {
    for (const [index, file] of files.entries()) {
      try {
        const photo = await loadLinearPhoto(file);
        for (const { level, scores } of results) {
          // The network blocks its thread, so give Ctrl-C a chance.
          await new Promise((resolve) => setImmediate(resolve));
          throwIfCancelled(signal);
          const leftMs = eta.remainingMs(done, total);
          const left = leftMs === undefined ? '' : `, ${formatDuration(leftMs)} left`;
          line.update(`${done}/${total}${left}: ${photo.name} as ${levelName(level)}`);
          const evaluation = await evaluatePhoto({
            photo,
            level,
            network,
            crop,
            signal,
          });
          scores.push(evaluation);
          done += 1;
          emit({ event: 'photo', photo: photo.name, level: levelName(level), ...evaluation });
        }
      } catch (error) {
        if (!(error instanceof Refusal) || !isPhotosFault(error)) throw error;
        failed += 1;
        done = (index + 1) * levels.length;
        line.log(`left out: ${describeError(error)}`);
        emit({ event: 'failed', photo: file, message: describeError(error) });
      }
    }
  } finally {
    line.done();
    await network.release();
  }
  if (failed === files.length) {
    throw new Refusal('dataset', `expected a readable photo in ${paths.join(', ')} but none was`);
  }
  if (failed > 0) exitStatus.current = 1;

  for (const result of results) emit({ event: 'level', ...meansOf(result) });
  if (options.json) {
    emit({ event: 'result', ...run, failed, levels: results.map(meansOf) });
    return;
  }
  const about = [
    `Simulated darkness: no frame here was taken in the dark. Model ${model.manifest.id}, means over`,
    `${files.length - failed} photos${isHeldOutOnly ? ' that training leaves out' : ''},`,
    `the middle ${crop} pixels of each; beside it LibRaw's own picture (AHD, brightened by`,
    'the ratio). rgbP: dB after one fixed rendering; raw: dB in linear camera RGB, not aligned;',
    'ΔE: CIEDE2000 of 32-pixel blocks.',
    ...(isLinear(network.terms) ? [] : [finishedNote]),
  ].join(' ');
  const provenance = `${isHeldOutOnly || options.all ? '' : 'Whether training saw these photos is not known here. '}${options.camera === undefined ? note : ownNote}`;
  const table = options.markdown ? markdownTable(results) : textTable(results);
  process.stdout.write(`${table}\n\n${about}\n${provenance}\n`);
}

async function levelsFor({ camera, levels }: Options): Promise<readonly Level[]> {
  const measured =
    camera === undefined ? undefined : measuredCamera(await readCameraProfile(camera));
  if (levels !== undefined) return parseLevels(levels, measured);
  return measured === undefined ? defaultLevels : levelsOf(measured);
}

/** What readers of a score must know about the origin of training's noise and colours. */
const note =
  "Training draws its noise from wide ranges, chosen to contain cameras like these, and from no camera's " +
  'calibration; the colour matrices of the cameras above are among those that it blends.';

/** The same for models trained on finished pictures. */
const finishedNote =
  'The model paints finished pictures: they are held against that rendering as they are, and have no raw ' +
  'score. If it learned from pictures with other tones, much of the difference may be tones.';

const ownNote =
  'The darkness is that of a measured camera, without hot pixels and shading; a model that was trained in ' +
  'this very noise is at home in it.';

/** Whether the photo itself or its size is at fault; any other error ends the evaluation. */
function isPhotosFault({ code }: Refusal): boolean {
  return (
    code === 'damaged-file' || code === 'unsupported-file' || code === 'dataset' || code === 'disk'
  );
}

function meansOf({ level, scores }: LevelResult) {
  return {
    level: levelName(level),
    camera: level.camera,
    iso: level.iso,
    ratio: level.ratio,
    network: meanScores(scores.map(({ network }) => network)),
    libraw: meanScores(scores.map(({ libraw }) => libraw)),
  };
}

/** The figures in a row: each measure of the network, then of LibRaw. */
const columns = [
  { title: 'rgbP', of: ({ rgbP }: Scores) => rgbP.toFixed(1) },
  { title: 'raw', of: ({ raw }: Scores) => raw?.toFixed(1) ?? '–' },
  { title: 'SSIM', of: ({ ssim }: Scores) => ssim.toFixed(3) },
  { title: 'ΔE', of: ({ blockDeltaE }: Scores) => blockDeltaE.toFixed(1) },
] as const;

function levelTitle({ camera, measured, iso, ratio }: Level): string {
  const { id, model, cfa } = measured ?? simulatedCamera(camera);
  // If the simulated camera's layout differs from the real one's, it is part of its name.
  const layout = id.endsWith(`-${cfa.toLowerCase()}`) ? ` as ${cfa}` : '';
  return `${model}${layout} ISO ${iso} ×${ratio}`;
}

function textTable(results: readonly LevelResult[]): string {
  const rows = results.map((result) => {
    const { network, libraw } = meansOf(result);
    const pairs = columns.map(({ of }) => `${of(network).padStart(7)} ${of(libraw).padStart(7)}`);
    return [levelTitle(result.level).padEnd(34), ...pairs].join('  ');
  });
  const titles = columns.map(({ title }) => `${title.padStart(7)}  LibRaw`);
  return [['simulated darkness'.padEnd(34), ...titles].join('  '), ...rows].join('\n');
}

function markdownTable(results: readonly LevelResult[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const titles = columns.map(({ title }) => `${title} (LibRaw)`);
  return [
    row(['simulated darkness', ...titles]),
    row(['---', ...titles.map(() => '---:')]),
    ...results.map((result) => {
      const { network, libraw } = meansOf(result);
      return row([
        levelTitle(result.level),
        ...columns.map(({ of }) => `**${of(network)}** (${of(libraw)})`),
      ]);
    }),
  ].join('\n');
}
