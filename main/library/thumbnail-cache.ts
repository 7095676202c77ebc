/**
 * Thumbnails kept on the disk between runs, each a file named by all that it was made of. It is a
 * cache: whoever deletes any or all of it, at any moment, costs the app some time and nothing else.
 */

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { sweepTemporaries, writeAtomically } from '../base/atomic.ts';

export interface CachePlace {
  /** Its own; nothing else is looked for or deleted there than what this class names. */
  readonly folder: string;
  /** 0: nothing is kept. */
  readonly bytesMax: number;
}

interface Entry {
  readonly bytes: number;
  usedMs: number;
}

interface Index {
  readonly entries: Map<string, Entry>;
  bytes: number;
}

const namePattern = /^[0-9a-f]{64}\.jpg$/;
const shardPattern = /^[0-9a-f]{2}$/;
/** How far below the limit it is emptied, so that not every new picture deletes one. */
const emptiedTo = 0.9;
/** When a picture was used last is noted to the hour. */
const noteEveryMs = 3_600_000;

export class ThumbnailCache {
  readonly #place: () => CachePlace;
  #index: Promise<Index> | undefined;
  #indexFolder = '';
  #trimming: Promise<void> | undefined;
  readonly #writing = new Set<Promise<void>>();

  /** @param place asked at each use: the settings change while the app runs */
  constructor(place: () => CachePlace) {
    this.#place = place;
  }

  get folder(): string {
    return this.#place().folder;
  }

  /** @param key all that the picture depends on */
  async get(key: string): Promise<Uint8Array | undefined> {
    const { folder, bytesMax } = this.#place();
    if (bytesMax === 0) return undefined;
    const name = nameOf(key);
    const file = fileOf(folder, name);
    const bytes = await readFile(file).catch(() => undefined);
    // What a power cut or a full disk left is no picture.
    if (bytes === undefined || !isWholeJpeg(bytes)) return undefined;
    void this.#note(folder, name, file);
    return bytes;
  }

  /**
   * In its own time; what cannot be kept is made again.
   * @param isStillTrue asked first: whether the picture is what its key says
   */
  set(key: string, bytes: Uint8Array, isStillTrue: () => Promise<boolean>): void {
    const writing = this.#write(key, bytes, isStillTrue).finally(() =>
      this.#writing.delete(writing),
    );
    this.#writing.add(writing);
  }

  /** What is on its way to the disk has arrived. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #write(key: string, bytes: Uint8Array, isStillTrue: () => Promise<boolean>): Promise<void> {
    const { folder, bytesMax } = this.#place();
    if (bytes.byteLength > bytesMax || !(await isStillTrue())) return;
    const name = nameOf(key);
    const file = fileOf(folder, name);
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await writeAtomically(file, [bytes], { overwrite: true });
    } catch {
      return;
    }
    const index = await this.#indexOf(folder);
    const known = index.entries.get(name);
    index.entries.set(name, { bytes: bytes.byteLength, usedMs: Date.now() });
    index.bytes += bytes.byteLength - (known?.bytes ?? 0);
    await this.trim();
  }

  /** Deletes what was used longest ago until the limit is kept. */
  async trim(): Promise<void> {
    this.#trimming ??= this.#trim().finally(() => {
      this.#trimming = undefined;
    });
    await this.#trimming;
  }

  async usage(): Promise<{ readonly bytes: number; readonly files: number }> {
    // As it is now, whoever else deletes or writes there.
    this.#index = undefined;
    const { bytes, entries } = await this.#indexOf(this.#place().folder);
    return { bytes, files: entries.size };
  }

  /** Deletes every thumbnail there is. @param folder an earlier one, after another was chosen */
  async clear(folder = this.#place().folder): Promise<void> {
    const { entries } = await scan(folder);
    for (const name of entries.keys()) await unlink(fileOf(folder, name)).catch(() => undefined);
    // Folders go only if nothing is in them, so what is not ours stays.
    for (const shard of await shardsOf(folder)) {
      await sweepTemporaries(path.join(folder, shard));
      await rmdir(path.join(folder, shard)).catch(() => undefined);
    }
    await rmdir(folder).catch(() => undefined);
    this.#index = undefined;
  }

  async #note(folder: string, name: string, file: string): Promise<void> {
    const entry = (await this.#indexOf(folder)).entries.get(name);
    const nowMs = Date.now();
    if (entry === undefined || nowMs - entry.usedMs < noteEveryMs) return;
    entry.usedMs = nowMs;
    await utimes(file, new Date(nowMs), new Date(nowMs)).catch(() => undefined);
  }

  async #trim(): Promise<void> {
    const { folder, bytesMax } = this.#place();
    const index = await this.#indexOf(folder);
    if (index.bytes <= bytesMax) return;
    const oldest = [...index.entries].sort(([, a], [, b]) => a.usedMs - b.usedMs);
    for (const [name, { bytes }] of oldest) {
      if (index.bytes <= bytesMax * emptiedTo) return;
      await unlink(fileOf(folder, name)).catch(() => undefined);
      index.entries.delete(name);
      index.bytes -= bytes;
    }
  }

  #indexOf(folder: string): Promise<Index> {
    if (this.#index === undefined || this.#indexFolder !== folder) {
      this.#indexFolder = folder;
      this.#index = scan(folder);
    }
    return this.#index;
  }
}

async function scan(folder: string): Promise<Index> {
  const entries = new Map<string, Entry>();
  let total = 0;
  for (const shard of await shardsOf(folder)) {
    const names = await readdir(path.join(folder, shard)).catch(() => []);
    const found = await Promise.all(
      names
        .filter((name) => namePattern.test(name))
        .map(
          async (name) => [name, await stat(fileOf(folder, name)).catch(() => undefined)] as const,
        ),
    );
    for (const [name, stats] of found) {
      if (stats?.isFile() !== true) continue;
      entries.set(name, { bytes: stats.size, usedMs: stats.mtimeMs });
      total += stats.size;
    }
  }
  return { entries, bytes: total };
}

async function shardsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => shardPattern.test(name));
}

function nameOf(key: string): string {
  return `${createHash('sha256').update(key).digest('hex')}.jpg`;
}

/** A folder of a hundred thousand files is slow on some systems. */
function fileOf(folder: string, name: string): string {
  return path.join(folder, name.slice(0, 2), name);
}

function isWholeJpeg(bytes: Uint8Array): boolean {
  const { length } = bytes;
  return (
    length > 4 &&
    bytes[0] === 0xff &&
    bytes[1] === 0xd8 &&
    bytes[length - 2] === 0xff &&
    bytes[length - 1] === 0xd9
  );
}
