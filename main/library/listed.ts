/** What the window is told of a photo: its file, its state and its facts. */

import { createHash } from 'node:crypto';
import type { Photo, PhotoFacts } from '../../preload/contract/contract.ts';
import type { Edits } from '../../preload/contract/edits.ts';
import { isUntouched, type PhotoModel } from '../../preload/contract/photo-model.ts';
import type { FoundPhoto } from './folder.ts';
import { photoIdOf } from './photo-id.ts';
import type { Sidecar } from './sidecar-form.ts';

export interface PhotoFailure {
  /** A Refusal's code, or `bug`; `disk` may disappear when the disk comes back. */
  readonly code: string;
  readonly message: string;
}

/** What the library knows of a photo. */
export interface Known {
  readonly found: FoundPhoto;
  sidecar: Sidecar;
  facts: PhotoFacts | undefined;
  /** Failure of the last attempt to read the file or to export it. */
  failure: PhotoFailure | undefined;
}

export interface Exports {
  /** Names of presets. */
  readonly presets: string[];
  /** Whether all that one click writes are among them. */
  readonly isDone: boolean;
}

export interface ListingParts {
  /** How a photo is exported as it is edited now, by the model of this id. */
  readonly exportsOf: (id: string, edits: Edits, model: string) => Exports;
  readonly modelOf: (edits: Edits, camera: string | undefined) => PhotoModel;
  /** Id of the model of photos that have none of their own. */
  readonly defaultModel: (camera: string | undefined) => string;
  /** Whether some camera has a model of its own. */
  readonly areCamerasNeeded: () => boolean;
  /** Grows whenever a model's weights were replaced, because photos look different then. */
  readonly modelsReplaced: () => number;
}

export function listed({ found, sidecar, facts, failure }: Known, parts: ListingParts): Photo {
  const id = photoIdOf(found.path);
  const ratio = sidecar.edits.ratio === 'auto' ? facts?.autoRatio : sidecar.edits.ratio;
  const edits = JSON.stringify(sidecar.edits);
  const camera = facts?.camera;
  const isEdited = !isUntouched(sidecar.edits, parts.defaultModel(camera));
  const model = parts.modelOf(sidecar.edits, camera);
  const { presets, isDone } = parts.exportsOf(id, sidecar.edits, model.id);
  const state =
    failure !== undefined ? 'failed' : isDone ? 'exported' : isEdited ? 'edited' : 'new';
  const stamp = createHash('sha256')
    .update(`${found.modifiedMs} ${found.bytes} ${edits} ${model.id} ${parts.modelsReplaced()}`)
    .digest('hex');
  return {
    id,
    name: found.name,
    subfolder: found.subfolder,
    bytes: found.bytes,
    modifiedMs: found.modifiedMs,
    state,
    ...(failure === undefined ? {} : { failure: failure.message }),
    rating: sidecar.rating,
    ...(sidecar.flag === undefined ? {} : { flag: sidecar.flag }),
    ...(sidecar.label === undefined ? {} : { label: sidecar.label }),
    ...(ratio === undefined ? {} : { ratio }),
    stamp: stamp.slice(0, 16),
    exported: presets,
    ...(model.missing === undefined ? {} : { missingModel: model.missing }),
    ...(facts === undefined ? {} : { facts }),
  };
}
