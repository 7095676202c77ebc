/** The survey process: answers one question about training, and ends. */

import { constants, setPriority } from 'node:os';
import { onParentMessage, toParent } from '../engine/parent.ts';
import { failureOf } from '../engine/protocol.ts';
import { trainingPhotos } from '../training/dataset.ts';
import { measureStep } from '../training/measure.ts';
import { surveyJobSchema, type SurveyJob, type SurveyReply } from './survey-protocol.ts';

// As training does: what is measured is what will be, and the app stays quick.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

async function survey(job: SurveyJob): Promise<SurveyReply> {
  switch (job.kind) {
    case 'photos': {
      const { files, excluded } = await trainingPhotos(job.folders, {
        exclude: [],
        withHeldOut: false,
      });
      return { kind: 'photos', files: [...files], excluded: [...excluded] };
    }
    case 'measure':
      return { kind: 'measured', ...(await measureStep(job.recipe, job.threads)) };
  }
}

onParentMessage((unknown) => {
  survey(surveyJobSchema.parse(unknown))
    .catch((error: unknown): SurveyReply => ({ kind: 'failed', failure: failureOf(error) }))
    .then(toParent, toParent);
});
