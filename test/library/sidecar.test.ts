/** Sidecars of earlier versions of the program. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sidecarEnding } from '../../main/library/folder.ts';
import { newSidecar, Sidecars } from '../../main/library/sidecar.ts';
import { defaultEdits } from '../../preload/contract/edits.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'nightglass-sidecar-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('reads edits from before there was a black control', async () => {
  const photo = path.join(folder, '1.dng');
  const { black: _, ...earlier } = { ...defaultEdits, exposure: 1.5 };
  const snapshots = [{ name: 'Evening', at: '2026-11-29T07:00:00Z', edits: earlier }];
  const content = { format: 'nightglass-edits', version: 2, rating: 3, edits: earlier, snapshots };
  writeFileSync(photo + sidecarEnding, JSON.stringify(content));
  const read = await new Sidecars(path.join(folder, 'away')).read(photo);
  expect(read).toMatchObject({ rating: 3, edits: { ...defaultEdits, exposure: 1.5 } });
  expect(read.snapshots[0]?.edits).toEqual({ ...defaultEdits, exposure: 1.5 });
});

it('takes what is no list of edits for damaged', async () => {
  const photo = path.join(folder, '2.dng');
  const content = { format: 'nightglass-edits', version: 1, rating: 3, edits: { exposure: 'far' } };
  writeFileSync(photo + sidecarEnding, JSON.stringify(content));
  const read = await new Sidecars(path.join(folder, 'away')).read(photo);
  expect(read).toEqual(newSidecar);
});
