/** The training process: it trains one run, and dies alone if native code takes it down. */

import { constants, setPriority } from 'node:os';
import { onParentMessage, toParent } from '../../engine/parent.ts';
import { failureOf } from '../../engine/protocol.ts';
import { RunControl } from './control.ts';
import { trainRun } from './train-run.ts';
import { trainingRequestSchema, type TrainingReply, type TrainingRequest } from './protocol.ts';

/** Between steps that are told: nobody reads a number faster. */
const tellEveryMs = 200;

// The app, and whatever else is done on this computer, stays quick.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

/** How often it says that it lives; far more often than it may be silent. */
const aliveEveryMs = 2000;

const control = new RunControl();
let lastToldMs = -Infinity;

function reply(message: TrainingReply): void {
  toParent(message);
}

type Start = Extract<TrainingRequest, { kind: 'start' }>;

async function start({ folder, acceptsOtherData, withoutCard }: Start): Promise<void> {
  try {
    await trainRun(folder, {
      control,
      acceptsOtherData,
      withoutCard,
      onLoading: (loaded, total) => {
        reply({ kind: 'loading', loaded, total });
      },
      onEvent: (event, isLogged) => {
        const nowMs = performance.now();
        if (!isLogged && nowMs - lastToldMs < tellEveryMs) return;
        lastToldMs = nowMs;
        reply({ kind: 'event', event });
      },
    });
    reply({ kind: 'ended' });
  } catch (error) {
    reply({ kind: 'ended', failure: failureOf(error) });
  }
}

setInterval(() => {
  reply({ kind: 'alive' });
}, aliveEveryMs).unref();

onParentMessage(
  (unknown) => {
    const request = trainingRequestSchema.parse(unknown);
    switch (request.kind) {
      case 'start':
        void start(request);
        break;
      case 'pause':
        control.pause();
        break;
      case 'resume':
        control.resume();
        break;
      case 'stop':
        control.stop(request.keep);
        break;
    }
  },
  () => {
    // The app is gone, however that came: what was learned is kept, and the process ends by itself.
    control.stop('nothing');
  },
);
