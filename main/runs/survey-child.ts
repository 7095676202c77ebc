/** The survey process: answers one question about training, and ends. */

import { constants, setPriority } from 'node:os';
import { findRawPhotos } from '../library/raw-photos.ts';
import { onParentMessage, toParent } from '../engine/parent.ts';
import { failureOf } from '../engine/protocol.ts';
import { calibrate } from '../calibration/calibrate.ts';
import { trainingPhotos } from '../training/photos/dataset.ts';
import { measureStep } from '../training/step/measure.ts';
import { checkPairs } from '../training/pairs/check/check.ts';
import { findPairs } from '../training/pairs/find/find.ts';
import type { PairReport } from '../training/pairs/pairs.ts';
import { surveyJobSchema, type SurveyJob, type SurveyReply } from './survey-protocol.ts';

// As training does: what is measured is what will be, and the app stays quick.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

function tell(done: number, total: number): void {
  toParent({ kind: 'progress', done, total } satisfies SurveyReply);
}

async function survey(job: SurveyJob): Promise<SurveyReply> {
  switch (job.kind) {
    case 'photos': {
      const { files, excluded } = await trainingPhotos(job.folders, {
        exclude: [],
        withHeldOut: false,
      });
      return { kind: 'photos', files: [...files], excluded: [...excluded] };
    }
    case 'pairs': {
      const found = await findPairs(job.folders, { onProgress: tell });
      const reports: PairReport[] = [];
      for await (const report of checkPairs(found.pairs, { onProgress: tell }))
        reports.push(report);
      return { kind: 'pairs', found, reports };
    }
    case 'camera': {
      const dark = await findRawPhotos([job.dark]);
      const flat = job.flat === undefined ? [] : await findRawPhotos([job.flat]);
      const profile = await calibrate(
        { dark, flat: flat.filter((file) => !dark.includes(file)) },
        {
          onProgress: ({ done, total }) => {
            tell(done, total);
          },
        },
      );
      return { kind: 'camera', profile };
    }
    case 'measure':
      return { kind: 'measured', ...(await measureStep(job.recipe, job)) };
  }
}

onParentMessage((unknown) => {
  survey(surveyJobSchema.parse(unknown))
    .catch((error: unknown): SurveyReply => ({ kind: 'failed', failure: failureOf(error) }))
    .then(toParent, toParent);
});
