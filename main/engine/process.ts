/** The engine as a process: what the app needs of one, whichever way it was started. */

import { forkChild, type ChildHandle, type ChildListener } from './fork-child.ts';
import { replySchema, type Reply, type Request } from './protocol.ts';

export type EngineProcess = ChildHandle<Request>;

export type SpawnEngine = (listener: ChildListener<Reply>) => EngineProcess;

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
export const spawnNodeEngine: SpawnEngine = (listener) =>
  forkChild(
    new URL('./child.ts', import.meta.url),
    replySchema,
    {
      env: engineEnvironment(),
      // Its threads ask for a collection when they let a picture go; see darkroom-worker.ts.
      execArgv: [...process.execArgv, '--expose-gc'],
    },
    listener,
  );
