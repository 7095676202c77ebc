/** Locates the app's own files, whether it runs from its sources or from the bundle. */

import { existsSync } from 'node:fs';
import path from 'node:path';

function folderOfPackage(from: string): string {
  if (existsSync(path.join(from, 'package.json'))) return from;
  const parent = path.dirname(from);
  if (parent === from) throw new Error(`expected package.json above ${import.meta.dirname}`);
  return folderOfPackage(parent);
}

/** The folder of package.json: the checkout, or the archive of the packaged app. */
export const appRoot = folderOfPackage(import.meta.dirname);
