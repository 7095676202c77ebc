/**
 * Stores thumbnails on disk between runs. A file's name is derived from everything its picture
 * depends on. It is only a cache: deleting any part of it at any moment costs the app some time and
 * nothing else.
 */

import { createHash } from 'node:crypto';
import { mkdir, readdir, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { sweepTemporaries, writeAtomically } from '../base/atomic.ts';
import { readSmallFile } from '../base/small-file.ts';

export interface CachePlace {
  /**
   * The cache's own folder, in which this class reads and deletes only files with names of its own
   * form.
   */
  readonly folder: string;
  /** 0 stores nothing. */
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
/** A SHA-256 of the picture follows it in its file; programs that show JPEGs ignore what follows one. */
const digestBytes = 32;
/** Thumbnails have some ten kilobytes. */
const pictureBytesMax = 8 << 20;
/** Share of the limit that trimming goes down to, so that not every new picture deletes one. */
const emptiedTo = 0.9;
/** A picture's last use is recorded to the hour. */
const noteEveryMs = 3_600_000;

export class ThumbnailCache {
  readonly #place: () => CachePlace;
  #index: Promise<Index> | undefined;
  #indexFolder = '';
  #trimming: Promise<void> | undefined;
  readonly #writing = new Set<Promise<void>>();

  /** @param place read at each use, because settings change while the app runs */
  constructor(place: () => CachePlace) {
    this.#place = place;
  }

  get folder(): string {
    return this.#place().folder;
  }

  /** @param key everything the picture depends on */
  async get(key: string): Promise<Uint8Array | undefined> {
    const { folder, bytesMax } = this.#place();
    if (bytesMax === 0) return undefined;
    const name = nameOf(key);
    const file = fileOf(folder, name);
    const bytes = await readSmallFile(file, pictureBytesMax).catch(() => undefined);
    const picture = bytes && unsealed(bytes);
    if (picture !== undefined) void this.#note(folder, name, file);
    return picture;
  }

  /**
   * Writes in the background; pictures that cannot be stored are made again.
   * @param isStillTrue called first: whether the picture still matches its key
   */
  set(key: string, bytes: Uint8Array, isStillTrue: () => Promise<boolean>): void {
    const writing = this.#write(key, bytes, isStillTrue).finally(() =>
      this.#writing.delete(writing),
    );
    this.#writing.add(writing);
  }

  /** Resolves when all writes under way are on disk. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #write(key: string, bytes: Uint8Array, isStillTrue: () => Promise<boolean>): Promise<void> {
    const { folder, bytesMax } = this.#place();
    const stored = bytes.byteLength + digestBytes;
    if (stored > bytesMax || !(await isStillTrue())) return;
    const name = nameOf(key);
    const file = fileOf(folder, name);
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await writeAtomically(file, [bytes, digestOf(bytes)], { overwrite: true });
    } catch {
      return;
    }
    const index = await this.#indexOf(folder);
    const known = index.entries.get(name);
    index.entries.set(name, { bytes: stored, usedMs: Date.now() });
    index.bytes += stored - (known?.bytes ?? 0);
    await this.trim();
  }

  /** Deletes the least recently used pictures until the cache is within its limit. */
  async trim(): Promise<void> {
    this.#trimming ??= this.#trim().finally(() => {
      this.#trimming = undefined;
    });
    await this.#trimming;
  }

  async usage(): Promise<{ readonly bytes: number; readonly files: number }> {
    // Reads the folder's present contents, because other processes may delete or write there.
    this.#index = undefined;
    const { bytes, entries } = await this.#indexOf(this.#place().folder);
    return { bytes, files: entries.size };
  }

  /**
   * Deletes every thumbnail.
   * @param folder an earlier one, after another was chosen
   */
  async clear(folder = this.#place().folder): Promise<void> {
    const { entries } = await scan(folder);
    for (const name of entries.keys()) await unlink(fileOf(folder, name)).catch(() => undefined);
    // Only empty folders are removed, so that other files stay.
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

/**
 * Spread over subfolders, because some systems are slow with a hundred thousand files in one
 * folder.
 */
function fileOf(folder: string, name: string): string {
  return path.join(folder, name.slice(0, 2), name);
}

/**
 * The picture before its digest. A power cut, a full disk or a failing one may have left something else.
 * @returns undefined if the two do not belong together
 */
function unsealed(bytes: Uint8Array): Uint8Array | undefined {
  const picture = bytes.subarray(0, -digestBytes);
  return digestOf(picture).equals(bytes.subarray(-digestBytes)) ? picture : undefined;
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
