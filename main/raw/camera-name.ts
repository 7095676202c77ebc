/** Camera names: how they are displayed everywhere, and how two spellings are compared. */

import type { Shot } from './mosaic.ts';

type MakeAndModel = Pick<Shot, 'make' | 'model'>;

/** Used in sentences about a photo that does not name its camera. */
export const unknownCamera = 'an unknown camera';

/**
 * The displayed name: make and model, without repeating the make. "NIKON CORPORATION" and "NIKON
 * D850" give "NIKON D850".
 * @returns undefined if the file names neither
 */
export function cameraName(shot: MakeAndModel): string | undefined {
  const make = shot.make?.trim() ?? '';
  const model = shot.model?.trim() ?? '';
  const name = repeatsBrand(make, model) ? model : `${make} ${model}`.trim();
  return name === '' ? undefined : name;
}

/** The model alone, in lower case: "d850", whether the file says "D850" or "NIKON D850". */
export function bareModel(shot: MakeAndModel): string {
  const make = shot.make?.trim() ?? '';
  const model = shot.model?.trim() ?? '';
  const bare = repeatsBrand(make, model) ? model.slice(brandOf(make).length) : model;
  return bare.trim().toLowerCase();
}

/** The first word of a make: "NIKON" of "NIKON CORPORATION". */
function brandOf(make: string): string {
  return make.split(/\s+/)[0] ?? '';
}

function repeatsBrand(make: string, model: string): boolean {
  const brand = brandOf(make).toLowerCase();
  return brand !== '' && model.toLowerCase().startsWith(brand);
}

/** Parts of company names, which never distinguish two cameras. */
const companyWords: ReadonlySet<string> = new Set([
  'ag', 'camera', 'co', 'company', 'corp', 'corporation', 'electronics', 'gmbh', 'imaging', 'inc',
  'ltd', 'optical',
]); // prettier-ignore

/**
 * A key that is equal for all spellings of one camera in files, stored lists and user input: "NIKON
 * D850", "Nikon D850" and "NIKON CORPORATION NIKON D850".
 * @param name from `cameraName`, or make and model in a row
 */
export function cameraKey(name: string): string {
  const words = name.toLowerCase().split(/[\s,]+/);
  const kept = words.filter((word) => word !== '' && !companyWords.has(word.replace(/\.$/, '')));
  // The make may occur twice, before the model and within it.
  return kept.filter((word, at) => at === 0 || word !== kept[0]).join(' ');
}

/**
 * Whether two frames, or a frame and a profile, are from the same kind of camera; also true if
 * neither names one.
 */
export function isSameCamera(a: MakeAndModel, b: MakeAndModel): boolean {
  return cameraKey(cameraName(a) ?? '') === cameraKey(cameraName(b) ?? '');
}
