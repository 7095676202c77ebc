/**
 * `nightglass evaluate --night`: scores how a model treats stars, hot pixels, lamps and banded
 * rows.
 */

import { isLinear } from '../develop/dialect.ts';
import type { Model } from '../network/manifest.ts';
import { openNetwork } from '../network/session.ts';
import { Refusal } from '../base/refusal.ts';
import { evaluateNight, type NightScores } from '../scoring/night.ts';

export interface EvaluateNightOptions {
  readonly json: boolean;
  readonly markdown: boolean;
  readonly threads?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Scores a model on synthetic scenes and prints the figures.
 * @throws Refusal `bad-argument` for a model of finished pictures, which has no linear light to
 *   measure
 */
export async function evaluateNights(model: Model, options: EvaluateNightOptions): Promise<void> {
  const { json, markdown, threads, signal } = options;
  const { id } = model.manifest;
  const network = await openNetwork(model, {
    device: 'cpu',
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    if (!isLinear(network.terms)) {
      throw new Refusal(
        'bad-argument',
        `expected a model of linear light for --night but ${id} gives finished pictures`,
      );
    }
    const scores = await evaluateNight(network, signal);
    if (json) {
      const result = { event: 'result', model: id, simulated: true, ...scores };
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    const rows = rowsOf(scores);
    const table = markdown
      ? ['| night | score | right |', '| --- | ---: | ---: |', ...rows.map(asMarkdown)]
      : rows.map(
          ([what, score, right]) => `${what.padEnd(48)}${score.padStart(8)}${right.padStart(8)}`,
        );
    process.stdout.write(`${table.join('\n')}\n\n${about(id)}\n`);
  } finally {
    await network.release();
  }
}

type Row = readonly [what: string, score: string, right: string];

const asMarkdown = (row: Row): string => `| ${row.join(' | ')} |`;

function rowsOf(scores: NightScores): Row[] {
  const two = (value: number): string => value.toFixed(2);
  const three = (value: number): string => value.toFixed(3);
  return [
    ...scores.stars.map(({ snr, light }): Row => [`stars of SNR ${snr}: light`, two(light), '1']),
    ...scores.stars.map(({ snr, blue, orange }): Row => [
      `stars of SNR ${snr}: colour, blue and orange`,
      `${two(blue)}, ${two(orange)}`,
      '1, 1',
    ]),
    ['hot pixels left', `${(100 * scores.hotPixelsLeft).toFixed(1)} %`, '0'],
    ['lamps: dark ring', three(scores.lampRing), '0'],
    ['lamps: coloured ring', three(scores.lampTint), '0'],
    ['lamps: colour off by', three(scores.lampColour), '0'],
    ['banding left, σ', three(scores.banding), '0'],
  ];
}

function about(id: string): string {
  return [
    `Made scenes in the simulated darkness of an A7S II at ISO 6400, the same each time. Model ${id}.`,
    'Stars 1.6 pixels wide, ×50: light kept, and blue ÷ red of blue ones (red ÷ blue of orange ones), as',
    'shares of the truth. Hot pixels, ×100: of those of four times white and more, how many show by more',
    'than 0.05. Lamps of three times white, ×20: the worst ring around one, and the error of its shares of',
    'red, green and blue. Banding, ×100: what rows that are off by σ 10 DN leave, in units of white.',
  ].join('\n');
}
