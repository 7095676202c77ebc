/**
 * Decodes RAW files, each in a thread and a LibRaw instance of its own: LibRaw can hang or trap on a
 * damaged file and is not to be trusted after it did, so the thread is watched and always ended.
 */

import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

import { Refusal, describeError, throwIfCancelled } from '../base/refusal.ts';
import { HEAD_BYTES, containerKind } from './container.ts';
import type { WorkerReply } from './decode-worker.ts';
import type { DecodedRaw } from './mosaic.ts';
import type { RawSummary } from './summary.ts';

export interface DecodeOptions {
  readonly signal?: AbortSignal;
  /** How long the thread may work on the file before it is given up. */
  readonly watchdogMs?: number;
}

/** A 100 MP file takes two seconds; a slow, busy machine gets thirty times that. */
const WATCHDOG_MS = 60_000;

/** LibRaw has 2 GiB for the file and everything made of it. */
const MAX_FILE_BYTES = 1.5 * 2 ** 30;

/**
 * Decodes one RAW file, which is opened for reading only.
 * @throws Refusal `unsupported-file`, `damaged-file` (also when the watchdog ends it), `disk` when it
 *   cannot be read, `out-of-memory`, `cancelled`
 */
export async function decodeRaw(path: string, options: DecodeOptions = {}): Promise<DecodedRaw> {
  const reply = await askWorker('raw', path, options);
  if (reply.kind !== 'decoded')
    throw new Error(`expected a decoded file but the decoder sent ${reply.kind}`);
  return reply.raw;
}

/**
 * The JPEG preview that the camera put into the file; undefined where there is none.
 * @throws Refusal as `decodeRaw`
 */
export async function readEmbeddedPreview(
  path: string,
  options: DecodeOptions = {},
): Promise<Uint8Array | undefined> {
  const reply = await askWorker('preview', path, options);
  if (reply.kind !== 'preview')
    throw new Error(`expected a preview but the decoder sent ${reply.kind}`);
  return reply.jpeg;
}

/**
 * What a RAW file says about itself, without its samples.
 * @throws Refusal as `decodeRaw`
 */
export async function summariseRaw(path: string, options: DecodeOptions = {}): Promise<RawSummary> {
  const reply = await askWorker('summary', path, options);
  if (reply.kind !== 'summary')
    throw new Error(`expected a summary but the decoder sent ${reply.kind}`);
  return reply.summary;
}

async function askWorker(
  want: 'raw' | 'preview' | 'summary',
  path: string,
  { signal, watchdogMs = WATCHDOG_MS }: DecodeOptions,
): Promise<WorkerReply> {
  throwIfCancelled(signal);
  const name = basename(path);
  const bytes = await readWhole(path, name, signal);
  throwIfCancelled(signal);
  const worker = takeThread();
  try {
    const awaited = firstReply(worker, name, watchdogMs, signal);
    worker.postMessage({ want, name, bytes }, [bytes.buffer]);
    const reply = await awaited;
    if (reply.kind === 'refused') throw new Refusal(reply.code, reply.message);
    if (reply.kind === 'failed') throw reply.error;
    return reply;
  } finally {
    await worker.terminate();
    if (keepsReady) setTimeout(makeReady, readyAfterMs).unref();
  }
}

/** What was just decoded is developed first; the next thread can wait that long. */
const readyAfterMs = 300;
let keepsReady = false;
let ready: Worker | undefined;

/**
 * From now on a thread stands ready, its decoder loaded, so that a file that is asked for does not
 * wait the fifth of a second that takes. For processes that decode what somebody looks at.
 */
export function keepDecoderReady(): void {
  keepsReady = true;
  makeReady();
}

function makeReady(): void {
  if (ready !== undefined) return;
  const worker = startThread();
  ready = worker;
  // Nothing is waited for yet.
  worker.unref();
  const forget = (): void => {
    if (ready === worker) ready = undefined;
  };
  worker.once('error', forget);
  worker.once('exit', forget);
}

function takeThread(): Worker {
  const worker = ready ?? startThread();
  ready = undefined;
  worker.ref();
  return worker;
}

/**
 * V8 compiles a call from WebAssembly into JavaScript once it was made a thousand times, and keeps
 * that code for all threads of the process. Where threads come and go it has lost track of it, and
 * ended the process: "Check failed: jit_page.has_value()", in UnregisterWasmAllocation below
 * Runtime_TierUpWasmToJSWrapper (seen once, on Node 24.21; nodejs/node#64500 is its like). LibRaw
 * calls out for little else than its results, so its calls are as well off uncompiled. This many
 * are never made, and fit Electron's V8 too, whose small integers have 31 bits.
 */
const CALLS_BEFORE_COMPILING = 2 ** 30 - 1;

function startThread(): Worker {
  setFlagsFromString(`--wasm-wrapper-tiering-budget=${CALLS_BEFORE_COMPILING}`);
  return new Worker(new URL('./decode-worker.ts', import.meta.url), {
    // Its chatter is not the program's.
    stdout: true,
    stderr: true,
  });
}

/** Settles once, whatever comes first: an answer, the thread's end, the watchdog, or the user. */
function firstReply(
  worker: Worker,
  name: string,
  watchdogMs: number,
  signal: AbortSignal | undefined,
): Promise<WorkerReply> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      clearTimeout(watchdog);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = (): void => {
      settle(() => {
        reject(new Refusal('cancelled', 'cancelled'));
      });
    };
    const watchdog = setTimeout(() => {
      settle(() => {
        reject(
          new Refusal(
            'damaged-file',
            `${name} was given up: it was not decoded within ${watchdogMs / 1000} s`,
          ),
        );
      });
    }, watchdogMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    worker.once('message', (reply: WorkerReply) => {
      settle(() => {
        resolve(reply);
      });
    });
    worker.once('error', (error: unknown) => {
      settle(() => {
        reject(workerFailure(error, name));
      });
    });
    worker.once('exit', () => {
      settle(() => {
        reject(new Refusal('damaged-file', `${name} is damaged: the decoder stopped on it`));
      });
    });
  });
}

function workerFailure(error: unknown, name: string): Error {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new Refusal('out-of-memory', `${name} needs more memory to decode than there is`, {
      cause: error,
    });
  }
  // A failure outside the decoder's own handling: LibRaw's glue code, on this file.
  return new Refusal(
    'damaged-file',
    `${name} is damaged: the decoder failed on it (${describeError(error)})`,
    { cause: error },
  );
}

/** The file's bytes in a buffer of their own, which can be handed to a thread without copying. */
async function readWhole(
  path: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // Asked before opening: opening a pipe would wait for its other end.
    checkIsFile(await stat(path), name);
    const handle = await open(path, constants.O_RDONLY);
    try {
      // Gigabytes of something else are not read to find that out.
      const head = await handle.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
      containerKind(head.buffer.subarray(0, head.bytesRead), name);
      const { size } = await handle.stat();
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
  if (size <= MAX_FILE_BYTES) return;
  const gib = (size / 2 ** 30).toFixed(1);
  throw new Refusal(
    'unsupported-file',
    `expected at most 1.5 GiB for ${name}, but it has ${gib} GiB`,
  );
}

const DISK_REASONS = new Map([
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
  const reason = DISK_REASONS.get(error.code) ?? describeError(error);
  return new Refusal('disk', `${name} cannot be read: ${reason}`, { cause: error });
}
