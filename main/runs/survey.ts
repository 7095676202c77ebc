/** Asks a process of its own about training: it may die or be ended without the app. */

import { forkChild, type ChildHandle, type ChildListener } from '../engine/fork-child.ts';
import { errorOf } from '../engine/protocol.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { surveyReplySchema, type SurveyJob, type SurveyReply } from './survey-protocol.ts';

export type SpawnSurvey = (listener: ChildListener<SurveyReply>) => ChildHandle<SurveyJob>;

export const spawnNodeSurvey: SpawnSurvey = (listener) =>
  forkChild(
    new URL('./survey-child.ts', import.meta.url),
    surveyReplySchema,
    { env: process.env, execArgv: process.execArgv },
    listener,
  );

export interface SurveyOptions {
  readonly spawn: SpawnSurvey;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws Refusal as whatever it does; `cancelled`; `out-of-memory` if the process died of it */
export function survey<K extends SurveyReply['kind']>(
  job: SurveyJob,
  answers: K,
  { spawn, signal, onProgress }: SurveyOptions,
): Promise<Extract<SurveyReply, { kind: K }>> {
  throwIfCancelled(signal);
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', stop);
      child.kill();
    };
    const stop = (): void => {
      settle();
      reject(new Refusal('cancelled', 'cancelled'));
    };
    const child = spawn({
      reply: (reply) => {
        if (reply.kind === 'progress') {
          onProgress?.(reply.done, reply.total);
          return;
        }
        settle();
        if (reply.kind === 'failed') reject(errorOf(reply.failure));
        else if (isAnswer(reply, answers)) resolve(reply);
        else reject(new Error(`expected ${answers} but the survey answered ${reply.kind}`));
      },
      exit: (reason) => {
        signal.removeEventListener('abort', stop);
        reject(
          new Refusal('device', `looking into it ended ${reason}: it may have run out of memory`),
        );
      },
    });
    signal.addEventListener('abort', stop, { once: true });
    child.send(job);
  });
}

function isAnswer<K extends SurveyReply['kind']>(
  reply: SurveyReply,
  kind: K,
): reply is Extract<SurveyReply, { kind: K }> {
  return reply.kind === kind;
}
