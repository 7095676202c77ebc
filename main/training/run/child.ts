/** The training process: it trains one run, and dies alone if native code takes it down. */

import { appFolder } from '../../base/app-folder.ts';
import { Log } from '../../base/log.ts';
import { constants, setPriority } from 'node:os';
import { joinParent } from '../../process/parent.ts';
import { RunControl } from './control.ts';
import { trainRun } from './train-run.ts';
import { trainCall, trainingNotes } from './protocol.ts';

/** Between steps that are told: nobody reads a number faster. */
const tellEveryMs = 200;

// The app, and whatever else is done on this computer, stays quick.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

/** How often it says that it lives; far more often than it may be silent. */
const aliveEveryMs = 2000;

const control = new RunControl();

new Log(appFolder()).watchProcess('child');
const app = joinParent({
  onExit: () => {
    // The app is gone, however that came: what was learned is kept, and the process ends by itself.
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
