/** Finds the teacher: the model whose answers a run learns from besides the truth. */

import { readModel, type Model } from '../../network/manifest.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Recipe } from '../recipe.ts';

/**
 * @param which its id or path
 * @throws Refusal as `readModel`; `model` if the run began with another teacher; `bad-argument` if it
 *   began without one
 */
export async function readTeacher(
  { teacher }: Pick<Recipe, 'teacher'>,
  which: string,
): Promise<Model> {
  if (teacher === undefined) {
    throw new Refusal('bad-argument', 'expected no --teacher: the run began without one');
  }
  const model = await readModel(which);
  if (model.manifest.sha256 !== teacher.sha256) {
    throw new Refusal(
      'model',
      `expected ${teacher.id} to teach as it did when the run began but ${which} is another model by now: say where the same one lies with --resume --teacher`,
    );
  }
  return model;
}
