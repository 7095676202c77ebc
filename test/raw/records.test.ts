/** Hostile and damaged metadata: skipped, in bounded time, and never written on. */
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { Refusal } from '../../main/base/refusal.ts';
import { encodeTiff } from '../../main/export/tiff.ts';
import { isDateText, isDay, isZone } from '../../main/raw/calendar.ts';
import { identifyContainer } from '../../main/raw/container.ts';
import { readIptc, writeIptc } from '../../main/raw/iptc.ts';
import { readRecords, type Records } from '../../main/raw/records.ts';
import { readTiff } from '../../main/raw/tiff-tags.ts';
import { joinXmp, readXmp, writeXmp } from '../../main/raw/xmp.ts';
import { finishedImage, joined } from '../export/samples.ts';
import { seeded } from './written.ts';

const source = readFileSync(new URL('../fixtures/exif-full.dng', import.meta.url));
const utf8 = new TextEncoder();

const recordsOf = (bytes: Uint8Array, beside?: Uint8Array): Promise<Records> =>
  readRecords(bytes, identifyContainer(bytes, 'a.dng'), beside);

/** Where an entry of the first directory, or of one that hangs on it, stands. */
function entryAt(bytes: Buffer, table: number, wanted: number): number {
  const count = bytes.readUInt16LE(table);
  for (let at = table + 2; at < table + 2 + count * 12; at += 12)
    if (bytes.readUInt16LE(at) === wanted) return at;
  throw new Error(`no tag ${wanted}`);
}

const exifPointer = (bytes: Buffer): number => entryAt(bytes, bytes.readUInt32LE(4), 34_665);

/** Where only the EXIF is damaged, everything else stays. */
async function damaged(change: (bytes: Buffer) => void): Promise<Records> {
  const bytes = Buffer.from(source);
  change(bytes);
  return recordsOf(bytes);
}

describe('readRecords', () => {
  it('skips a directory that points to itself or past the end', async () => {
    for (const offset of [8, source.length - 3, 0xffff_fff0]) {
      const records = await damaged((bytes) => bytes.writeUInt32LE(offset, exifPointer(bytes) + 8));
      expect(records.exif.size).toBe(0);
      expect(records.iptc.length).toBe(2);
      expect(records.xmp.length).toBeGreaterThan(3);
    }
  });

  it('skips one value of a huge count, and keeps those beside it', async () => {
    const records = await damaged((bytes) => {
      const table = bytes.readUInt32LE(exifPointer(bytes) + 8);
      bytes.writeUInt32LE(0xffff_ffff, entryAt(bytes, table, 37_510) + 4);
      bytes.writeUInt32LE(90_000, entryAt(bytes, table, 42_036) + 4);
    });
    expect(records.exif.has(37_510)).toBe(false);
    expect(records.exif.has(42_036)).toBe(false);
    expect(records.exif.has(42_037)).toBe(true);
  });

  it('is whole after 200 mutations, or the file is refused in words; what remains is written', async () => {
    const next = seeded(19);
    const image = finishedImage(4, 4);
    let [refused, changed] = [0, 0];
    const whole = JSON.stringify([...(await recordsOf(source)).exif]);
    for (let round = 0; round < 200; round++) {
      const bytes = Buffer.from(source);
      // Tables and values of all directories, XMP and IPTC lie before the samples, which begin at 4548.
      for (let fault = 0; fault < 12; fault++) bytes[8 + (next() % 4540)] = next() & 0xff;
      try {
        const beganMs = performance.now();
        const records = await recordsOf(bytes);
        expect(performance.now() - beganMs).toBeLessThan(5000);
        if (JSON.stringify([...records.exif]) !== whole) changed += 1;
        const written = joined(
          await encodeTiff(image, {}, { bits: 8, compression: 'none' }, { records }),
        );
        expect(readTiff(written)?.isWhole).toBe(true);
        expect(written.length).toBeLessThan(80_000);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refused += 1;
      }
    }
    expect(changed).toBeGreaterThan(20);
    expect(refused).toBeLessThan(100);
  });
});

const packet = (inside: string): Uint8Array =>
  utf8.encode(
    `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
      `<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">${inside}</rdf:Description></rdf:RDF></x:xmpmeta>`,
  );

describe('XMP', () => {
  it('comes back as it was written', async () => {
    const first = await readXmp(
      packet(
        `<dc:subject><rdf:Bag><rdf:li>a &amp; b</rdf:li><rdf:li>"c" &lt;</rdf:li></rdf:Bag></dc:subject>` +
          `<dc:source rdf:parseType="Resource"><dc:type>x</dc:type></dc:source><dc:relation rdf:resource="urn:y"/>`,
      ),
    );
    expect(first.map(({ name, value }) => [name, value.kind])).toEqual([
      ['subject', 'list'],
      ['source', 'struct'],
      ['relation', 'text'],
    ]);
    expect(await readXmp(writeXmp(first)!)).toEqual(first);
  });

  it('gives each namespace a prefix of its own', async () => {
    const text = (namespace: string, prefix: string) =>
      ({ namespace, prefix, name: 'n', value: { kind: 'text', text: prefix } }) as const;
    const properties = [text('urn:a', 'p'), text('urn:b', 'p'), text('urn:c', 'rdf')];
    const again = await readXmp(writeXmp(properties)!);
    expect(again.map(({ namespace, value }) => [namespace, value])).toEqual(
      properties.map(({ namespace, value }) => [namespace, value]),
    );
  });

  it('lets later packets go before earlier ones', async () => {
    const [a, b] = await Promise.all([
      readXmp(packet('<dc:title>1</dc:title>')),
      readXmp(packet('<dc:title>2</dc:title>')),
    ]);
    expect(joinXmp(a, b)).toEqual(b);
  });

  it.each([
    ['entities', `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>`],
    ['depth', '<a>'.repeat(100_000)],
    ['no end', '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'],
    ['text', 'rating: 5'],
    ['an open quote', `<a b="${'<'.repeat(200_000)}`],
    ['two megabytes', `<a>${' '.repeat(2 ** 21)}</a>`],
  ])('refuses %s within a second', async (_, text) => {
    const beganMs = performance.now();
    expect(await readXmp(utf8.encode(text))).toEqual([]);
    expect(performance.now() - beganMs).toBeLessThan(1000);
  });

  it('takes two thousand properties, and no more', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => `<dc:p${i}>1</dc:p${i}>`).join('');
    expect((await readXmp(packet(many))).length).toBe(2000);
  });
});

describe('IPTC', () => {
  it('comes back as it was, and ends where it is damaged', () => {
    const sets = [
      { record: 2, dataSet: 25, value: utf8.encode('night') },
      { record: 2, dataSet: 80, value: new Uint8Array(0) },
    ];
    const block = writeIptc(sets)!;
    expect(readIptc(block)).toEqual(sets);
    expect(readIptc(Buffer.concat([block, Uint8Array.of(0x1c, 2, 5, 0x7f, 0xff, 1)]))).toEqual(
      sets,
    );
    expect(writeIptc([])).toBeUndefined();
  });
});

describe('dates', () => {
  it('knows the calendar', () => {
    expect(isDay(2024, 2, 29)).toBe(true);
    for (const [y, m, d] of [
      [2026, 2, 29],
      [2026, 0, 1],
      [0, 1, 1],
      [2026, 4, 31],
      [2026, 13, 1],
    ] as const)
      expect(isDay(y, m, d)).toBe(false);
    expect(['+09:00', '-12:00', '+14:00', '+14:01', '+15:00', '0900'].map(isZone)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(
      ['2026', '2026-11', '20261123', '2026:11:23 21:00:00', '0000:00:00 00:00:00'].map(isDateText),
    ).toEqual([true, true, true, true, false]);
  });
});
