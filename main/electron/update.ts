/** Looks for new versions among the project's GitHub releases, once the user has enabled that. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { app, Notification } from 'electron';
import type { App } from '../app/app.ts';

/**
 * Names the releases' location; electron-builder writes this file into builds that can be updated.
 */
const channelFile = path.join(process.resourcesPath, 'app-update.yml');

/** Whether this installation comes from a release. */
export const canUpdate = app.isPackaged && existsSync(channelFile);

const dayMs = 24 * 3600 * 1000;

/**
 * While the setting `updates` is on, checks once a day. A newer version is downloaded, checked
 * against the release's checksum and, if signed, its signature, and installed when the app quits.
 */
export function followUpdates(nightglass: App): void {
  if (!canUpdate) return;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    try {
      // Loaded here, so that it is not even in memory while the setting is off.
      const { autoUpdater } = (await import('electron-updater')).default;
      autoUpdater.logger = null;
      const found = await autoUpdater.checkForUpdates();
      // Undefined if this is already the newest version.
      if (!found?.downloadPromise) return;
      await found.downloadPromise;
      new Notification({
        title: `Nightglass ${found.updateInfo.version} is ready`,
        body: 'It is installed when you quit.',
      }).show();
    } catch (error) {
      // There may be no network; the next check is tomorrow.
      nightglass.log.write('update', error);
    }
  };
  const follow = (): void => {
    const { updates } = nightglass.settings.current;
    if (updates === (timer !== undefined)) return;
    clearInterval(timer);
    timer = undefined;
    if (!updates) return;
    timer = setInterval(() => void look(), dayMs);
    void look();
  };
  nightglass.events.listen((name) => {
    if (name === 'settings.changed') follow();
  });
  follow();
}
