/** `nightglass evaluate` on pairs: scores for each exposure ratio, arranged as in the papers. */

import type { Model } from '../network/manifest.ts';
import { openNetwork } from '../network/session.ts';
import { describeError, Refusal, throwIfCancelled } from '../base/refusal.ts';
import { evaluatePair, type PairEvaluation, type PairScores } from '../scoring/evaluate-pairs.ts';
import { loadExposure, loadTarget } from '../training/pairs/load.ts';
import type { UsablePair } from '../training/pairs/pairs.ts';
import { scenesSeen, seenByModel } from '../training/pairs/seen.ts';
import { exitStatus } from './outcome.ts';
import { Eta, formatDuration, ProgressLine } from './progress-line.ts';
import { choosePairs } from './train/pairs.ts';

export interface EvaluatePairsOptions {
  readonly all: boolean;
  readonly crop?: number | undefined;
  readonly json: boolean;
  readonly markdown: boolean;
  readonly onlyCamera?: string | undefined;
  readonly threads?: number | undefined;
  readonly signal: AbortSignal;
}

/** Larger than any sensor's side. */
const whole = 1e6;

interface Group {
  readonly ratio: number | 'all';
  readonly scores: readonly PairEvaluation[];
}

/** Checks the pairs, scores a model on its test pairs, and prints the table. */
export async function evaluatePairs(
  paths: readonly string[],
  model: Model,
  options: EvaluatePairsOptions,
): Promise<void> {
  const { all, json, signal, crop = whole, threads } = options;
  const line = new ProgressLine({ ...(json ? { isEnabled: false } : {}) });
  const emit = (event: Record<string, unknown>): void => {
    if (json) process.stdout.write(`${JSON.stringify(event)}\n`);
  };
  const { id } = model.manifest;
  const marks = seenByModel(model.manifest);
  let pairs: readonly UsablePair[];
  let kept: readonly UsablePair[];
  try {
    const camera = options.onlyCamera ?? 'any';
    const { splits } = await choosePairs(paths, { camera, isJson: json, line, signal });
    const every = [...splits.train, ...splits.validation, ...splits.test];
    kept = all ? every : splits.test;
    // The dataset may have grown since the model was trained, so that its scenes are divided
    // differently.
    const seen = all ? new Set<string>() : scenesSeen(every, marks ?? []);
    pairs = kept.filter(({ scene }) => !seen.has(scene));
    for (const { id: pair, scene } of kept.filter((one) => seen.has(one.scene))) {
      line.log(`left out: ${pair}: ${id} has seen its scene in training`);
      emit({ event: 'seen', pair, scene });
    }
  } finally {
    line.done();
  }
  if (pairs.length === 0) {
    const trouble =
      kept.length > 0
        ? `${id} has seen all ${kept.length} pairs of them in training: add new scenes, or`
        : 'there are too few to give any away:';
    throw new Refusal(
      'dataset',
      `expected scenes that are kept for the score in ${paths.join(', ')} but ${trouble} --all scores every pair`,
    );
  }
  const about = {
    model: id,
    pairs: pairs.length,
    testOnly: !all,
    seenIsKnown: marks !== undefined,
  };
  emit({ event: 'start', ...about });
  const results: { readonly ratio: number; readonly scores: PairEvaluation }[] = [];
  const eta = new Eta();
  let failed = 0;
  const network = await openNetwork(model, {
    device: 'cpu',
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    for (const [index, pair] of pairs.entries()) {
      throwIfCancelled(signal);
      const leftMs = eta.remainingMs(index, pairs.length);
      const left = leftMs === undefined ? '' : `, ${formatDuration(leftMs)} left`;
      line.update(`${index}/${pairs.length}${left}: ${pair.id}`);
      try {
        const short = await loadExposure(pair.short, signal);
        const target = await loadTarget(pair, short, signal);
        const scores = await evaluatePair({
          pair: { short, target, ratio: pair.ratio },
          network,
          crop,
          signal,
        });
        const ratio = groupOf(pair.statedRatio ?? pair.ratio);
        results.push({ ratio, scores });
        emit({ event: 'scored', pair: pair.id, scene: pair.scene, ratio: pair.ratio, ...scores });
      } catch (error) {
        if (!(error instanceof Refusal) || error.code === 'cancelled') throw error;
        failed += 1;
        line.log(`left out: ${pair.id}: ${describeError(error)}`);
        emit({ event: 'failed', pair: pair.id, message: describeError(error) });
      }
    }
  } finally {
    line.done();
    await network.release();
  }
  if (results.length === 0) throw new Refusal('dataset', 'expected a readable pair but none was');
  if (failed > 0) exitStatus.current = 1;
  const groups: Group[] = [...Map.groupBy(results, ({ ratio }) => ratio)]
    .sort(([a], [b]) => a - b)
    .map(([ratio, list]) => ({ ratio, scores: list.map(({ scores }) => scores) }));
  if (groups.length > 1) groups.push({ ratio: 'all', scores: results.map(({ scores }) => scores) });
  const rows = groups.map(meansOf);
  if (json) {
    emit({ event: 'result', ...about, failed, ratios: rows });
    return;
  }
  const doubt =
    marks === undefined ? ' (its manifest does not say whether it was trained on some)' : '';
  const note = [
    `Model ${id}, ${results.length === 1 ? 'one pair' : `means over ${results.length} pairs`}${all ? ', training scenes among them' : ` of scenes kept for the score${doubt}`};`,
    'in brackets the short exposure amplified and demosaiced. sRGB: PSNR and SSIM (luma) of pictures,',
    "as SID publishes them. raw: PSNR at the sensor's own samples before white balance, plain and",
    'aligned in brightness, as raw denoisers publish them. The two kinds must never be compared.',
  ].join(' ');
  const table = options.markdown ? markdownTable(rows) : textTable(rows);
  process.stdout.write(`${table}\n\n${note}\n`);
}

/**
 * The paper's ratios (10 s ÷ 1/30 s counts as one of them); other ratios are rounded to a whole
 * number.
 */
function groupOf(ratio: number): number {
  const named = [100, 250, 300].find((each) => Math.abs(ratio / each - 1) < 0.04);
  return named ?? Math.round(ratio);
}

interface Row {
  readonly ratio: number | 'all';
  readonly pairs: number;
  readonly network: PairScores;
  readonly amplified: PairScores;
}

function meansOf({ ratio, scores }: Group): Row {
  return {
    ratio,
    pairs: scores.length,
    network: meanOf(scores.map(({ network }) => network)),
    amplified: meanOf(scores.map(({ amplified }) => amplified)),
  };
}

function meanOf(list: readonly PairScores[]): PairScores {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const raw = list.flatMap((scores) => scores.raw ?? []);
  return {
    ...(raw.length === list.length
      ? {
          raw: {
            plain: mean(raw.map(({ plain }) => plain)),
            aligned: mean(raw.map(({ aligned }) => aligned)),
          },
        }
      : {}),
    srgb: {
      psnr: mean(list.map(({ srgb }) => srgb.psnr)),
      ssim: mean(list.map(({ srgb }) => srgb.ssim)),
    },
  };
}

const columns = [
  { title: 'sRGB PSNR', of: ({ srgb }: PairScores) => srgb.psnr.toFixed(2) },
  { title: 'sRGB SSIM', of: ({ srgb }: PairScores) => srgb.ssim.toFixed(3) },
  { title: 'raw PSNR', of: ({ raw }: PairScores) => raw?.plain.toFixed(2) ?? '–' },
  { title: 'raw aligned', of: ({ raw }: PairScores) => raw?.aligned.toFixed(2) ?? '–' },
] as const;

function titleOf({ ratio }: Row): string {
  return ratio === 'all' ? 'all' : `×${ratio}`;
}

function textTable(rows: readonly Row[]): string {
  const cell = (text: string): string => text.padStart(17);
  const lines = rows.map((row) => {
    const cells = columns.map(({ of }) => cell(`${of(row.network)} (${of(row.amplified)})`));
    return [titleOf(row).padEnd(6), String(row.pairs).padStart(5), ...cells].join(' ');
  });
  const head = ['ratio'.padEnd(6), 'pairs', ...columns.map(({ title }) => cell(title))].join(' ');
  return [head, ...lines].join('\n');
}

function markdownTable(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(['ratio', 'pairs', ...columns.map(({ title }) => `${title} (amplified)`)]),
    line(['---', '---:', ...columns.map(() => '---:')]),
    ...rows.map((row) =>
      line([
        titleOf(row),
        String(row.pairs),
        ...columns.map(({ of }) => `**${of(row.network)}** (${of(row.amplified)})`),
      ]),
    ),
  ].join('\n');
}
