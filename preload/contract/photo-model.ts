/** Which model develops a photo: its own, else its camera's default, else the default for all. */

import { defaultEdits, defaultModel, type Edits } from './edits.ts';
import { modelFor, type Settings } from './settings.ts';

export interface PhotoModel {
  /** Id of the model that develops it. */
  readonly id: string;
  /** Id of the model that its edits name, if that is not here; `id` is then the default. */
  readonly missing?: string;
}

/**
 * @param camera from a photo's facts, if known
 * @param isThere whether there is a model of an id
 */
export function photoModel(
  { model }: Edits,
  { settings, camera }: { readonly settings: Settings; readonly camera: string | undefined },
  isThere: (id: string) => boolean,
): PhotoModel {
  if (model !== defaultModel && isThere(model)) return { id: model };
  const id = modelFor(settings, camera);
  return model === defaultModel ? { id } : { id, missing: model };
}

/**
 * Edits with their model: an edited photo keeps the model that developed it, also when another one
 * becomes the default. Untouched edits stay as they are.
 * @param model id of the default for the photo
 */
export function withModel(edits: Edits, model: string): Edits {
  const isOpen = edits.model === defaultModel && !isUntouched(edits);
  return isOpen ? { ...edits, model } : edits;
}

/** Whether nothing was edited; a model that is the default as well does not count. */
export function isUntouched(edits: Edits, model = defaultModel): boolean {
  const own = edits.model === model ? { ...edits, model: defaultModel } : edits;
  const [now, untouched] = [own, defaultEdits].map((all) =>
    JSON.stringify(Object.entries(all).sort()),
  );
  return now === untouched;
}
