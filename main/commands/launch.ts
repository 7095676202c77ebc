/**
 * Opens the app's window in a browser. Every user of the computer can read a command line (`ps`), so
 * the one-time link is not on it: the browser is given the name of a file that only this user can read,
 * and that sends it on to the link.
 */

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LinkAddress } from '../app/headless.ts';

export interface Launch {
  /** The browser's program. */
  readonly browser: string;
  /** Holds the browser's profile and, until the link is used, the file; made if it is missing. */
  readonly folder: string;
  readonly link: LinkAddress;
}

/** A browser that has not opened the link by then never will. */
const patienceMs = 60_000;

/** Settles when the browser is started. The file goes when the link is spent, or this process ends. */
export async function launchWindow({ browser, folder, link }: Launch): Promise<void> {
  await mkdir(folder, { recursive: true });
  // Made with permissions for its owner alone (0700).
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

/** @param address hexadecimal digits and URL punctuation: nothing in it needs escaping */
function launchPage(address: string): string {
  return `<!doctype html>
<meta charset="utf-8">
<title>Nightglass</title>
<script>location.replace(${JSON.stringify(address)})</script>
`;
}
