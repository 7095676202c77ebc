/** A model's title, and the id derived from it. */

import { z } from 'zod';

export const modelTitleSchema = z.object({
  /** Short name for `--model` and the files: lower-case letters, digits, hyphens. */
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  name: z.string().min(1).max(100),
  description: z.string().max(2000),
  licence: z.string().min(1),
});

export type ModelTitle = z.infer<typeof modelTitleSchema>;

/** Makes an id from a title: "My A7S, fast" becomes "my-a7s-fast". Empty if no letter or digit is left. */
export function idOfName(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 64)
    .replaceAll(/^-+|-+$/g, '');
}
