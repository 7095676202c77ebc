/** Words about culling and about a photo's file: flags, colour labels, filters, and the trash. */

import { counted } from './strings.ts';

export const cullWords = {
  autoRatioSays: 'How much brighter this photo is made by itself',
  ownRatioSays: 'How much brighter you made this photo',
  noMatch: 'No photo is like that',
  showAll: 'Show all photos',
  about: {
    title: 'About this photo',
    file: 'File',
    subfolder: 'Folder',
    size: 'Size',
    pixels: 'Pixels',
    taken: 'Taken',
    changed: 'Changed',
    camera: 'Camera',
    lens: 'Lens',
    focal: 'Focal length',
    aperture: 'Aperture',
    shutter: 'Shutter',
    iso: 'ISO',
  },
  flags: { none: 'No flag', pick: 'Picked', reject: 'Rejected' },
  flagFilter: {
    all: 'Any flag',
    pick: 'Picked',
    none: 'No flag',
    reject: 'Rejected',
    kept: 'Not rejected',
  },
  labels: { none: 'No label', red: 'Red', yellow: 'Yellow', green: 'Green', blue: 'Blue' },
  filterFlag: 'Flag',
  filterLabel: 'Colour label',
  anyLabel: 'Any label',
  filterCamera: 'Camera',
  anyCamera: 'Any camera',
  filterLens: 'Lens',
  anyLens: 'Any lens',
  isoFrom: 'ISO from',
  isoTo: 'to ISO',
  takenFrom: 'Taken from',
  takenTo: 'to',
  clearFilters: 'Clear',
  filtersOn: (count: number) => (count === 0 ? 'Filters' : `Filters: ${count}`),
  autoAdvance: 'Go to the next photo after a star, flag or label',
  advanceIs: (isOn: boolean) =>
    isOn ? 'Marks lead to the next photo now' : 'Marks stay on the photo now',
  noTrash: 'Only the desktop app can move photos to the trash',
  trashed: (count: number) => `${counted(count, 'photo', 'photos')} moved to the trash`,
  /** What is seen as colours and signs, for who cannot see them. */
  marksSay: (state: string, rating: number, flag: string | undefined, label: string | undefined) =>
    [state, rating === 0 ? undefined : counted(rating, 'star', 'stars'), flag, label]
      .filter((part) => part !== undefined)
      .join(', '),
} as const;
