/** The engine as a Node process. */

import { forkNode } from '../process/fork.ts';
import type { Connect } from '../process/port.ts';

/**
 * The engine's environment. On Linux glibc is asked for huge pages: the network takes and returns
 * hundreds of megabytes for every tile, and touching them page by page of 4 kB costs a sixth of
 * its time (measured; keeping the memory instead costs half as much again of it).
 */
function engineEnvironment(): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return process.env;
  const tunables = process.env['GLIBC_TUNABLES'];
  const hugePages = 'glibc.malloc.hugetlb=1';
  return {
    ...process.env,
    GLIBC_TUNABLES: tunables === undefined ? hugePages : `${tunables}:${hugePages}`,
  };
}

/** Starts the engine as a Node process. */
export const spawnNodeEngine: Connect = (listener) =>
  forkNode(new URL('./child.ts', import.meta.url), {
    env: engineEnvironment(),
    // Its threads ask for a collection when they let a picture go; see darkroom-worker.ts.
    execArgv: [...process.execArgv, '--expose-gc'],
  })(listener);
