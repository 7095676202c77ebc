/** A camera's name: how it is shown, everywhere the same, and how two spellings of it are compared. */

import type { Shot } from './mosaic.ts';

type MakeAndModel = Pick<Shot, 'make' | 'model'>;

/** For sentences about a photo that does not say what took it. */
export const unknownCamera = 'an unknown camera';

/**
 * The name that people read: make and model, without the make twice. "NIKON CORPORATION" and
 * "NIKON D850" give "NIKON D850".
 * @returns undefined where the file names neither
 */
export function cameraName(shot: MakeAndModel): string | undefined {
  const make = shot.make?.trim() ?? '';
  const model = shot.model?.trim() ?? '';
  const name = repeatsBrand(make, model) ? model : `${make} ${model}`.trim();
  return name === '' ? undefined : name;
}

/** The model alone, in small letters: "d850", whether the file says "D850" or "NIKON D850". */
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

/** What companies add to their names; it tells no two cameras apart. */
const companyWords: ReadonlySet<string> = new Set([
  'ag', 'camera', 'co', 'company', 'corp', 'corporation', 'electronics', 'gmbh', 'imaging', 'inc',
  'ltd', 'optical',
]); // prettier-ignore

/**
 * Equal for two spellings of one camera, as files, stored lists and people write them: "NIKON D850",
 * "Nikon D850" and "NIKON CORPORATION NIKON D850".
 * @param name as `cameraName` gives it, or make and model in a row
 */
export function cameraKey(name: string): string {
  const words = name.toLowerCase().split(/[\s,]+/);
  const kept = words.filter((word) => word !== '' && !companyWords.has(word.replace(/\.$/, '')));
  // The make may stand twice, in front of the model and within it.
  return kept.filter((word, at) => at === 0 || word !== kept[0]).join(' ');
}

/** Whether two frames, or a frame and a profile, are of one kind of camera; two that name none are. */
export function isSameCamera(a: MakeAndModel, b: MakeAndModel): boolean {
  return cameraKey(cameraName(a) ?? '') === cameraKey(cameraName(b) ?? '');
}
