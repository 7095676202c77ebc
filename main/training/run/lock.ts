/**
 * Only one process trains a run: a lock in the run folder that ends with its process, however that
 * ends. (SQLite's lock, because Node has no other that survives neither `kill -9` nor a restart.)
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError, Refusal } from '../../base/refusal.ts';

const busy = 5;

/** A prober may hold the lock for an instant. */
const patienceMs = 2000;

function lockFile(folder: string): string {
  return path.join(folder, '.lock');
}

function take(folder: string, timeout: number): DatabaseSync | undefined {
  const database = new DatabaseSync(lockFile(folder), { timeout });
  try {
    // Without it a process that is killed leaves a second file.
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    const code: unknown = error instanceof Error ? Reflect.get(error, 'errcode') : undefined;
    if (code === busy) return undefined;
    throw error;
  }
}

/** Whether a living process of this machine trains the run. */
export function isRunTaken(folder: string): boolean {
  if (!existsSync(lockFile(folder))) return false;
  try {
    const database = take(folder, 0);
    database?.close();
    return database === undefined;
  } catch {
    // A folder that cannot be written to is nobody's run.
    return false;
  }
}

/**
 * Takes the run for this process until the returned function is called.
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
