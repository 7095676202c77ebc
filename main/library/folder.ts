/** Finds the RAW photos of a folder. */

import { opendir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isOurLinearDng } from '../export/ours.ts';
import { isRawName } from '../raw/endings.ts';
import { describeError, Refusal, throwIfCancelled } from '../base/refusal.ts';

/** What is known about a file without opening it. */
export interface FoundPhoto {
  readonly path: string;
  readonly name: string;
  /** Relative to the folder; '' for the folder itself. */
  readonly subfolder: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly hasSidecar: boolean;
  /** Whether it is a linear DNG that this program made. */
  readonly isOurs: boolean;
}

/** Default folder for pictures; DNGs in it are not photos to enhance. */
export const outputFolderName = 'Nightglass';

export const sidecarEnding = '.nightglass.json';

/** Limit for nested folders, which ends a loop of mounts. */
const depthMax = 32;

/** How far below a folder without photos they are looked for: a card has them in DCIM/100MSDCF. */
const cardDepth = 3;

/**
 * How many levels of subfolders belong to a folder: all of them if asked for, and those of a camera's
 * card if the folder itself holds no photo.
 * @throws Refusal `disk`
 */
export async function depthOf(folder: string, subfolders: boolean): Promise<number> {
  if (subfolders) return depthMax;
  const { photos } = await list(folder, true);
  return photos.length === 0 ? cardDepth : 0;
}

/**
 * Photos folder by folder, each sorted by name in natural order (2 before 10). Pictures that this
 * program made, such as linear DNGs, are not among them, unless the folder holds no others.
 * @param depth how many levels of subfolders are searched
 * @throws Refusal `disk` if the folder itself cannot be read; unreadable subfolders are skipped
 */
export async function* photosIn(
  root: string,
  { depth: most, signal }: { readonly depth: number; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<readonly FoundPhoto[]> {
  const waiting: { readonly folder: string; readonly depth: number }[] = [
    { folder: root, depth: 0 },
  ];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    throwIfCancelled(signal);
    const { folder, depth } = next;
    const listing = await list(folder, folder === root);
    if (depth < most) {
      waiting.unshift(
        ...listing.folders.map((name) => ({ folder: path.join(folder, name), depth: depth + 1 })),
      );
    }
    const names = new Set(listing.names);
    const showsOurs = folder === root && (await areAllOurs(folder, listing.photos));
    const place = { root, folder, names, showsOurs };
    for (let at = 0; at < listing.photos.length; at += 200) {
      throwIfCancelled(signal);
      const batch = listing.photos.slice(at, at + 200);
      const found = await Promise.all(batch.map((name) => look(name, place)));
      yield found.filter((photo) => photo !== undefined);
    }
  }
}

interface Listing {
  readonly names: readonly string[];
  readonly photos: readonly string[];
  readonly folders: readonly string[];
}

async function list(folder: string, isRoot: boolean): Promise<Listing> {
  const names: string[] = [];
  const photos: string[] = [];
  const folders: string[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      names.push(entry.name);
      // Links to folders are not followed, because they may form circles. Links to photos are.
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && entry.name !== outputFolderName)
          folders.push(entry.name);
      } else if (isRawName(entry.name)) {
        photos.push(entry.name);
      }
    }
  } catch (error) {
    if (isRoot)
      throw new Refusal('disk', `cannot read the folder ${folder}: ${describeError(error)}`);
  }
  return { names, photos: photos.sort(byName), folders: folders.sort(byName) };
}

const collator = new Intl.Collator('en', { numeric: true });
const byName = (a: string, b: string): number => collator.compare(a, b);

/** Whether somebody opened a folder of exports, to see them. */
async function areAllOurs(folder: string, photos: readonly string[]): Promise<boolean> {
  for (const name of photos) {
    const file = path.join(folder, name);
    const found = await stat(file).catch(() => undefined);
    if (found === undefined || !(await isOurs(file, found))) return false;
  }
  return photos.length > 0;
}

interface Place {
  readonly root: string;
  readonly folder: string;
  readonly names: ReadonlySet<string>;
  readonly showsOurs: boolean;
}

async function look(
  name: string,
  { root, folder, names, showsOurs }: Place,
): Promise<FoundPhoto | undefined> {
  const file = path.join(folder, name);
  try {
    const found = await stat(file);
    if (!found.isFile()) return undefined;
    const ours = await isOurs(file, found);
    if (ours && !showsOurs) return undefined;
    return {
      path: file,
      name,
      subfolder: path.relative(root, folder),
      bytes: found.size,
      modifiedMs: found.mtimeMs,
      hasSidecar: names.has(name + sidecarEnding),
      isOurs: ours,
    };
  } catch {
    // The file has disappeared since it was listed.
    return undefined;
  }
}

/** Answers about DNGs, because a folder is listed again whenever something in it changes. */
const looked = new Map<string, boolean>();
const lookedMax = 50_000;

async function isOurs(
  file: string,
  { mtimeMs, size }: { readonly mtimeMs: number; readonly size: number },
): Promise<boolean> {
  const key = `${file}\n${mtimeMs} ${size}`;
  const known = looked.get(key);
  if (known !== undefined) return known;
  const is = await isOurDng(file);
  if (looked.size >= lookedMax) looked.clear();
  looked.set(key, is);
  return is;
}

/** Whether a file is a linear DNG that this program made of a photo. */
export async function isOurDng(file: string): Promise<boolean> {
  return /\.dng$/i.test(file) && (await isOurLinearDng(file));
}

/**
 * The direct subfolders of a folder and its number of RAW photos, for a chooser.
 * @throws Refusal `disk`
 */
export async function browse(
  folder: string,
): Promise<{ readonly folders: readonly string[]; readonly photos: number }> {
  const { folders, photos } = await list(folder, true);
  return { folders, photos: photos.length };
}
