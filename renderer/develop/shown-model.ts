/** The model that develops the photo on the screen, while its edits may not be written yet. */

import type { Photo } from '../../preload/contract/contract.ts';
import type { Edits } from '../../preload/contract/edits.ts';
import { photoModel, type PhotoModel } from '../../preload/contract/photo-model.ts';
import { modelFor, type Settings } from '../../preload/contract/settings.ts';

export interface ShownModel extends PhotoModel {
  /** Id of the model that a photo of this camera has by default. */
  readonly byDefault: string;
}

/** @param photo as the library lists it: it knows which of the models named are not here */
export function shownModel(
  edits: Edits,
  photo: Photo | undefined,
  of: { readonly settings: Settings; readonly camera: string | undefined },
): ShownModel {
  const model = photoModel(edits, of, (id) => id !== photo?.missingModel);
  return { ...model, byDefault: modelFor(of.settings, of.camera) };
}
