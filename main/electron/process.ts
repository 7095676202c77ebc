/** Runs the app's child processes as Electron's utility processes, which need no separate Node. */

import { fileURLToPath } from 'node:url';
import { utilityProcess } from 'electron';
import { lastWords } from '../process/last-words.ts';
import type { Connect } from '../process/port.ts';

/** Starts one of our programs. The last line of its error output is reported with its end. */
function forkUtility(program: URL, name: string): Connect {
  return (listener) => {
    const child = utilityProcess.fork(fileURLToPath(program), [], {
      serviceName: name,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const withLastWords = lastWords(child.stderr);
    let waiting: unknown[] | undefined = [];
    // Messages are queued here until the process runs, rather than relying on Electron to queue
    // them.
    child.on('spawn', () => {
      for (const message of waiting ?? []) child.postMessage(message);
      waiting = undefined;
    });
    child.on('message', listener.receive);
    child.on('exit', (code) => {
      listener.exit(withLastWords(`with status ${code}`));
    });
    return {
      send: (message) => {
        if (waiting === undefined) child.postMessage(message);
        else waiting.push(message);
      },
      kill: () => {
        child.kill();
      },
    };
  };
}

export const spawnUtilityEngine: Connect = forkUtility(
  new URL('../engine/child.ts', import.meta.url),
  'Nightglass engine',
);

export const spawnUtilityView: Connect = forkUtility(
  new URL('../view/child.ts', import.meta.url),
  'Nightglass view',
);

export const spawnUtilityTraining: Connect = forkUtility(
  new URL('../training/run/child.ts', import.meta.url),
  'Nightglass training',
);

export const spawnUtilitySurvey: Connect = forkUtility(
  new URL('../runs/survey-child.ts', import.meta.url),
  'Nightglass survey',
);
