/** The engine as a Node process. */

import { forkNode } from '../process/fork.ts';
import type { Connect } from '../process/port.ts';

/**
 * The engine's environment. On Linux it makes glibc use huge pages: the network allocates and frees
 * hundreds of megabytes for every tile, and touching them in pages of 4 kB takes a sixth of its
 * time (measured). Keeping the memory instead would take half as much memory again.
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
    // Its threads request garbage collection after each picture; see darkroom-worker.ts.
    execArgv: [...process.execArgv, '--expose-gc'],
  })(listener);
