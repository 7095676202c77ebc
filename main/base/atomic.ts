/**
 * Writes a file whole or not at all: a temporary file in the same folder, flushed, then given its
 * name.
 */

import { createHash, randomBytes } from 'node:crypto';
import { constants, existsSync, readFileSync, unlinkSync } from 'node:fs';
import { link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { describeError, Refusal, throwIfCancelled } from './refusal.ts';

interface AtomicOptions {
  /** Whether a file of that name may be replaced. */
  readonly overwrite: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** `taken`: the name was there and may not be replaced; nothing was changed. */
type AtomicOutcome = 'written' | 'taken';

/** A shared folder may hold another machine's temporary files, whose processes can't be asked for. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const TEMPORARY_NAME = /^\.nightglass-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

const live = new Set<string>();

/** Last resort where the process is told to exit in the middle: asynchronous cleaning can't run then. */
function removeLiveAtExit(): void {
  for (const path of live) {
    try {
      unlinkSync(path);
    } catch {
      // Nothing more can be done on the way out; the next sweep takes it.
    }
  }
}

function temporaryPath(folder: string): string {
  if (live.size === 0 && !process.listeners('exit').includes(removeLiveAtExit)) {
    process.on('exit', removeLiveAtExit);
  }
  const path = join(
    folder,
    `.nightglass-${HOST}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`,
  );
  live.add(path);
  return path;
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file system holds no file so large',
  EROFS: 'the disk is read-only',
  EACCES: 'the folder does not allow it',
  EPERM: 'the folder does not allow it',
  ENOENT: 'the folder is gone',
  ENOTDIR: 'a file stands where the folder should be',
  EISDIR: 'a folder of that name is in the way',
  EEXIST: 'something of that name is in the way',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the disk reports an error',
  ENXIO: 'the disk reports an error',
  EBUSY: 'another program holds it',
};

/** No other file can be written there either, until somebody makes room or mounts the disk anew. */
const LASTING: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** An operating system's error as one line with the file's name; every other error as it is. */
function asRefusal(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (error instanceof Refusal || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const reason = REASONS[code] ?? describeError(error);
  return new Refusal('disk', `could not write ${path}: ${reason} (${code})`, {
    cause: error,
    isLasting: LASTING.has(code),
  });
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, done);
    done += bytesWritten;
  }
}

async function fill(
  temporary: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(temporary, 'wx');
  try {
    for await (const chunk of chunks) {
      throwIfCancelled(signal);
      await writeAll(file, chunk);
    }
    throwIfCancelled(signal);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Where a file system has no hard links (exFAT, some shares), an empty file keeps the name meanwhile. */
async function moveBehindPlaceholder(temporary: string, path: string): Promise<AtomicOutcome> {
  try {
    await (await open(path, 'wx')).close();
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'taken';
    throw error;
  }
  try {
    await rename(temporary, path);
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  }
  return 'written';
}

/** `rename` would replace silently; `link` refuses. */
async function moveWithoutReplacing(temporary: string, path: string): Promise<AtomicOutcome> {
  try {
    await link(temporary, path);
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code === 'EEXIST') return 'taken';
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) {
      return moveBehindPlaceholder(temporary, path);
    }
    throw error;
  }
  await unlink(temporary);
  return 'written';
}

/** So that the new name survives a power cut. Not every system lets a folder be flushed. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file itself is flushed and named; that is all such a system offers.
  }
}

/**
 * Writes `chunks` to `path`. A chunk is on its way to the disk before the next is asked for. On any
 * failure or cancellation nothing is left behind, and what stood at `path` still stands.
 * @throws Refusal `disk` with the file's name and the reason; `cancelled`; what `chunks` throws
 */
export async function writeAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { overwrite, signal }: AtomicOptions,
): Promise<AtomicOutcome> {
  throwIfCancelled(signal);
  const folder = dirname(path);
  const temporary = temporaryPath(folder);
  try {
    await fill(temporary, chunks, signal);
    let outcome: AtomicOutcome = 'written';
    if (overwrite) await rename(temporary, path);
    else outcome = await moveWithoutReplacing(temporary, path);
    if (outcome === 'written') await flushFolder(folder);
    else await unlink(temporary);
    return outcome;
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw asRefusal(error, path);
  } finally {
    live.delete(temporary);
  }
}

/**
 * Whether a file of exactly these bytes stands at `path` already; false for whatever cannot be read.
 */
export async function holds(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<boolean> {
  try {
    // Not to wait for the other end, if it is a pipe.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      let position = 0;
      for await (const chunk of chunks) {
        const there = Buffer.alloc(chunk.byteLength);
        const { bytesRead } = await file.read(there, 0, chunk.byteLength, position);
        if (bytesRead < chunk.byteLength || !there.equals(chunk)) return false;
        position += chunk.byteLength;
      }
      return (await file.stat()).size === position;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Anything but "no such process" means that there is one, only not ours.
    return codeOf(error) !== 'ESRCH';
  }
  return !isZombie(pid);
}

/** Whether it has ended and only answers because nobody has asked how; Linux alone tells. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The state follows the name, which may hold anything but ends with the last bracket.
    return /^\) [ZX]/.test(status.slice(status.lastIndexOf(')')));
  } catch {
    return false;
  }
}

/** Containers give every run the same process number, so our own number may be a dead run's. */
async function isStale(path: string, pid: number): Promise<boolean> {
  if (pid !== process.pid) return !isRunning(pid);
  if (live.has(path)) return false;
  const startedMs = Date.now() - process.uptime() * 1000;
  return (await stat(path)).mtimeMs < startedMs;
}

/**
 * Deletes temporary files that killed runs on this machine left in a folder.
 * @returns how many were deleted; failures are passed over
 */
export async function sweepTemporaries(folder: string): Promise<number> {
  let count = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const [, host, pid] = TEMPORARY_NAME.exec(name) ?? [];
    if (host !== HOST || pid === undefined) continue;
    const path = join(folder, name);
    try {
      if (!(await isStale(path, Number(pid)))) continue;
      await unlink(path);
      count++;
    } catch {
      // Another run may sweep the same folder.
    }
  }
  return count;
}

/** Node's own making of nested folders calls a folder missing where a disk is full or read-only. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    let missing = resolve(folder);
    while (!existsSync(dirname(missing))) missing = dirname(missing);
    await mkdir(missing);
    throw error;
  }
}

/**
 * Makes the output folder if need be, sweeps it, and finds out whether it can be written to before
 * hours of work are put into it.
 * @throws Refusal `disk`
 */
export async function openOutputFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    if (!(await stat(folder)).isDirectory()) throw new Refusal('disk', notAFolder(folder));
    await sweepTemporaries(folder);
    const probe = temporaryPath(folder);
    try {
      await (await open(probe, 'wx')).close();
      await unlink(probe);
    } finally {
      live.delete(probe);
    }
  } catch (error) {
    const code = codeOf(error);
    // mkdir says so when a file has the name.
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new Refusal('disk', notAFolder(folder), { cause: error });
    throw asRefusal(error, folder);
  }
}

const notAFolder = (folder: string): string =>
  `expected a folder to write to but ${folder} is a file, or lies under one`;
