/** Asks the user what to do when the window is closed while a model is being trained. */

import { dialog, type BrowserWindow } from 'electron';

/** Avoids asking twice, because the system's close button is easily pressed twice. */
let isAsking = false;

/**
 * Asks before the window closes during training, which may continue without a window, or be saved
 * and continue at the next start.
 * @param isTraining whether there is anything to ask about
 * @param quit ends the app, which saves the training's progress
 */
export function askBeforeClosing(
  window: BrowserWindow,
  isTraining: () => boolean,
  quit: () => void,
): void {
  window.on('close', (event) => {
    if (!isTraining()) return;
    event.preventDefault();
    if (isAsking) return;
    isAsking = true;
    void dialog
      .showMessageBox(window, {
        type: 'question',
        message: 'A model is being trained',
        detail:
          'It can go on without a window: start Nightglass again to come back to it. Or end here: what it has learned is saved, and it can go on next time.',
        buttons: ['Go on without a window', 'Save and end', 'Cancel'],
        defaultId: 0,
        cancelId: 2,
      })
      .then(({ response }) => {
        if (response === 0) window.hide();
        if (response === 1) quit();
      })
      .finally(() => {
        isAsking = false;
      });
  });
}
