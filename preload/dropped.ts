/**
 * Reads files dropped on the window. Only the system knows their paths, so no script of the page
 * can name any.
 */

/** The part of the browser's DragEvent that is used here. */
interface Drop {
  readonly isTrusted: boolean;
  readonly dataTransfer: { readonly files: ArrayLike<File> } | null;
}

/** More files than anybody drops. */
const pathsMax = 1000;

/**
 * The paths of files that the user dropped, but not of files that a script of the page made up.
 *
 * An event made by a script is not trusted. A file made by a script has the path '', even in an
 * event caused by the user.
 * @param pathOf the path of a file on disk, '' for any other
 */
export function droppedPaths(drop: Drop, pathOf: (file: File) => string): string[] {
  if (!drop.isTrusted || drop.dataTransfer === null) return [];
  return Array.from(drop.dataTransfer.files, pathOf)
    .filter((path) => path !== '')
    .slice(0, pathsMax);
}
