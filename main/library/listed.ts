/** What the window is told of a photo: its file, its state and its facts. */

import { createHash } from 'node:crypto';
import type { Photo, PhotoFacts } from '../../preload/contract/contract.ts';
import { defaultEdits, type Edits } from '../../preload/contract/edits.ts';
import type { FoundPhoto } from './folder.ts';
import { photoIdOf } from './photo-id.ts';
import type { Sidecar } from './sidecar.ts';

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
  /** How a photo is exported as it is edited now. */
  readonly exportsOf: (photo: {
    readonly id: string;
    readonly edits: Edits;
    readonly camera: string | undefined;
  }) => Exports;
  /** Identifies the models that develop the photos, because their looks depend on it. */
  readonly models: () => string;
}

export function listed({ found, sidecar, facts, failure }: Known, parts: ListingParts): Photo {
  const id = photoIdOf(found.path);
  const edits = JSON.stringify(sidecar.edits);
  const isEdited = edits !== JSON.stringify(defaultEdits);
  const { presets, isDone } = parts.exportsOf({ id, edits: sidecar.edits, camera: facts?.camera });
  const state =
    failure !== undefined ? 'failed' : isDone ? 'exported' : isEdited ? 'edited' : 'new';
  const stamp = createHash('sha256')
    .update(`${found.modifiedMs} ${found.bytes} ${edits} ${parts.models()}`)
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
    stamp: stamp.slice(0, 16),
    exported: presets,
    ...(facts === undefined ? {} : { facts }),
  };
}
