/** Sidecars of earlier versions of the program, and damaged ones. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sidecarEnding } from '../../main/library/folder.ts';
import { newSidecar } from '../../main/library/sidecar-form.ts';
import { Sidecars } from '../../main/library/sidecar.ts';
import { defaultEdits } from '../../preload/contract/edits.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'nightglass-sidecar-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const troubles: string[] = [];
const sidecars = (): Sidecars =>
  new Sidecars(path.join(folder, 'away'), (account) => troubles.push(account));

it('reads edits from before there was a black control', async () => {
  const photo = path.join(folder, '1.dng');
  const { black: _, ...earlier } = { ...defaultEdits, exposure: 1.5 };
  const snapshots = [{ name: 'Evening', at: '2026-11-29T07:00:00Z', edits: earlier }];
  const content = { format: 'nightglass-edits', version: 2, rating: 3, edits: earlier, snapshots };
  writeFileSync(photo + sidecarEnding, JSON.stringify(content));
  const read = await sidecars().read(photo);
  expect(read).toMatchObject({ rating: 3, edits: { ...defaultEdits, exposure: 1.5 } });
  expect(read.snapshots[0]?.edits).toEqual({ ...defaultEdits, exposure: 1.5 });
});

it('keeps what can be read of a damaged one, says what cannot, and keeps the file', async () => {
  const photo = path.join(folder, '2.dng');
  const edits = { ...defaultEdits, exposure: 'far', contrast: 0.25, sepia: 1 };
  const content = { format: 'nightglass-edits', version: 2, rating: 9, flag: 'pick', edits };
  const text = JSON.stringify(content);
  writeFileSync(photo + sidecarEnding, text);
  const store = sidecars();
  const good = { ...newSidecar, flag: 'pick', edits: { ...defaultEdits, contrast: 0.25 } };
  expect(await store.read(photo)).toEqual(good);
  await store.read(photo);
  expect(troubles.splice(0)).toEqual([
    expect.stringMatching(/^2\.dng.* is damaged: rating, exposure, sepia cannot be read/),
  ]);
  await store.update(photo, (now) => ({ ...now, rating: 2 }));
  expect(readFileSync(`${photo}${sidecarEnding}.damaged`, 'utf8')).toBe(text);
  expect(await store.read(photo)).toEqual({ ...good, rating: 2 });
  expect(troubles).toEqual([]);
});

it.each(['', '{', '[]', '['.repeat(50_000), '{"format":"nightglass-edits"}', '\0'.repeat(300)])(
  'takes %j for damaged, and says so once',
  async (text) => {
    const photo = path.join(folder, '3.dng');
    writeFileSync(photo + sidecarEnding, text);
    expect(await sidecars().read(photo)).toEqual(newSidecar);
    expect(troubles.splice(0)).toEqual([expect.stringContaining('none of its edits can be read')]);
  },
);

it.each([{ edits: null }, { edits: [] }])('says so of %j', async ({ edits }) => {
  const photo = path.join(folder, '4.dng');
  const content = { format: 'nightglass-edits', version: 2, rating: 3, edits };
  writeFileSync(photo + sidecarEnding, JSON.stringify(content));
  expect(await sidecars().read(photo)).toEqual({ ...newSidecar, rating: 3 });
  expect(troubles.splice(0)).toEqual([expect.stringContaining('edits cannot be read')]);
});
