/**
 * Marks a linear DNG as a picture that this program developed, with the edits that it is shown with.
 * They are in DNGPrivateData (DNG 1.4), which begins with its writer's name and is ignored by other
 * readers.
 */

/** Our name, followed by the kind of data: `developed`, version 1. */
const head = new TextEncoder().encode('Nightglass\0developed 1\0');

const textBytesMax = 65_536;

/** @param edits JSON; another layer's matter */
export function encodeDeveloped(edits: string): Uint8Array {
  return Buffer.concat([head, new TextEncoder().encode(`${edits}\0`)]);
}

/** @returns the edits as they were written; undefined for another program's data */
export function decodeDeveloped(bytes: Uint8Array): string | undefined {
  if (!head.every((value, index) => bytes[index] === value)) return undefined;
  const end = bytes.indexOf(0, head.length);
  const text = bytes.subarray(head.length, end);
  return end < 0 || text.length > textBytesMax ? undefined : new TextDecoder().decode(text);
}
