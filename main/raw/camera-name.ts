/** What people call the camera that took a photo. */

import type { Shot } from './mosaic.ts';

/** Make and model, without the make twice: "NIKON CORPORATION" writes "NIKON D850". */
export function cameraName({ make, model }: Pick<Shot, 'make' | 'model'>): string | undefined {
  if (make === undefined || model === undefined) return model ?? make;
  const [brand = make] = make.split(' ');
  return model.toLowerCase().startsWith(brand.toLowerCase()) ? model : `${make} ${model}`;
}
