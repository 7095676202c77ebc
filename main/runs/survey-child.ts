/** The survey process, which answers one question about training and is then ended. */

import { appFolder } from '../base/app-folder.ts';
import { Log } from '../base/log.ts';
import { constants, setPriority } from 'node:os';
import { calibrate } from '../calibration/calibrate.ts';
import { findRawPhotos } from '../library/raw-photos.ts';
import { joinParent } from '../process/parent.ts';
import { measureStep } from '../training/step/measure.ts';
import { checkPairs } from '../training/pairs/check/check.ts';
import { findPairs } from '../training/pairs/find/find.ts';
import type { PairReport } from '../training/pairs/pairs.ts';
import { trainingPhotos } from '../training/photos/dataset.ts';
import { surveyCalls } from './survey-protocol.ts';

// The same priority as training, so that measurements are representative and the app stays
// responsive.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

new Log(appFolder()).watchProcess('child');
const app = joinParent();

app.answer(surveyCalls.photos, async ({ folders }) => {
  const chosen = { exclude: [], withHeldOut: false };
  const { files, excluded } = await trainingPhotos(folders, chosen);
  return { files: [...files], excluded: [...excluded] };
});

app.answer(surveyCalls.pairs, async ({ folders }, context) => {
  const onProgress = (done: number, total: number): void => {
    context.onProgress({ done, total });
  };
  const found = await findPairs(folders, { onProgress });
  const reports: PairReport[] = [];
  for await (const report of checkPairs(found.pairs, { onProgress })) reports.push(report);
  return { found, reports };
});

app.answer(surveyCalls.camera, async (frames, { onProgress }) => {
  const dark = await findRawPhotos([frames.dark]);
  const flat = frames.flat === undefined ? [] : await findRawPhotos([frames.flat]);
  return calibrate(
    { dark, flat: flat.filter((file) => !dark.includes(file)) },
    {
      onProgress: ({ done, total }) => {
        onProgress({ done, total });
      },
    },
  );
});

app.answer(surveyCalls.measure, ({ recipe, ...options }) => measureStep(recipe, options));
