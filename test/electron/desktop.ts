/** The real desktop app for tests; where Electron's binary or a display is not to be had they skip, and say so. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { _electron, type ElectronApplication, type Page } from 'playwright-core';

const home = path.join(import.meta.dirname, '../..');

function findElectron(): string | undefined {
  const named = process.env['ELECTRON'];
  if (named !== undefined) return named;
  const folder = path.join(home, 'node_modules/electron');
  const where = path.join(folder, 'path.txt');
  if (!existsSync(where)) return undefined;
  const binary = path.join(folder, 'dist', readFileSync(where, 'utf8').trim());
  return existsSync(binary) ? binary : undefined;
}

const hasDisplay =
  process.platform !== 'linux' ||
  process.env['DISPLAY'] !== undefined ||
  process.env['WAYLAND_DISPLAY'] !== undefined;

/** Undefined: such tests are skipped. */
export const electronPath = hasDisplay ? findElectron() : undefined;

if (electronPath === undefined) {
  console.warn(
    'skipped: tests of the desktop app want a display, and Electron’s binary (`node node_modules/electron/install.js`, or named by ELECTRON)',
  );
}

/** Electron's own switches that a build machine needs. */
export const switches: readonly string[] = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export interface Desktop {
  readonly electron: ElectronApplication;
  readonly page: Page;
}

/** @param data the app's own folder @param named as on the command line */
export async function openDesktop(data: string, ...named: string[]): Promise<Desktop> {
  const electron = await _electron.launch({
    executablePath: electronPath ?? '',
    args: [...switches, home, ...named],
    env: { ...environment(), NIGHTGLASS_DATA: data },
    timeout: 60_000,
  });
  const page = await electron.firstWindow();
  page.setDefaultTimeout(60_000);
  return { electron, page };
}

/** Without what would turn Electron into Node. */
export function environment(): Record<string, string> {
  const entries = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value === undefined || /^(ELECTRON_|NODE_OPTIONS$)/.test(name) ? [] : [[name, value]],
  );
  return Object.fromEntries(entries);
}
