/**
 * Builds the app's window when the program runs from a checkout and the build is missing or
 * outdated.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Refusal } from '../base/refusal.ts';
import { appRoot } from '../base/root.ts';

const vite = path.join(appRoot, 'node_modules/vite/bin/vite.js');
const built = path.join(appRoot, 'out/renderer/index.html');

/** A packaged app has no sources, and its window is already built. */
const sources = ['renderer', 'preload', 'vite.config.ts'].map((name) => path.join(appRoot, name));

/** @throws Refusal `bad-argument` if there is no window and none can be built */
export async function buildWindow(signal: AbortSignal): Promise<void> {
  const isCheckout = existsSync(vite) && sources.every((source) => existsSync(source));
  if (!isCheckout) {
    if (existsSync(built)) return;
    throw new Refusal('bad-argument', `expected the app's window at ${built} but it is not there`);
  }
  const newest = Math.max(...(await Promise.all(sources.map(newestMs))));
  const builtMs = (await stat(built).catch(() => undefined))?.mtimeMs ?? 0;
  if (builtMs > newest) return;
  process.stderr.write('nightglass: building the window, once\n');
  const status = await new Promise<number | null>((resolve) => {
    // Its output is not part of this program's.
    spawn(process.execPath, [vite, 'build', '--logLevel', 'error'], {
      cwd: appRoot,
      stdio: ['ignore', 'ignore', 'inherit'],
      signal,
    })
      .on('exit', resolve)
      .on('error', () => {
        resolve(1);
      });
  });
  if (signal.aborted) throw new Refusal('cancelled', 'cancelled');
  if (status !== 0) throw new Refusal('bad-argument', 'the window could not be built: see above');
}

async function newestMs(place: string): Promise<number> {
  const { mtimeMs } = await stat(place);
  const names = await readdir(place, { recursive: true }).catch(() => []);
  const times = await Promise.all(
    names.map(async (name) => (await stat(path.join(place, name))).mtimeMs),
  );
  return Math.max(mtimeMs, ...times);
}
