/** Files dropped on the window: only the system names them, so no script of the page can. */

/** What is needed of the browser's DragEvent. */
interface Drop {
  readonly isTrusted: boolean;
  readonly dataTransfer: { readonly files: ArrayLike<File> } | null;
}

/** More than this is no gesture of a hand. */
const pathsMax = 1000;

/**
 * The paths of what the user dropped; none of what a script of the page made up.
 *
 * An event that a script makes is not trusted. A file that a script makes has the path '', also
 * within an event that the user caused.
 * @param pathOf the path of a file on the disk, '' for any other
 */
export function droppedPaths(drop: Drop, pathOf: (file: File) => string): string[] {
  if (!drop.isTrusted || drop.dataTransfer === null) return [];
  return Array.from(drop.dataTransfer.files, pathOf)
    .filter((path) => path !== '')
    .slice(0, pathsMax);
}
