/**
 * Decodes RAW files, each in its own thread and LibRaw instance. LibRaw can hang or trap on a
 * damaged file and cannot be trusted afterwards, so a watchdog supervises the thread, and the
 * thread is always ended.
 */

import { constants } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { basename, join, parse } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

import { Ended, TooLate } from '../process/asking.ts';
import type { Call } from '../process/call.ts';
import { Peer } from '../process/peer.ts';
import { joinThread } from '../process/thread.ts';
import { Refusal, describeError, throwIfCancelled } from '../base/refusal.ts';
import { headBytesRead, containerKind } from './container.ts';
import { decodeCalls } from './decode-calls.ts';
import type { DecodedRaw } from './mosaic.ts';
import type { RawSummary } from './summary.ts';

export interface DecodeOptions {
  readonly signal?: AbortSignal;
  /** Time the thread may work on the file before it is killed. */
  readonly watchdogMs?: number;
}

/** A 100 MP file takes two seconds; a slow, busy machine gets thirty times as long. */
const defaultWatchdogMs = 60_000;

/** LibRaw has 2 GiB for the file and everything derived from it. */
const maxFileBytes = 1.5 * 2 ** 30;

/**
 * Decodes one RAW file, which is only opened for reading.
 * @throws Refusal `unsupported-file`, `damaged-file` (also if the watchdog kills the thread),
 *   `disk` if it cannot be read, `out-of-memory`, `cancelled`
 */
export async function decodeRaw(path: string, options: DecodeOptions = {}): Promise<DecodedRaw> {
  const beside = await readBeside(path);
  return askThread(decodeCalls.raw, path, options, beside);
}

/**
 * The camera's JPEG preview in the file; undefined if there is none.
 * @throws Refusal as `decodeRaw`
 */
export async function readEmbeddedPreview(
  path: string,
  options: DecodeOptions = {},
): Promise<Uint8Array | undefined> {
  return askThread(decodeCalls.preview, path, options);
}

/**
 * Facts about a RAW file, without its samples.
 * @throws Refusal as `decodeRaw`
 */
export async function summariseRaw(path: string, options: DecodeOptions = {}): Promise<RawSummary> {
  return askThread(decodeCalls.summary, path, options);
}

type Given = { name: string; bytes: Uint8Array; beside?: Uint8Array | undefined };

async function askThread<O>(
  call: Call<Given, O, never>,
  path: string,
  { signal, watchdogMs = defaultWatchdogMs }: DecodeOptions,
  beside?: Uint8Array,
): Promise<O> {
  throwIfCancelled(signal);
  const name = basename(path);
  const bytes = await readWhole(path, name, signal);
  throwIfCancelled(signal);
  const { worker, peer } = takeThread();
  try {
    const options = { signal, withinMs: watchdogMs, move: [bytes.buffer] };
    return await peer.ask(call, { name, bytes, beside }, options);
  } catch (error) {
    if (error instanceof TooLate) {
      throw new Refusal(
        'damaged-file',
        `${name} was given up: it was not decoded within ${watchdogMs / 1000} s`,
      );
    }
    throw error instanceof Ended ? threadFailure(error, name) : error;
  } finally {
    await worker.terminate();
    if (keepsReady) setTimeout(makeReady, readyAfterMs).unref();
  }
}

interface Thread {
  readonly worker: Worker;
  readonly peer: Peer;
}

/** Developing the decoded file comes first; preparing the next thread can wait this long. */
const readyAfterMs = 300;
let keepsReady = false;
let ready: Thread | undefined;

/**
 * From now on keeps a thread with a loaded decoder ready, so that the next file does not wait a
 * fifth of a second for it. For processes that decode files while somebody is looking.
 */
export function keepDecoderReady(): void {
  keepsReady = true;
  makeReady();
}

function makeReady(): void {
  if (ready !== undefined) return;
  const thread = startThread(() => {
    if (ready === thread) ready = undefined;
  });
  ready = thread;
  // An idle thread must not keep the process running.
  thread.worker.unref();
}

function takeThread(): Thread {
  const thread = ready ?? startThread();
  ready = undefined;
  thread.worker.ref();
  return thread;
}

/**
 * Prevents V8 from compiling LibRaw's calls into JavaScript. V8 compiles a call from WebAssembly
 * into JavaScript after a thousand calls, and shares that code between all threads of the process.
 * If threads come and go it can lose track of it and abort the process: "Check failed:
 * jit_page.has_value()", in UnregisterWasmAllocation below Runtime_TierUpWasmToJSWrapper (seen
 * once, on Node 24.21; nodejs/node#64500 is similar). LibRaw calls JavaScript for little besides
 * its results, so compiling gains nothing. This count is never reached, and it also fits the 31-bit
 * small integers of Electron's V8.
 */
const callsBeforeCompiling = 2 ** 30 - 1;

function startThread(onExit: () => void = () => undefined): Thread {
  setFlagsFromString(`--wasm-wrapper-tiering-budget=${callsBeforeCompiling}`);
  const worker = new Worker(new URL('./decode-worker.ts', import.meta.url), {
    // LibRaw's output is not part of this program's.
    stdout: true,
    stderr: true,
  });
  return { worker, peer: new Peer('the decoder', joinThread(worker), { onExit }) };
}

function threadFailure({ cause }: Ended, name: string): Refusal {
  if (cause === undefined) {
    return new Refusal('damaged-file', `${name} is damaged: the decoder stopped on it`);
  }
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new Refusal('out-of-memory', `${name} needs more memory to decode than there is`, {
      cause,
    });
  }
  // A failure outside the decoder's own error handling: LibRaw's glue code failed on this file.
  return new Refusal(
    'damaged-file',
    `${name} is damaged: the decoder failed on it (${describeError(cause)})`,
    { cause },
  );
}

/** Sidecars of editors have some kilobytes, with masks some hundred. */
const besideBytesMax = 1 << 20;

/**
 * The `.xmp` file beside a photo: `IMG_1.ARW.xmp` as darktable names it, or `IMG_1.xmp` as Adobe does.
 * @returns undefined where there is none that can be read
 */
async function readBeside(path: string): Promise<Uint8Array | undefined> {
  const { dir, name } = parse(path);
  const candidates = [`${path}.xmp`, join(dir, `${name}.xmp`), join(dir, `${name}.XMP`)];
  for (const candidate of candidates) {
    try {
      const stats = await stat(candidate);
      if (stats.isFile() && stats.size <= besideBytesMax) return await readFile(candidate);
    } catch {
      // Most photos have none, and one that cannot be read costs no photo.
    }
  }
  return undefined;
}

/** The file's bytes in a buffer of their own, which can be handed to a thread without copying. */
async function readWhole(
  path: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // Checked before opening, because opening a pipe would wait for its other end.
    checkIsFile(await stat(path), name);
    const handle = await open(path, constants.O_RDONLY);
    try {
      // Avoids reading gigabytes only to find that they are something else.
      const { size } = await handle.stat();
      const headBytes = Math.min(headBytesRead, size);
      const head = await handle.read(new Uint8Array(headBytes), 0, headBytes, 0);
      containerKind(head.buffer.subarray(0, head.bytesRead), name);
      checkSize(size, name);
      const bytes = new Uint8Array(size);
      let filled = 0;
      while (filled < size) {
        throwIfCancelled(signal);
        const { bytesRead } = await handle.read(
          bytes,
          filled,
          Math.min(size - filled, 2 ** 24),
          filled,
        );
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      if (filled < size) throw new Refusal('disk', `${name} became shorter while it was read`);
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof Refusal ? error : unreadable(error, name);
  }
}

function checkIsFile(stats: { isFile(): boolean; isDirectory(): boolean }, name: string): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory() ? 'a folder' : 'no regular file';
  throw new Refusal(
    'unsupported-file',
    `expected a camera RAW file for ${name}, but it is ${what}`,
  );
}

function checkSize(size: number, name: string): void {
  if (size <= maxFileBytes) return;
  const gib = (size / 2 ** 30).toFixed(1);
  throw new Refusal(
    'unsupported-file',
    `expected at most 1.5 GiB for ${name}, but it has ${gib} GiB`,
  );
}

const diskReasons = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'there is no such file'],
  ['EACCES', 'reading it is not allowed'],
  ['EPERM', 'reading it is not allowed'],
  ['EIO', 'the disk reports an error'],
]);

function unreadable(error: unknown, name: string): Error {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
    return error instanceof RangeError
      ? new Refusal('out-of-memory', `${name} needs more memory to read than there is`, {
          cause: error,
        })
      : new Error(`reading ${name} failed`, { cause: error });
  }
  const reason = diskReasons.get(error.code) ?? describeError(error);
  return new Refusal('disk', `${name} cannot be read: ${reason}`, { cause: error });
}
