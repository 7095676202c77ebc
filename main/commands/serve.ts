/** `nightglass serve`: the app in a browser, for this computer only. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { App } from '../app/app.ts';
import { appFolder } from '../base/app-folder.ts';
import { HeadlessHost } from '../app/headless.ts';
import { jsonSettingsFile } from '../app/settings.ts';
import { Log } from '../base/log.ts';
import { appRoot } from '../base/root.ts';
import { numberBetween } from './arguments.ts';
import { buildWindow } from './build-window.ts';
import { interruptSignal } from './interrupt.ts';

const optionsSchema = z.object({ port: z.number() });

/** The window's files, built by `vite build`. */
const pageFolder = path.join(appRoot, 'out/renderer');

/** Folders where systems mount cards and disks. */
const mounts = ['/media', '/run/media', '/mnt', '/Volumes'];

export function serveCommand(): Command {
  return new Command('serve')
    .description('opens the app to a browser on this computer')
    .argument('[folders...]', 'folders it may open besides your own')
    .option(
      '--port <n>',
      'where to listen; 0: anywhere free',
      numberBetween(0, 65_535, { whole: true }),
      0,
    )
    .action(async (folders: string[], unknown: unknown) => {
      const { port } = optionsSchema.parse(unknown);
      await serve(folders, port);
    });
}

/**
 * Serves until it is interrupted or a window quits it. Prints a link that opens the app once, and
 * another for every SIGUSR2. With that, a user who was locked out gets in again and can end the
 * other windows.
 * @param onStart called when the app is available
 * @throws Refusal `bad-argument`
 */
export async function serve(
  folders: readonly string[],
  port: number,
  onStart: (host: HeadlessHost) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const signal = interruptSignal();
  const ended = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => {
    ended.resolve();
  });
  await buildWindow(signal);
  const folder = appFolder();
  new Log(folder).watchProcess('app');
  const named = folders.map((one) => path.resolve(one));
  const [startFolder] = named;
  const app = await App.start({
    kind: 'headless',
    folder,
    settingsFile: jsonSettingsFile(folder),
    roots: [...named, homedir(), ...mounts.filter((mount) => existsSync(mount))],
    ...(startFolder === undefined ? {} : { startFolder }),
    onBug: (error) => {
      process.stderr.write(
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    },
    quit: () => {
      ended.resolve();
    },
  });
  try {
    const host = await HeadlessHost.listen(app, {
      port,
      pageFolder,
      onEnter: (agent) => {
        say(`a window was connected: ${agent}. Settings, Connected windows shows and ends them.`);
      },
    });
    const offerLink = (): void => {
      process.stdout.write(`${host.newLink().address}\n`);
    };
    // Windows has no such signal; there, a connected window makes the link. The handler is
    // installed before the first address is printed, because without one the signal would end the
    // program.
    if (process.platform !== 'win32') {
      process.on('SIGUSR2', offerLink);
      say(`the address opens one window, once. For another: kill -USR2 ${process.pid}`);
    }
    process.stdout.write(`${host.address}\n`);
    try {
      await onStart(host);
      await ended.promise;
    } finally {
      process.off('SIGUSR2', offerLink);
      await host.close();
    }
  } finally {
    await app.close();
  }
}

/** Writes to stderr, because stdout is for the addresses. */
function say(words: string): void {
  process.stderr.write(`nightglass: ${words}\n`);
}
