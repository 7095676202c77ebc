/** One line that identifies a set of pairs, so that a resumed run can check its data. */

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { describeError, Refusal } from '../../base/refusal.ts';
import type { UsablePair } from './pairs.ts';

/**
 * The number of pairs and a digest of their names, sizes and ratios. The folder may move, the files
 * may not change.
 * @throws Refusal `dataset` if a file is not there
 */
export async function describePairs(pairs: readonly UsablePair[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { id, short, long, ratio } of pairs) {
    const [shortBytes, longBytes] = [await bytesOf(short), await bytesOf(long)];
    hash.update(`${id}\0${shortBytes}\0${longBytes}\0${ratio.toPrecision(6)}\n`);
  }
  return `${pairs.length} pairs, ${hash.digest('hex').slice(0, 16)}`;
}

async function bytesOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    throw new Refusal(
      'dataset',
      `expected the file of a pair at ${file} but it cannot be read: ${describeError(error)}`,
      { cause: error },
    );
  }
}
