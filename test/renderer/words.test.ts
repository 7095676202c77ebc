/** What the window says: the reason and the name first, and no names of libraries. */

import { expect, test } from 'vitest';
import { fileFirst, reasonFirst } from '../../renderer/format.ts';
import { timeWords } from '../../renderer/develop/state-words.ts';
import { deviceWords } from '../../renderer/settings/device-words.ts';

test('a photo’s failure begins with its reason, since a cell cuts the end', () => {
  const said = (message: string): string => reasonFirst(message, 'a.ARW');
  expect(said('a.ARW is cut short: its samples run past the end of the file')).toBe(
    'Cut short: its samples run past the end of the file',
  );
  expect(said('expected a camera RAW file for a.ARW, but it holds text')).toBe(
    'It holds text, no camera RAW file',
  );
  expect(said('a.ARW cannot be read: there is no such file')).toBe(
    'Cannot be read: there is no such file',
  );
  expect(said('the disk is full')).toBe('The disk is full');
});

test('a step of today has its time alone', () => {
  const at = new Date(2026, 10, 29, 8, 45);
  const earlier = timeWords(at.toISOString(), new Date(2026, 10, 30, 8, 45));
  const today = timeWords(at.toISOString(), new Date(2026, 10, 29, 23, 0));
  expect(today).toContain('45');
  expect(today).not.toContain('26');
  expect(earlier).toContain('26');
});

test('a written picture is named before its folder', () => {
  expect(fileFirst('/home/me/night/Nightglass/a.tif')).toBe('a.tif · Nightglass');
  expect(fileFirst('C:\\Photos\\a.tif')).toBe('a.tif · Photos');
  expect(fileFirst('a.tif')).toBe('a.tif');
});

test.each([
  'not available: expected webgpu to run small but it says: Failed to get a WebGPU adapter: No supported adapters',
  'not available: expected cuda to run small but it says: OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library',
  'not used: it differs from the processor by 3.0e-1 of white',
  'not used: its test ended the engine by SIGSEGV',
  'not available: expected dml to run fast but it says: E_SOMETHING 0x8007',
])('a device’s verdict is a sentence without names of libraries: %s', (account) => {
  const words = deviceWords({ device: 'cuda', isTrusted: false, account });
  expect(words).toMatch(/^(No |Not used: |Its )[^_:]*$/);
  expect(words).not.toMatch(/Ort|webgpu|cuda|says|0x/i);
});
