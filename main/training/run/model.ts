/** Writes the model of a run: its files, with the run described in manifest and card. */

import path from 'node:path';
import type { Checkpoint } from './checkpoint.ts';
import { makingWords, provenanceFacts, startWords } from './provenance.ts';
import { modelCard } from './model-card.ts';
import type { OpenDataset } from './open-dataset.ts';
import { seenByRun, type RunDescription } from './folder.ts';
import { writeModel, type ModelFiles } from './trained-model.ts';

/** What is known about the data while it is open. */
export type DataFacts = Pick<OpenDataset, 'count' | 'excluded' | 'validation'>;

/**
 * Writes the model of a run's checkpoint into its folder.
 * @param known absent where the data is not open
 * @throws Refusal `disk`
 */
export async function writeRunModel(
  folder: string,
  run: RunDescription,
  checkpoint: Checkpoint,
  known?: DataFacts,
): Promise<ModelFiles> {
  const { title, settings, best, last, startedFrom, trainedSeconds } = run;
  const { passes } = settings;
  const pairsSeen = seenByRun(run);
  const scores = [best, last].find((one) => one?.step === checkpoint.state.step);
  const trainedHours = Number((trainedSeconds / 3600).toFixed(3));
  // A model is shared with others, so it must not name folders of this machine.
  const from = startedFrom.kind === 'random' ? 'random weights' : path.basename(startedFrom.which);
  const provenance = provenanceFacts(run);
  const making = makingWords(run);
  const facts = {
    ...(known === undefined ? {} : { photos: known.count, excluded: [...known.excluded] }),
    trainedHours,
    startedFrom: from,
    ...provenance,
    ...(pairsSeen === undefined ? {} : { pairsSeen }),
    ...(scores === undefined ? {} : { validation: scores }),
  };
  const card = modelCard(checkpoint, title, {
    ...(known === undefined ? {} : { count: known.count, excluded: known.excluded }),
    startedFrom: startWords(startedFrom),
    ...(making === undefined ? {} : { making }),
    ...(provenance.command === undefined ? {} : { command: provenance.command }),
    trainedHours,
    passes,
    ...(scores === undefined || known === undefined
      ? {}
      : { validation: { ...known.validation, ...scores } }),
  });
  const metadata = { ...provenance, startedFrom: startWords(startedFrom) };
  return writeModel(folder, checkpoint, title, { facts, card, passes, metadata });
}
