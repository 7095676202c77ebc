/**
 * Decodes RAW files, each in a thread and a LibRaw instance of its own: LibRaw can hang or trap on a
 * damaged file and is not to be trusted after it did, so the thread is watched and always ended.
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
import { HEAD_BYTES, containerKind } from './container.ts';
import { decodeCalls } from './decode-calls.ts';
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
  const beside = await readBeside(path);
  return askThread(decodeCalls.raw, path, options, beside);
}

/**
 * The JPEG preview that the camera put into the file; undefined where there is none.
 * @throws Refusal as `decodeRaw`
 */
export async function readEmbeddedPreview(
  path: string,
  options: DecodeOptions = {},
): Promise<Uint8Array | undefined> {
  return askThread(decodeCalls.preview, path, options);
}

/**
 * What a RAW file says about itself, without its samples.
 * @throws Refusal as `decodeRaw`
 */
export async function summariseRaw(path: string, options: DecodeOptions = {}): Promise<RawSummary> {
  return askThread(decodeCalls.summary, path, options);
}

type Given = { name: string; bytes: Uint8Array; beside?: Uint8Array | undefined };

async function askThread<O>(
  call: Call<Given, O, never>,
  path: string,
  { signal, watchdogMs = WATCHDOG_MS }: DecodeOptions,
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

/** What was just decoded is developed first; the next thread can wait that long. */
const readyAfterMs = 300;
let keepsReady = false;
let ready: Thread | undefined;

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
  const thread = startThread(() => {
    if (ready === thread) ready = undefined;
  });
  ready = thread;
  // Nothing is waited for yet.
  thread.worker.unref();
}

function takeThread(): Thread {
  const thread = ready ?? startThread();
  ready = undefined;
  thread.worker.ref();
  return thread;
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

function startThread(onExit: () => void = () => undefined): Thread {
  setFlagsFromString(`--wasm-wrapper-tiering-budget=${CALLS_BEFORE_COMPILING}`);
  const worker = new Worker(new URL('./decode-worker.ts', import.meta.url), {
    // Its chatter is not the program's.
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
  // A failure outside the decoder's own handling: LibRaw's glue code, on this file.
  return new Refusal(
    'damaged-file',
    `${name} is damaged: the decoder failed on it (${describeError(cause)})`,
    { cause },
  );
}

/** Sidecars of editors have some kilobytes, with masks some hundred. */
const BESIDE_BYTES_MAX = 1 << 20;

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
      if (stats.isFile() && stats.size <= BESIDE_BYTES_MAX) return await readFile(candidate);
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
    // Asked before opening: opening a pipe would wait for its other end.
    checkIsFile(await stat(path), name);
    const handle = await open(path, constants.O_RDONLY);
    try {
      // Gigabytes of something else are not read to find that out.
      const { size } = await handle.stat();
      const headBytes = Math.min(HEAD_BYTES, size);
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
