/** Engines whose processes a test can reach, to do to them what drivers and memory killers do. */

import { readdirSync, readFileSync } from 'node:fs';

import { onTestFinished } from 'vitest';

import { spawnNodeEngine } from '../../main/engine/process.ts';
import type { Connect } from '../../main/process/port.ts';
import { Engine, type EngineOptions, type PhotoOrder } from '../../main/engine/supervisor.ts';

/** Whether `childPid` can find them. */
export const canSignal = process.platform === 'linux';

/** The process id of this test's youngest living engine. */
export function enginePid(): number {
  return childPid('engine/child.ts');
}

/** The process id of this test's youngest living child that runs such a program. */
export function childPid(program: string): number {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // The parent's id is the second field after the name in brackets.
        const parent = /\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
        const isOne = readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(program);
        return isOne && parent === String(process.pid);
      } catch {
        return false;
      }
    });
  return Math.max(...pids.map(Number));
}

/** An engine on the small model, closed when the test ends, and what it said of its troubles. */
export async function openSmallEngine(
  model: string,
  options: Partial<EngineOptions> = {},
): Promise<{
  readonly engine: Engine;
  readonly troubles: readonly string[];
  readonly starts: () => number;
}> {
  const troubles: string[] = [];
  let starts = 0;
  const spawn: Connect = (listener) => {
    starts += 1;
    return spawnNodeEngine(listener);
  };
  const engine = await Engine.open({
    model,
    device: 'cpu',
    threads: 1,
    windowAreaMax: 1_000_000,
    spawn,
    onTrouble: (account) => troubles.push(account),
    ...options,
  });
  onTestFinished(() => {
    engine.close();
  });
  return { engine, troubles, starts: () => starts };
}

/** A plain uncompressed TIFF of a photo. */
export function order(photo: string, target: string): PhotoOrder {
  return {
    photo,
    target,
    overwrite: false,
    edit: { ratio: 4, strength: 1, whiteBalance: 'as-shot', space: 'srgb' },
    output: { format: 'tiff', bits: 16, compression: 'none' },
  };
}
