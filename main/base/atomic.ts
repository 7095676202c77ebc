/** Writes files atomically: a temporary file in the same folder is flushed and then renamed. */

import { createHash, randomBytes } from 'node:crypto';
import { constants, existsSync, readFileSync, unlinkSync } from 'node:fs';
import { link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { describeError, Refusal, throwIfCancelled } from './refusal.ts';

interface AtomicOptions {
  /** Whether an existing file of that name may be replaced. */
  readonly overwrite: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** `taken`: a file of that name exists and may not be replaced; nothing was changed. */
type AtomicOutcome = 'written' | 'taken';

/**
 * Identifies this machine. A shared folder may hold temporary files of other machines, whose
 * processes cannot be looked up.
 */
const thisHost = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const temporaryName = /^\.nightglass-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

const live = new Set<string>();

/** Last resort if the process exits while writing, when asynchronous clean-up can no longer run. */
function removeLiveAtExit(): void {
  for (const path of live) {
    try {
      unlinkSync(path);
    } catch {
      // Nothing more can be done while exiting; the next sweep removes the file.
    }
  }
}

function temporaryPath(folder: string): string {
  if (live.size === 0 && !process.listeners('exit').includes(removeLiveAtExit)) {
    process.on('exit', removeLiveAtExit);
  }
  const path = join(
    folder,
    `.nightglass-${thisHost}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`,
  );
  live.add(path);
  return path;
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

const reasons: Readonly<Record<string, string>> = {
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

/** Errors that also affect other files, until somebody frees space or remounts the disk. */
const lasting: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/**
 * Turns an operating system's error into one line with the file's name; other errors stay as they
 * are.
 */
function asRefusal(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (error instanceof Refusal || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const reason = reasons[code] ?? describeError(error);
  return new Refusal('disk', `could not write ${path}: ${reason} (${code})`, {
    cause: error,
    isLasting: lasting.has(code),
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

/**
 * For file systems without hard links (exFAT, some shares), an empty file reserves the name
 * meanwhile.
 */
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

/** `rename` would replace a file silently; `link` refuses to. */
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

/** Makes the new name survive a power cut. Not every system can flush a folder. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file itself is flushed and renamed, which is all that such a system offers.
  }
}

/**
 * Writes `chunks` to `path`. Each chunk is written before the next is requested. After any failure
 * or cancellation nothing is left behind, and an existing file at `path` is unchanged.
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

/** Whether a file with exactly these bytes exists at `path`; false if it cannot be read. */
export async function holds(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<boolean> {
  try {
    // Does not wait for the other end if the file is a pipe.
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
    // Any error but "no such process" means that the process exists but is not ours.
    return codeOf(error) !== 'ESRCH';
  }
  return !isZombie(pid);
}

/** Whether the process has ended but was not yet reaped by its parent; known on Linux only. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The state follows the name, which may contain anything and ends at the last bracket.
    return /^\) [ZX]/.test(status.slice(status.lastIndexOf(')')));
  } catch {
    return false;
  }
}

/**
 * In containers every run may have the same process number, so our own may be that of a dead run.
 */
async function isStale(path: string, pid: number): Promise<boolean> {
  if (pid !== process.pid) return !isRunning(pid);
  if (live.has(path)) return false;
  const startedMs = Date.now() - process.uptime() * 1000;
  return (await stat(path)).mtimeMs < startedMs;
}

/**
 * Deletes temporary files that killed runs on this machine left in a folder.
 * @returns the number of deleted files; failures are ignored
 */
export async function sweepTemporaries(folder: string): Promise<number> {
  let count = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const [, host, pid] = temporaryName.exec(name) ?? [];
    if (host !== thisHost || pid === undefined) continue;
    const path = join(folder, name);
    try {
      if (!(await isStale(path, Number(pid)))) continue;
      await unlink(path);
      count++;
    } catch {
      // Another run may sweep the same folder at the same time.
    }
  }
  return count;
}

/**
 * Used instead of Node's recursive mkdir, which reports a missing folder if a disk is full or
 * read-only.
 */
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
 * Creates the output folder if necessary, sweeps it, and checks that it is writable before hours of
 * work begin.
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
    // mkdir reports this if a file has the name.
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new Refusal('disk', notAFolder(folder), { cause: error });
    throw asRefusal(error, folder);
  }
}

const notAFolder = (folder: string): string =>
  `expected a folder to write to but ${folder} is a file, or lies under one`;
