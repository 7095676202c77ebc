/** Runs the command line as users do, in a process of its own, and looks at what it leaves behind. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';

import { temporaryFolder } from '../engine/small.ts';

const program = path.join(import.meta.dirname, '../../main/cli.ts');

/** What is taken for a hang: on a busy machine with two cores no run here takes a fifth of it. */
const hangMs = 100_000;

export interface Ended {
  /** Null if a signal ended it: a hang, or a kill by the test. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Told each whole line of stdout. */
  readonly onLine?: (line: string) => void;
  /** Whether it leads a process group of its own, as a program started by a terminal does. */
  readonly isLeader?: boolean;
}

/** Starts the program. Its own data go to a folder that ends with the test file. */
export function start(
  args: readonly string[],
  { environment = {}, onLine, isLeader = false }: RunOptions = {},
): Running {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, NIGHTGLASS_DATA: dataFolder(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: isLeader,
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    let [stdout, stderr, told] = ['', '', 0];
    const watchdog = setTimeout(() => child.kill('SIGKILL'), hangMs);
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      for (let end = stdout.indexOf('\n', told); end >= 0; end = stdout.indexOf('\n', told)) {
        const line = stdout.slice(told, end);
        told = end + 1;
        onLine?.(line);
      }
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(watchdog);
      resolve({ status, stdout, stderr });
    });
  });
  return { child, ended };
}

export function run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return start(args, options).ended;
}

let data: string | undefined;

/** Where the program remembers things in these tests; also marks its processes. */
function dataFolder(): string {
  data ??= temporaryFolder();
  return data;
}

/** A run that must be refused before it begins: the status, and the one line it says. */
export async function refusal(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly status: number | null; readonly line: string }> {
  const { status, stdout, stderr } = await run(args, options);
  expect(stdout).toBe('');
  const lines = stderr.trimEnd().split('\n');
  // Commander adds where to find help.
  if (lines.at(-1)?.startsWith('(--help') === true) lines.pop();
  expect(lines).toHaveLength(1);
  return { status, line: lines[0] ?? '' };
}

const eventSchema = z.looseObject({ event: z.string() });
export type Event = z.infer<typeof eventSchema>;

/** Lines of `--json`; fails on a line that is no JSON object with an event. */
export function events(stdout: string): Event[] {
  expect(stdout.endsWith('\n')).toBe(true);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => eventSchema.parse(JSON.parse(line)));
}

const failureSchema = z.object({
  event: z.literal('result'),
  ok: z.literal(false),
  photo: z.string(),
  code: z.string(),
  error: z.string(),
});
export type Failed = z.infer<typeof failureSchema>;

/** The photos that failed, by their file names. */
export function failures(all: readonly Event[]): ReadonlyMap<string, Failed> {
  const found = all.filter(({ event, ok }) => event === 'result' && ok === false);
  return new Map(
    found.map((event) => {
      const failed = failureSchema.parse(event);
      return [path.basename(failed.photo), failed];
    }),
  );
}

/** File names of the photos that were written. */
export function written(all: readonly Event[]): string[] {
  return all
    .filter(({ event, ok }) => event === 'result' && ok === true)
    .map(({ path: file }) => path.basename(String(file)))
    .sort();
}

/** Processes of this test file's runs that still live. Linux only: elsewhere, none are found. */
export function livingProcesses(): number[] {
  if (data === undefined || !existsSync('/proc/self/environ')) return [];
  const mark = `NIGHTGLASS_DATA=${data}\0`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Waits for something that has to come; how long it takes is not what is tested. */
export async function until(isTrue: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!isTrue() && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(isTrue()).toBe(true);
}

/** A small disk of its own until the test ends; undefined where mounting is not allowed. */
export function mountSmallDisk(options: string): string | undefined {
  const folder = path.join(temporaryFolder(), 'disk');
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  if (mounted.status !== 0) return undefined;
  onTestFinished(() => {
    spawnSync('umount', ['-l', folder]);
  });
  return folder;
}
