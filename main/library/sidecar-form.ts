/** What stands in a sidecar, and how much of a damaged one can be kept. */

import { z } from 'zod';
import { marksShape } from '../../preload/contract/culling.ts';
import { defaultEdits, editsSchema } from '../../preload/contract/edits.ts';
import { snapshotsSchema } from '../../preload/contract/undo.ts';
import { parseShallowJson } from '../base/shallow-json.ts';
import { historySchema } from './history.ts';
import { withAllEdits } from './stored-look.ts';

/**
 * Version 2 has the photo's model among its edits; photos of version 1 had the one of the settings. A
 * later version of the app will raise `version` and read earlier ones.
 */
const version = 2;
const contentSchema = z.object({
  rating: z.number().int().min(0).max(5),
  ...marksShape,
  edits: z.preprocess(withAllEdits, editsSchema),
  snapshots: z.preprocess(withAllSnapshots, snapshotsSchema).default([]),
  // Edits count more than the way to them.
  history: historySchema.catch([]),
});
const headSchema = z.looseObject({ format: z.literal('nightglass-edits'), version: z.number() });
const fieldsSchema = z.record(z.string(), z.unknown());

/** Snapshots too may be older than the newest of the edits. */
function withAllSnapshots(snapshots: unknown): unknown {
  const known = z.array(z.looseObject({ edits: z.unknown() })).safeParse(snapshots);
  return known.success
    ? known.data.map((one) => ({ ...one, edits: withAllEdits(one.edits) }))
    : snapshots;
}

export type Sidecar = z.infer<typeof contentSchema>;

export const newSidecar: Sidecar = { rating: 0, edits: defaultEdits, snapshots: [], history: [] };

/** What a text says as a sidecar. */
export type Told =
  | { readonly kind: 'read'; readonly sidecar: Sidecar }
  | {
      readonly kind: 'damaged';
      /** What could be read of it; undefined for nothing. */
      readonly sidecar: Sidecar | undefined;
      /** Names of the fields that could not, and have their defaults. */
      readonly lost: readonly string[];
    }
  | { readonly kind: 'later'; readonly sidecar: undefined };

/** Never throws. */
export function parseSidecar(text: string): Told {
  const head = headSchema.safeParse(parseShallowJson(text));
  if (!head.success) return { kind: 'damaged', sidecar: undefined, lost: [] };
  const { format: _, version: written, ...fields } = head.data;
  if (written > version) return { kind: 'later', sidecar: undefined };
  const whole = contentSchema.safeParse(fields);
  return whole.success ? { kind: 'read', sidecar: whole.data } : salvaged(fields);
}

/** Takes one field after the other, as long as all of them together are valid. */
function salvaged({ edits, ...fields }: Record<string, unknown>): Told {
  const lost: string[] = [];
  let sidecar = newSidecar;
  const take = (name: string, changed: unknown): void => {
    const tried = contentSchema.safeParse(changed);
    if (tried.success) sidecar = tried.data;
    else lost.push(name);
  };
  for (const [name, value] of Object.entries(fields)) take(name, { ...sidecar, [name]: value });
  const known = fieldsSchema.safeParse(edits);
  if (!known.success) lost.push('edits');
  for (const [name, value] of Object.entries(known.data ?? {}))
    take(name, { ...sidecar, edits: { ...sidecar.edits, [name]: value } });
  return { kind: 'damaged', sidecar, lost };
}

/** The text of a sidecar. @throws ZodError for a value that no sidecar may hold */
export function sidecarText(sidecar: Sidecar): string {
  const content = { format: 'nightglass-edits', version, ...contentSchema.parse(sidecar) };
  return `${JSON.stringify(content, null, 2)}\n`;
}
