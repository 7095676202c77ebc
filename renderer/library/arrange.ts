/** Which photos are shown, and in what order. */

import type { Photo } from '../../preload/contract.ts';

export const sortKeys = ['name', 'taken', 'modified', 'iso', 'shutter', 'ratio', 'rating'] as const;
export type SortKey = (typeof sortKeys)[number];

export const stateFilters = ['all', 'new', 'edited', 'exported', 'failed'] as const;
export type StateFilter = (typeof stateFilters)[number];

export interface Arrangement {
  readonly sort: SortKey;
  readonly isDescending: boolean;
  readonly state: StateFilter;
  readonly ratingMin: number;
  /** Words that must all occur in the name, folder, camera or lens. */
  readonly search: string;
}

export const plainArrangement: Arrangement = {
  sort: 'name',
  isDescending: false,
  state: 'all',
  ratingMin: 0,
  search: '',
};

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** A photo that has not been looked into yet stands at the end, whichever way the others run. */
function keyOf(photo: Photo, sort: SortKey): number | undefined {
  switch (sort) {
    case 'name':
      return 0;
    case 'taken': {
      const at = photo.facts?.takenAt;
      return at === undefined ? undefined : Date.parse(at);
    }
    case 'modified':
      return photo.modifiedMs;
    case 'iso':
      return photo.facts?.iso;
    case 'shutter':
      return photo.facts?.exposureSeconds;
    case 'ratio':
      return photo.facts?.autoRatio;
    case 'rating':
      return photo.rating;
  }
}

export function arrange(photos: readonly Photo[], arrangement: Arrangement): readonly Photo[] {
  const { sort, isDescending, state, ratingMin } = arrangement;
  const words = arrangement.search.toLowerCase().split(/\s+/).filter(Boolean);
  const isWanted = (photo: Photo): boolean => {
    if (state !== 'all' && photo.state !== state) return false;
    if (photo.rating < ratingMin) return false;
    if (words.length === 0) return true;
    const { name, subfolder, facts } = photo;
    const text = `${subfolder}/${name} ${facts?.camera ?? ''} ${facts?.lens ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const direction = isDescending ? -1 : 1;
  return photos
    .filter(isWanted)
    .map((photo) => ({ photo, key: keyOf(photo, sort) }))
    .sort((a, b) => {
      const byName =
        names.compare(a.photo.subfolder, b.photo.subfolder) ||
        names.compare(a.photo.name, b.photo.name);
      if (sort === 'name') return direction * byName;
      if (a.key === undefined || b.key === undefined) {
        return Number(a.key === undefined) - Number(b.key === undefined) || byName;
      }
      return direction * (a.key - b.key) || byName;
    })
    .map(({ photo }) => photo);
}
