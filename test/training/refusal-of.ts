/** The refusal that something ends in. */

import { Refusal } from '../../main/base/refusal.ts';

/** @throws Error if the work succeeds, or whatever else than a refusal it throws */
export async function refusalOf(work: () => unknown): Promise<Refusal> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('expected a refusal but it succeeded');
}
