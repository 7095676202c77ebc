/** The app's child processes as Electron's utility processes: they need no Node outside of Electron. */

import { fileURLToPath } from 'node:url';
import { utilityProcess } from 'electron';
import type { z } from 'zod';
import type { SpawnView } from '../view/process.ts';
import { viewReplySchema } from '../view/protocol.ts';
import type { SpawnEngine } from '../engine/process.ts';
import { replySchema } from '../engine/protocol.ts';
import { describeError } from '../base/refusal.ts';
import type { SpawnSurvey } from '../runs/survey.ts';
import { surveyReplySchema } from '../runs/survey-protocol.ts';
import type { SpawnTraining } from '../training/run/process.ts';
import { trainingReplySchema } from '../training/run/protocol.ts';

interface Listener<Reply> {
  reply(reply: Reply): void;
  exit(reason: string): void;
}

function spawn<Reply>(
  file: URL,
  name: string,
  schema: z.ZodType<Reply>,
  listener: Listener<Reply>,
) {
  const child = utilityProcess.fork(fileURLToPath(file), [], {
    serviceName: name,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2000);
  });
  let waiting: unknown[] | undefined = [];
  // What is posted before it runs is kept here rather than trusted to be kept elsewhere.
  child.on('spawn', () => {
    for (const message of waiting ?? []) child.postMessage(message);
    waiting = undefined;
  });
  child.on('message', (unknown: unknown) => {
    const reply = schema.safeParse(unknown);
    if (reply.success) listener.reply(reply.data);
    else {
      // A process gone mad must not take the app with it.
      lastWords = `its answer was not understood (${describeError(reply.error)})`;
      child.kill();
    }
  });
  child.on('exit', (code) => {
    const said = lastWords.trim().split('\n').at(-1) ?? '';
    listener.exit(said === '' ? `with status ${code}` : `with status ${code}: ${said}`);
  });
  return {
    send: (message: unknown) => {
      if (waiting === undefined) child.postMessage(message);
      else waiting.push(message);
    },
    kill: () => {
      child.kill();
    },
  };
}

export const spawnUtilityEngine: SpawnEngine = (listener) =>
  spawn(new URL('../engine/child.ts', import.meta.url), 'Nightglass engine', replySchema, listener);

export const spawnUtilityView: SpawnView = (listener) =>
  spawn(new URL('../view/child.ts', import.meta.url), 'Nightglass view', viewReplySchema, listener);

export const spawnUtilityTraining: SpawnTraining = (listener) =>
  spawn(
    new URL('../training/run/child.ts', import.meta.url),
    'Nightglass training',
    trainingReplySchema,
    listener,
  );

export const spawnUtilitySurvey: SpawnSurvey = (listener) =>
  spawn(
    new URL('../runs/survey-child.ts', import.meta.url),
    'Nightglass survey',
    surveyReplySchema,
    listener,
  );
