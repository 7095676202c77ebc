/** The file endings of RAW photos: the only such list in the program. */

/**
 * Usual endings, in lower case, of formats with a colour mosaic that LibRaw supports. Foveon's X3F
 * has no mosaic and is not included. `electron-builder.yml` repeats the list for the system's "Open
 * with"; a test compares the two, and the lint rule `house/one-raw-list` refuses a third.
 */
export const rawEndings: ReadonlySet<string> = new Set(
  '3fr ari arw bay bmq cap cr2 cr3 crw cs1 dc2 dcr dcs dng erf fff gpr iiq k25 kc2 kdc mdc mef mos mrw nef nrw orf pef ptx pxn qtk raf raw rdc rw2 rwl sr2 srf srw sti'.split(
    ' ',
  ),
);

/** Whether a file counts as a RAW photo, by its ending in any case; hidden files never do. */
export function isRawName(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > 0 && !name.startsWith('.') && rawEndings.has(name.slice(dot + 1).toLowerCase());
}
