/** The table of keys: what is pressed is what is meant, on other keyboards too, and nothing means two things. */

import { describe, expect, test } from 'vitest';
import {
  commandOf,
  developKeys,
  keyWords,
  libraryKeys,
  tipOf,
  windowKeys,
} from '../../renderer/keys.ts';

const plain = { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };

describe('keys', () => {
  test('mean one thing on each screen', () => {
    for (const screen of [libraryKeys, developKeys]) {
      const keys = [...windowKeys, ...screen].flatMap(
        (shortcut): readonly string[] => shortcut.keys,
      );
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test('want Shift where they say so, and not elsewhere', () => {
    const y = { ...plain, key: 'y' };
    expect(commandOf(y, developKeys)).toBe('split');
    expect(commandOf({ ...y, key: 'Y', shiftKey: true }, developKeys)).toBe('beside');
    expect(commandOf({ ...y, ctrlKey: true }, windowKeys)).toBe('redo');
    expect(commandOf({ ...y, ctrlKey: true }, developKeys)).toBeUndefined();
    expect(commandOf({ ...y, altKey: true }, developKeys)).toBeUndefined();
    expect(commandOf({ ...plain, key: 'ArrowLeft' }, developKeys)).toBe('previous');
    expect(commandOf({ ...plain, key: 'ArrowLeft', shiftKey: true }, developKeys)).toBe('panLeft');
    expect(commandOf({ ...plain, key: 'Z', metaKey: true, shiftKey: true }, windowKeys)).toBe(
      'redo',
    );
  });

  test('that are signs are found wherever a keyboard has them', () => {
    // Above a digit, behind Alt (Mac), behind AltGr (which is Ctrl and Alt).
    for (const held of [
      {},
      { shiftKey: true },
      { altKey: true },
      { altKey: true, ctrlKey: true },
    ]) {
      expect(commandOf({ ...plain, key: '[', ...held }, developKeys)).toBe('rotateLeft');
    }
    expect(commandOf({ ...plain, key: '?', shiftKey: true }, windowKeys)).toBe('help');
    expect(commandOf({ ...plain, key: '-', ctrlKey: true }, developKeys)).toBeUndefined();
    expect(commandOf({ ...plain, key: ',', ctrlKey: true }, windowKeys)).toBe('settings');
  });

  test('are named as they are on each system', () => {
    expect(tipOf('redo', false)).toBe('Ctrl+Shift+Z');
    expect(tipOf('redo', true)).toBe('⇧⌘Z');
    expect(tipOf('select', false)).toBe('Space');
    const rate = libraryKeys.find(({ command }) => command === 'rate');
    expect(keyWords(rate?.keys ?? [], false)).toEqual(['0–5']);
  });
});
