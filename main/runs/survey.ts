/** Asks a separate process about training, so that it can crash or be ended without the app. */

import { Ended } from '../process/asking.ts';
import type { Call } from '../process/call.ts';
import { forkNode } from '../process/fork.ts';
import { Peer } from '../process/peer.ts';
import type { Connect } from '../process/port.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import type { SurveyProgress } from './survey-protocol.ts';

export const spawnNodeSurvey: Connect = forkNode(new URL('./survey-child.ts', import.meta.url));

export interface SurveyOptions {
  readonly spawn: Connect;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: SurveyProgress) => void;
}

/**
 * Asks one question; the process ends with the answer.
 * @throws Refusal as the question's own; `cancelled`; `device` if the process died, perhaps from
 *   lack of memory
 */
export async function survey<I, O>(
  call: Call<I, O, SurveyProgress>,
  input: I,
  { spawn, signal, onProgress }: SurveyOptions,
): Promise<O> {
  throwIfCancelled(signal);
  const child = new Peer('the survey', spawn);
  try {
    return await child.ask(call, input, { signal, onProgress });
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    throw new Refusal(
      'device',
      `looking into it ended ${error.reason}: it may have run out of memory`,
    );
  } finally {
    child.close();
  }
}
