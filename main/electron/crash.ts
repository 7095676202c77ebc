/** Reloads the window's page when its process ends, and asks the user if that does not help. */

import { app, dialog, type BrowserWindow } from 'electron';
import type { Log } from '../base/log.ts';
import { BackOff } from './back-off.ts';

/**
 * All state is in the main process, so the reloaded page continues where it was.
 * @param showLog shows the log file in the system's file manager
 */
export function reloadAfterCrashes(
  window: BrowserWindow,
  { log, showLog }: { readonly log: Log; readonly showLog: () => void },
): void {
  const backOff = new BackOff();
  const reload = (): void => {
    if (!window.isDestroyed()) window.webContents.reload();
  };
  const ask = async (): Promise<void> => {
    const { response } = await dialog.showMessageBox({
      type: 'error',
      message: 'The window keeps crashing',
      detail: `Your photos and edits are safe: they are saved as you make them. Exports and training go on without the window.\n\nTry again. If it still crashes, start Nightglass with --disable-gpu, which draws without the graphics card, and report what the log says: ${log.file}`,
      buttons: ['Try again', 'Show log', 'Quit'],
      defaultId: 0,
      cancelId: 2,
    });
    if (response === 2) app.quit();
    else {
      if (response === 1) showLog();
      backOff.reset();
      reload();
    }
  };
  window.webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason === 'clean-exit') return;
    log.write('page', `its process ended: ${reason}, status ${exitCode}`);
    const delayMs = backOff.crashed(performance.now());
    if (delayMs === undefined) void ask();
    else setTimeout(reload, delayMs);
  });
}
