/** What people call a model, and the id that follows from it. */

import { z } from 'zod';

export const modelTitleSchema = z.object({
  /** Short name for `--model`, and of the files: small letters, digits, hyphens. */
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  name: z.string().min(1).max(100),
  description: z.string().max(2000),
  licence: z.string().min(1),
});

export type ModelTitle = z.infer<typeof modelTitleSchema>;

/** An id out of a name: "My A7S, fast" becomes "my-a7s-fast"; empty if nothing of it is left. */
export function idOfName(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 64)
    .replaceAll(/^-+|-+$/g, '');
}
