/**
 * `nightglass` without a command: opens the desktop app, or the same app in a browser window if
 * Electron is not available.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants, readFile } from 'node:fs/promises';
import path from 'node:path';
import { appFolder } from '../base/app-folder.ts';
import type { HeadlessHost } from '../app/headless.ts';
import { appRoot } from '../base/root.ts';
import { launchWindow } from './launch.ts';
import { serve } from './serve.ts';

/** The output of `npm run build`. */
const desktopParts = ['out/main/electron.js', 'out/preload/index.cjs', 'out/renderer/index.html'];

/** Executable names of browsers that can show a single page as a window of its own. */
const browsers: readonly string[] =
  process.platform === 'darwin'
    ? [
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
        '/Applications/Chromium.app/Contents/MacOS/Chromium',
        '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
      ]
    : process.platform === 'win32'
      ? [
          'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
          'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
        ]
      : ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];

/** @throws Refusal if the app cannot be served */
export async function openApp(): Promise<void> {
  const electron = await electronBinary();
  if (
    electron !== undefined &&
    desktopParts.every((part) => existsSync(path.join(appRoot, part)))
  ) {
    const child = spawn(electron, [appRoot], { stdio: 'inherit' });
    process.exitCode = await new Promise<number>((resolve) => {
      child.on('exit', (code) => {
        resolve(code ?? 1);
      });
    });
    return;
  }
  await serve([], 0, openWindow);
}

async function electronBinary(): Promise<string | undefined> {
  const folder = path.join(appRoot, 'node_modules/electron');
  const name = await readFile(path.join(folder, 'path.txt'), 'utf8').catch(() => undefined);
  const binary = name === undefined ? undefined : path.join(folder, 'dist', name.trim());
  return binary !== undefined && existsSync(binary) ? binary : undefined;
}

/** Without a display or a browser, the user has to use the printed address. */
async function openWindow(host: HeadlessHost): Promise<void> {
  const hasDisplay =
    process.platform !== 'linux' ||
    process.env['DISPLAY'] !== undefined ||
    process.env['WAYLAND_DISPLAY'] !== undefined;
  const browser = hasDisplay ? await firstThere(browsers) : undefined;
  if (browser === undefined) return;
  // Uses a new link, so that the printed one stays valid if the browser does not start.
  await launchWindow({ browser, folder: appFolder(), link: host.newLink() });
}

async function firstThere(names: readonly string[]): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  for (const name of names) {
    const places = path.isAbsolute(name)
      ? [name]
      : folders.map((folder) => path.join(folder, name));
    for (const place of places) {
      const isThere = await access(place, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return place;
    }
  }
  return undefined;
}
