/** The edits that a linear DNG of this program carries, so that it looks as it did. */

import { defaultEdits, editsSchema, type Edits } from '../../preload/contract/edits.ts';
import { readStart } from '../base/small-file.ts';
import { decodeDeveloped } from '../raw/developed-tag.ts';
import { readTiff } from '../raw/tiff-tags.ts';

/** Our files have their first directory, with its values, well within this. */
const headBytes = 1 << 17;
const privateData = 50_740;

/** @returns undefined for any other file, and for one that cannot be read */
export async function storedLook(file: string): Promise<Edits | undefined> {
  if (!/\.dng$/i.test(file)) return undefined;
  try {
    const head = await readStart(file, headBytes);
    const mark = head && readTiff(head)?.images[0]?.bytes(privateData);
    const text = mark && decodeDeveloped(mark);
    if (text === undefined) return undefined;
    const json: unknown = JSON.parse(text);
    const parsed = editsSchema.safeParse(withAllEdits(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Edits that an earlier version of this program did not know get their default. */
export function withAllEdits(edits: unknown): unknown {
  const isRecord = typeof edits === 'object' && edits !== null && !Array.isArray(edits);
  return isRecord ? { ...defaultEdits, ...edits } : edits;
}
