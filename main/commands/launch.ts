/**
 * Opens the app's window in a browser. Every user of the computer can see command lines (`ps`), so
 * the one-time link is not passed on one. Instead, the browser opens a file that only this user can
 * read, and which redirects to the link.
 */

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LinkAddress } from '../app/headless.ts';

export interface Launch {
  /** The browser's executable. */
  readonly browser: string;
  /** Holds the browser's profile and, until the link is used, the file; created if missing. */
  readonly folder: string;
  readonly link: LinkAddress;
}

/** A browser that has not opened the link by then never will. */
const patienceMs = 60_000;

/**
 * Resolves when the browser has started. The file is deleted when the link has been used or this
 * process ends.
 */
export async function launchWindow({ browser, folder, link }: Launch): Promise<void> {
  await mkdir(folder, { recursive: true });
  // mkdtemp creates folders for their owner only (0700).
  const hidden = await mkdtemp(path.join(folder, 'open-'));
  const file = path.join(hidden, 'open.html');
  await writeFile(file, launchPage(link.address), { mode: 0o600, flag: 'wx' });
  const removeNow = (): void => {
    rmSync(hidden, { recursive: true, force: true });
  };
  process.once('exit', removeNow);
  const flags = [
    `--app=${pathToFileURL(file).href}`,
    `--user-data-dir=${path.join(folder, 'window')}`,
    '--no-first-run',
  ];
  spawn(browser, flags, { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
  const { promise: tooLate, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs).unref();
  void Promise.race([link.spent, tooLate]).then(async () => {
    clearTimeout(timer);
    process.off('exit', removeNow);
    await rm(hidden, { recursive: true, force: true }).catch(() => undefined);
  });
}

/** @param address hexadecimal digits and URL punctuation only, so that nothing needs escaping */
function launchPage(address: string): string {
  return `<!doctype html>
<meta charset="utf-8">
<title>Nightglass</title>
<script>location.replace(${JSON.stringify(address)})</script>
`;
}
