/** Names exported pictures by the user's template. */

import path from 'node:path';
import type { PhotoFacts } from '../../preload/contract/contract.ts';
import { templateTokens } from '../../preload/contract/settings.ts';
import { Refusal } from '../base/refusal.ts';

export interface NamedPhoto {
  readonly path: string;
  readonly facts?: PhotoFacts | undefined;
  /** Position in its batch, from 1. */
  readonly number: number;
}

/** Leaves room for a number and an ending within the 255 bytes that file systems allow. */
const bytesMax = 200;

const reserved = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/** Whether naming a picture needs facts about its photo. */
export function needsFacts(template: string): boolean {
  return /\{(date|time|camera|iso)\}/.test(template);
}

/**
 * A file name without ending.
 * @throws Refusal `bad-argument` for an unknown token
 */
export function nameOf(template: string, { path: file, facts, number }: NamedPhoto): string {
  const stem = path.basename(file, path.extname(file));
  const [date, time] = facts?.takenAt?.split('T') ?? [];
  const values: Readonly<Record<string, string | undefined>> = {
    name: stem,
    date,
    time: time?.slice(0, 8).replaceAll(':', ''),
    camera: facts?.camera,
    iso: facts?.iso === undefined ? undefined : `ISO${Math.round(facts.iso)}`,
    number: String(number).padStart(4, '0'),
  };
  const filled = template.replaceAll(/\{([^{}]*)\}/g, (_, token: string) => {
    if (!Object.hasOwn(values, token)) {
      const known = templateTokens.map((name) => `{${name}}`).join(' ');
      throw new Refusal(
        'bad-argument',
        `expected one of ${known} in the name but received {${token}}`,
      );
    }
    return values[token] ?? '';
  });
  const clean = filled
    .replaceAll(/[/\\:*?"<>|\p{Cc}]/gu, '-')
    .replace(/^[. ]+/, '')
    .replace(/[. ]+$/, '');
  const short = cut(clean);
  if (short === '') return stem;
  return reserved.test(short) ? `${short}_` : short;
}

function cut(name: string): string {
  const bytes = Buffer.from(name);
  // A truncated character becomes U+FFFD, which is removed too.
  return bytes
    .subarray(0, bytesMax)
    .toString()
    .replace(/\uFFFD$/, '')
    .trimEnd();
}
