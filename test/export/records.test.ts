/** What a photo says of itself, in every format that it is exported as. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { encodePicture, type Exportable } from '../../main/export/export.ts';
import { keptRecords, type RecordTerms } from '../../main/export/kept-records.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import { ascii, rational } from '../../main/raw/ifd.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { nightMosaic } from '../raw/written.ts';
import { exifTool, exifToolFaults, hasExifTool } from './exiftool.ts';
import { finishedImage, joined, linearImage, temporaryFolder } from './samples.ts';

const source = fileURLToPath(new URL('../fixtures/exif-full.dng', import.meta.url));
const image = finishedImage(50, 40);
const pictures: readonly (readonly [string, Exportable])[] = [
  ['a.tif', { format: 'tiff', bits: 16, compression: 'deflate', image }],
  ['a.png', { format: 'png', bits: 8, image }],
  ['a.jpg', { format: 'jpeg', quality: 92, image }],
  ['a.dng', { format: 'dng', image: linearImage(50, 40, () => 0.2) }],
];

async function mosaicOf(path: string): Promise<Mosaic> {
  const raw = await decodeRaw(path);
  if (raw.kind !== 'mosaic') throw new Error('expected a mosaic');
  return raw.mosaic;
}

/** Exports a photo under a name, and reads what the picture says. */
async function exported(
  folder: string,
  [name, picture]: readonly [string, Exportable],
  { shot, records }: Mosaic,
  terms?: RecordTerms,
): Promise<Record<string, unknown>> {
  const said = keptRecords(shot, records, terms);
  const path = join(folder, name);
  writeFileSync(path, joined(await encodePicture(picture, said.shot, { records: said.records })));
  expect(exifToolFaults(path)).toEqual([]);
  return exifTool(path);
}

/**
 * What an export does not take over: how the original's samples are stored and its colour is
 * measured (a DNG writes its own), which program wrote its XMP, and the digest of its IPTC.
 */
const ownTags =
  /^(System|File|ExifTool|Composite)|^SourceFile$|XMPToolkit|IFD0:(SubfileType|Image(Width|Height)|BitsPerSample|Compression|Photometric|Strip|Orientation|SamplesPerPixel|RowsPerStrip|PlanarConfiguration|CFA|DNG|UniqueCameraModel|BlackLevel|WhiteLevel|ColorMatrix|AsShotNeutral|CalibrationIlluminant)/;

/** Numbers are compared as numbers: degrees may be split into minutes and seconds anew. */
function expectSame(found: unknown, expected: unknown, tag: string): void {
  if (typeof expected === 'number') expect(Number(found), tag).toBeCloseTo(expected, 6);
  else expect(found, tag).toEqual(expected);
}

describe.skipIf(!hasExifTool)('as ExifTool reads it', () => {
  const before = hasExifTool ? exifTool(source) : {};
  const kept = Object.keys(before).filter((tag) => !ownTags.test(tag));

  it('the source says a lot', () => {
    expect(kept.length).toBeGreaterThan(35);
    expect(kept).toContain('GPS:GPSAltitude');
    expect(kept).toContain('ExifIFD:LensSerialNumber');
    expect(kept).toContain('IPTC:Keywords');
  });

  it.each(pictures)('%s keeps every tag', async (...picture) => {
    const after = await exported(temporaryFolder(), picture, await mosaicOf(source));
    for (const tag of kept) expectSame(after[tag], before[tag], tag);
  });

  it('a merged or simulated mosaic keeps every tag', async () => {
    const path = join(temporaryFolder(), 'again.dng');
    writeFileSync(path, joined(cfaDng(await mosaicOf(source))));
    const after = exifTool(path);
    for (const tag of kept) expectSame(after[tag], before[tag], tag);
  });

  it.each(pictures)(
    '%s takes the words of the sidecar before those of the file',
    async (...picture) => {
      const folder = temporaryFolder();
      const photo = join(folder, 'IMG_1.dng');
      cpSync(source, photo);
      writeFileSync(join(folder, 'IMG_1.xmp'), sidecar('2026-11-23T21:00:00.37+09:00'));
      const after = await exported(folder, picture, await mosaicOf(photo));
      expect(after).toMatchObject({
        'XMP-xmp:Rating': 5,
        'XMP-xmp:Label': 'Red',
        'XMP-dc:Title': 'Üben & <warten>',
        'XMP-dc:Subject': ['night', 'tokyo'],
        'XMP-iptcCore:CreatorContactInfo': { CiAdrCity: 'Tōkyō' },
      });
      expect(String(after['XMP-xmp:CreateDate'])).toContain('2026:11:23');
      expect(Object.keys(after).filter((tag) => /XMP-(crs|darktable|xmpMM):/.test(tag))).toEqual(
        picture[0] === 'a.dng'
          ? Object.keys(after).filter((tag) => tag.startsWith('XMP-crs:'))
          : [],
      );
      expect(after['XMP-crs:Exposure2012']).toBeUndefined();
    },
  );

  it.each(pictures)('%s leaves impossible dates out', async (...picture) => {
    const folder = temporaryFolder();
    const photo = join(folder, 'IMG_1.dng');
    const bytes = readFileSync(source);
    const at = bytes.indexOf('2026:11:23 21:00:00');
    bytes.write('2026:02:30 21:00:00', at);
    writeFileSync(photo, bytes);
    writeFileSync(join(folder, 'IMG_1.dng.xmp'), sidecar('2026-13-01T00:00:00'));
    const after = await exported(folder, picture, await mosaicOf(photo));
    expect(Object.keys(after).filter((tag) => /DateTimeOriginal|CreateDate/.test(tag))).toEqual([]);
    expect(after['XMP-xmp:Label']).toBe('Red');
  });

  it.each(pictures)('%s drops the place when asked', async (...picture) => {
    const folder = temporaryFolder();
    const photo = join(folder, 'IMG_1.dng');
    cpSync(source, photo);
    writeFileSync(join(folder, 'IMG_1.xmp'), sidecar('2026-11-23T21:00:00'));
    const terms = { privacy: 'no-location', creator: '', copyright: '' } as const;
    const after = await exported(folder, picture, await mosaicOf(photo), terms);
    expect(Object.keys(after).filter((tag) => /GPS|City$|Country/.test(tag))).toEqual([]);
    expect(after['ExifIFD:SerialNumber']).toBe(5_551_212);
    expect(after['IFD0:Artist']).toBe('Zoë 山田');
    expect(after['XMP-dc:Subject']).toEqual(['night', 'tokyo']);
  });

  it.each(pictures)('%s drops everything personal when asked', async (...picture) => {
    const terms = { privacy: 'no-personal', creator: 'Zoë', copyright: '© Zoë' } as const;
    const after = await exported(temporaryFolder(), picture, await mosaicOf(source), terms);
    const words = JSON.stringify(after);
    for (const word of ['Zo', '5551212', '1234', 'hello', 'market', 'tokyo', 'night', 'GPS'])
      expect(words.replaceAll(/"(SourceFile|System:[A-Za-z]+)":"[^"]*"/g, '')).not.toContain(word);
    expect(after['ExifIFD:LensModel']).toBe('FE 24mm F1.4 GM Ünï');
    expect(after['ExifIFD:DateTimeOriginal']).toBe('2026:11:23 21:00:00');
  });

  it.each(pictures)(
    '%s bears the creator, the notice and the stars given here',
    async (...picture) => {
      const terms = {
        privacy: 'keep-all',
        creator: 'Ana Ņ',
        copyright: '© 2026 Ana & Co',
        rating: 3,
      } as const;
      const after = await exported(temporaryFolder(), picture, await mosaicOf(source), terms);
      expect(after).toMatchObject({
        'IFD0:Artist': 'Ana Ņ',
        'IFD0:Copyright': '© 2026 Ana & Co',
        'XMP-dc:Creator': ['Ana Ņ'],
        'XMP-dc:Rights': '© 2026 Ana & Co',
        'XMP-xmp:Rating': 3,
        'XMP-dc:Title': 'T',
      });
    },
  );

  it('a place keeps its direction, and loses a time that cannot be', async () => {
    const gps = new Map([
      [7, rational([25, 1], [0, 1], [0, 1])],
      [16, ascii('T')],
      [17, rational([2701, 10])],
      [29, ascii('2026:11:23')],
    ]);
    const folder = temporaryFolder();
    const photo = join(folder, 'IMG_1.dng');
    const records = { first: new Map(), exif: new Map(), gps, iptc: [], xmp: [] };
    const shot = { gps: { latitude: -12.5, longitude: 179.999, altitudeMetres: -3 } };
    writeFileSync(photo, joined(cfaDng(nightMosaic({ shot, records }))));
    const after = await exported(folder, pictures[2]!, await mosaicOf(photo));
    expect(after).toMatchObject({
      'GPS:GPSImgDirection': 270.1,
      'GPS:GPSAltitude': 3,
      'GPS:GPSAltitudeRef': 1,
      'GPS:GPSDateStamp': '2026:11:23',
    });
    expect(after['GPS:GPSTimeStamp']).toBeUndefined();
  });
});

/** As Lightroom writes it, with its develop settings and a structure. */
function sidecar(created: string): string {
  return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:darktable="http://darktable.sf.net/"
    xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
    xmp:Rating="5" xmp:Label="Red" xmp:CreateDate="${created}" crs:Exposure2012="+2.00"
    photoshop:City="Tōkyō" xmpMM:DocumentID="xmp.did:1" darktable:history_end="3">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Üben &amp; &lt;warten&gt;</rdf:li></rdf:Alt></dc:title>
   <Iptc4xmpCore:CreatorContactInfo rdf:parseType="Resource">
     <Iptc4xmpCore:CiAdrCity>Tōkyō</Iptc4xmpCore:CiAdrCity></Iptc4xmpCore:CreatorContactInfo>
  </rdf:Description></rdf:RDF></x:xmpmeta>`;
}
