/**
 * The training process. It trains one run, so that a crash in native code takes down only this
 * process.
 */

import { appFolder } from '../../base/app-folder.ts';
import { Log } from '../../base/log.ts';
import { constants, setPriority } from 'node:os';
import { joinParent } from '../../process/parent.ts';
import { RunControl } from './control.ts';
import { trainRun } from './train-run.ts';
import { trainCall, trainingNotes } from './protocol.ts';

/** Minimum interval between reported steps; nobody reads numbers faster. */
const tellEveryMs = 200;

// Keeps the app and everything else on this computer responsive.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

/** Interval between signs of life, far shorter than the silence that is allowed. */
const aliveEveryMs = 2000;

const control = new RunControl();

new Log(appFolder()).watchProcess('child');
const app = joinParent({
  onExit: () => {
    // The app is gone for whatever reason. Save what was learned; the process then ends by itself.
    control.stop('nothing');
  },
});

app.answer(trainCall, async ({ folder, acceptsOtherData, withoutCard }, { onProgress }) => {
  let lastToldMs = -Infinity;
  const alive = setInterval(() => {
    onProgress({ kind: 'alive' });
  }, aliveEveryMs);
  alive.unref();
  try {
    await trainRun(folder, {
      control,
      acceptsOtherData,
      withoutCard,
      onLoading: (loaded, total) => {
        onProgress({ kind: 'loading', loaded, total });
      },
      onEvent: (event, isLogged) => {
        const nowMs = performance.now();
        if (!isLogged && nowMs - lastToldMs < tellEveryMs) return;
        lastToldMs = nowMs;
        onProgress({ kind: 'event', event });
      },
    });
  } finally {
    clearInterval(alive);
  }
});

app.listen(trainingNotes.pause, () => {
  control.pause();
});
app.listen(trainingNotes.resume, () => {
  control.resume();
});
app.listen(trainingNotes.stop, (keep) => {
  control.stop(keep);
});
