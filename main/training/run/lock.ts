/**
 * A lock in the run folder, so that only one process trains a run. It is SQLite's file lock, because
 * Node has no other lock that the system releases when the process dies, even by `kill -9`.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError, Refusal } from '../../base/refusal.ts';

const busy = 5;

/** Retries cover a process that holds the lock for a moment, only to test it. */
const patienceMs = 2000;

function lockFile(folder: string): string {
  return path.join(folder, '.lock');
}

function take(folder: string, timeout: number): DatabaseSync | undefined {
  const database = new DatabaseSync(lockFile(folder), { timeout });
  try {
    // Otherwise a killed process would leave a journal file behind.
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    const code: unknown = error instanceof Error ? Reflect.get(error, 'errcode') : undefined;
    if (code === busy) return undefined;
    throw error;
  }
}

/** Whether a living process on this machine is training the run. */
export function isRunTaken(folder: string): boolean {
  if (!existsSync(lockFile(folder))) return false;
  try {
    const database = take(folder, 0);
    database?.close();
    return database === undefined;
  } catch {
    // Nobody can train in a folder that is not writable.
    return false;
  }
}

/**
 * Locks the run for this process until the returned function is called.
 * @throws Refusal `dataset` if it is taken; `disk` if the folder cannot be written to
 */
export function takeRun(folder: string): () => void {
  let database: DatabaseSync | undefined;
  try {
    database = take(folder, patienceMs);
  } catch (error) {
    throw new Refusal('disk', `could not write to ${folder}: ${describeError(error)}`);
  }
  if (database === undefined) {
    throw new Refusal(
      'dataset',
      `expected the run in ${folder} to be at rest but another process is training it`,
    );
  }
  const taken = database;
  return () => {
    taken.close();
  };
}
