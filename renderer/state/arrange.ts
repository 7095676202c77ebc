/** Filters and sorts photos. */

import type { Photo } from '../../preload/contract/contract.ts';
import type { Flag, Label } from '../../preload/contract/culling.ts';

export const sortKeys = ['name', 'taken', 'modified', 'iso', 'shutter', 'ratio', 'rating'] as const;
export type SortKey = (typeof sortKeys)[number];

export const stateFilters = ['all', 'new', 'edited', 'exported', 'failed'] as const;
export type StateFilter = (typeof stateFilters)[number];

/** `kept`: all but the rejected. */
export const flagFilters = ['all', 'pick', 'none', 'reject', 'kept'] as const;

export interface Filters {
  readonly flag: (typeof flagFilters)[number];
  readonly label: Label | 'all';
  /** As in the photos' facts; '' for any. */
  readonly camera: string;
  readonly lens: string;
  readonly isoMin: number | undefined;
  readonly isoMax: number | undefined;
  /** Days, `YYYY-MM-DD`; '' for any. */
  readonly takenFrom: string;
  readonly takenTo: string;
}

export const noFilters: Filters = {
  flag: 'all',
  label: 'all',
  camera: '',
  lens: '',
  isoMin: undefined,
  isoMax: undefined,
  takenFrom: '',
  takenTo: '',
};

export interface Arrangement {
  readonly filters: Filters;
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
  filters: noFilters,
};

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Photos that were not read yet come last, in either direction. */
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
      return photo.ratio;
    case 'rating':
      return photo.rating;
  }
}

/** What an arrangement needs to know of every photo; undefined if it needs nothing from the files. */
export function neededFor({ sort, filters }: Arrangement): 'shot' | 'ratio' | undefined {
  switch (sort) {
    case 'taken':
    case 'iso':
    case 'shutter':
      return 'shot';
    case 'ratio':
      return 'ratio';
    case 'name':
    case 'modified':
    case 'rating':
      return isAboutShots(filters) ? 'shot' : undefined;
  }
}

/** Whether that is not known of a photo yet. */
export function lacks({ facts, state, ratio }: Photo, what: 'shot' | 'ratio'): boolean {
  return state !== 'failed' && (what === 'shot' ? facts : ratio) === undefined;
}

export class Arranger {
  /** Comparing names is slow, so it is done once per set of photos. */
  #places: ReadonlyMap<string, number> = new Map();

  arrange(photos: readonly Photo[], arrangement: Arrangement): readonly Photo[] {
    const { sort, isDescending } = arrangement;
    const places = this.#placesOf(photos);
    const direction = isDescending ? -1 : 1;
    return photos
      .filter((photo) => isWanted(photo, arrangement))
      .map((photo) => ({ photo, key: keyOf(photo, sort), place: places.get(photo.id) ?? 0 }))
      .sort((a, b) => {
        const byName = a.place - b.place;
        if (sort === 'name') return direction * byName;
        if (a.key === undefined || b.key === undefined) {
          return Number(a.key === undefined) - Number(b.key === undefined) || byName;
        }
        return direction * (a.key - b.key) || byName;
      })
      .map(({ photo }) => photo);
  }

  #placesOf(photos: readonly Photo[]): ReadonlyMap<string, number> {
    const known = this.#places;
    if (photos.length !== known.size || photos.some(({ id }) => !known.has(id))) {
      const sorted = photos.toSorted(
        (a, b) => names.compare(a.subfolder, b.subfolder) || names.compare(a.name, b.name),
      );
      this.#places = new Map(sorted.map(({ id }, place) => [id, place]));
    }
    return this.#places;
  }
}

/** How many of the filters let only some photos through. */
export function filtersOn(filters: Filters): number {
  const names = [
    'flag',
    'label',
    'camera',
    'lens',
    'isoMin',
    'isoMax',
    'takenFrom',
    'takenTo',
  ] as const;
  return names.filter((name) => filters[name] !== noFilters[name]).length;
}

function isAboutShots({ flag, label, ...shot }: Filters): boolean {
  return filtersOn({ ...shot, flag: 'all', label: 'all' }) > 0;
}

function isFlagWanted(flag: Flag | undefined, wanted: Filters['flag']): boolean {
  switch (wanted) {
    case 'all':
      return true;
    case 'none':
      return flag === undefined;
    case 'kept':
      return flag !== 'reject';
    case 'pick':
    case 'reject':
      return flag === wanted;
  }
}

/** A fact that is not known, or that the file does not tell, lies outside of every limit. */
function isThrough({ flag, label, facts }: Photo, filters: Filters): boolean {
  if (!isFlagWanted(flag, filters.flag)) return false;
  if (filters.label !== 'all' && label !== filters.label) return false;
  if (filters.camera !== '' && facts?.camera !== filters.camera) return false;
  if (filters.lens !== '' && facts?.lens !== filters.lens) return false;
  const { isoMin = -Infinity, isoMax = Infinity, takenFrom, takenTo } = filters;
  const hasIso = filters.isoMin !== undefined || filters.isoMax !== undefined;
  const iso = facts?.iso ?? Number.NaN;
  if (hasIso && !(iso >= isoMin && iso <= isoMax)) return false;
  const day = facts?.takenAt?.slice(0, 10);
  if (takenFrom !== '' && (day === undefined || day < takenFrom)) return false;
  return takenTo === '' || (day !== undefined && day <= takenTo);
}

function isWanted(photo: Photo, { state, ratingMin, search, filters }: Arrangement): boolean {
  if (state !== 'all' && photo.state !== state) return false;
  if (photo.rating < ratingMin) return false;
  if (!isThrough(photo, filters)) return false;
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { name, subfolder, facts } = photo;
  const text = `${subfolder}/${name} ${facts?.camera ?? ''} ${facts?.lens ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
