/** Which records of the original an export keeps, and whose name it bears. */

import type { z } from 'zod';
import type { recordTermsSchema } from '../../preload/contract/choices.ts';
import { short } from '../raw/ifd.ts';
import type { Shot } from '../raw/mosaic.ts';
import { xmpNamespaces, type Records } from '../raw/records.ts';
import { joinXmp, type XmpProperty, type XmpValue } from '../raw/xmp.ts';

export type RecordTerms = z.infer<typeof recordTermsSchema>;

export interface Said {
  readonly shot: Shot;
  readonly records: Records;
}

const none: Records = { first: new Map(), exif: new Map(), gps: new Map(), iptc: [], xmp: [] };

/** @param records absent for a picture that no file was read for */
export function keptRecords(
  shot: Shot,
  records: Records | undefined,
  terms: RecordTerms | undefined,
): Said {
  const said = { shot, records: records ?? none };
  if (terms === undefined) return said;
  switch (terms.privacy) {
    case 'keep-all':
      return signed(said, terms);
    case 'no-location':
      return signed(withoutPlace(said), terms);
    case 'no-personal':
      return impersonal(said);
  }
}

/** IPTC, record 2: content location, city, sublocation, state, country. */
const iptcPlaces = new Set([26, 27, 90, 92, 95, 100, 101]);
const xmpPlaces = new Set([
  ...['City', 'State', 'Country'].map((name) => `${xmpNamespaces.photoshop} ${name}`),
  ...['Location', 'CountryCode'].map((name) => `${xmpNamespaces.iptcCore} ${name}`),
  ...['LocationShown', 'LocationCreated'].map((name) => `${xmpNamespaces.iptcExt} ${name}`),
]);

function isPlace({ namespace, name }: XmpProperty): boolean {
  const isGps = namespace === xmpNamespaces.exif && name.startsWith('GPS');
  return isGps || xmpPlaces.has(`${namespace} ${name}`);
}

function withoutPlace({ shot, records }: Said): Said {
  const { gps: _, ...rest } = shot;
  return {
    shot: rest,
    records: {
      ...records,
      gps: new Map(),
      iptc: records.iptc.filter(
        ({ record, dataSet }) => !(record === 2 && iptcPlaces.has(dataSet)),
      ),
      xmp: records.xmp.filter((property) => !isPlace(property)),
    },
  };
}

/**
 * EXIF's own words, names, serial numbers and identities: user comment, image identity, owner, body
 * and lens serial numbers, title, photographer, editor.
 */
const personalExif = new Set([37_510, 42_016, 42_032, 42_033, 42_037, 42_038, 42_039, 42_040]);

/** Camera, lens, exposure and time remain; no packet of free properties does. */
function impersonal({ shot, records }: Said): Said {
  const { gps: _, artist: _artist, copyright: _copyright, ...rest } = shot;
  const exif = [...records.exif].filter(([tag]) => !personalExif.has(tag));
  return { shot: rest, records: { ...none, exif: new Map(exif) } };
}

const iptcByLine = 80;
const iptcCopyright = 116;
const windowsAuthor = 40_093;
const rating = 18_246;

function signed({ shot, records }: Said, terms: RecordTerms): Said {
  const first = new Map(records.first);
  const replaced: number[] = [];
  const own: XmpProperty[] = [];
  if (terms.creator !== '') {
    own.push(property('dc', 'creator', list('Seq', terms.creator)));
    replaced.push(iptcByLine);
    first.delete(windowsAuthor);
  }
  if (terms.copyright !== '') {
    own.push(property('dc', 'rights', list('Alt', terms.copyright, 'x-default')));
    replaced.push(iptcCopyright);
  }
  if (terms.rating !== undefined && terms.rating > 0) {
    own.push(property('xmp', 'Rating', { kind: 'text', text: String(terms.rating) }));
    if (first.has(rating)) first.set(rating, short(terms.rating));
  }
  return {
    shot: {
      ...shot,
      ...(terms.creator === '' ? {} : { artist: terms.creator }),
      ...(terms.copyright === '' ? {} : { copyright: terms.copyright }),
    },
    records: {
      ...records,
      first,
      iptc: records.iptc.filter(
        ({ record, dataSet }) => !(record === 2 && replaced.includes(dataSet)),
      ),
      xmp: joinXmp(records.xmp, own),
    },
  };
}

function list(form: 'Seq' | 'Alt', text: string, language?: string): XmpValue {
  const item: XmpValue = { kind: 'text', text, ...(language === undefined ? {} : { language }) };
  return { kind: 'list', form, items: [item] };
}

function property(prefix: 'dc' | 'xmp', name: string, value: XmpValue): XmpProperty {
  return { namespace: xmpNamespaces[prefix], prefix, name, value };
}
