/** Model cards as they are written here, and nothing that could be more than words. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMarkdown } from '../../renderer/parts/markdown.ts';

const plain = (text: string) => ({ kind: 'plain', text });

describe('a card', () => {
  test('has headings, paragraphs, lists, tables and code', () => {
    const card = [
      '# Fast',
      '',
      'Takes **packed** RGGB, `x > 1`,',
      'see [the paper](https://example.org).',
      '- one',
      '  goes on',
      '- _two_',
      '',
      '| a | b |',
      '| - | - |',
      '| 1 | **2** |',
      '```sh',
      'npm start -- train',
      '```',
    ].join('\n');
    expect(readMarkdown(card)).toEqual([
      { kind: 'heading', level: 1, line: [plain('Fast')] },
      {
        kind: 'paragraph',
        line: [
          plain('Takes '),
          { kind: 'strong', text: 'packed' },
          plain(' RGGB, '),
          { kind: 'code', text: 'x > 1' },
          plain(', see the paper.'),
        ],
      },
      { kind: 'list', items: [[plain('one goes on')], [{ kind: 'em', text: 'two' }]] },
      {
        kind: 'table',
        head: [[plain('a')], [plain('b')]],
        rows: [[[plain('1')], [{ kind: 'strong', text: '2' }]]],
      },
      { kind: 'code', text: 'npm start -- train' },
    ]);
  });

  test('of the shipped models is understood', () => {
    const card = readFileSync(path.join(import.meta.dirname, '../../models/README.md'), 'utf8');
    const kinds = new Set(readMarkdown(card).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(expect.arrayContaining(['heading', 'paragraph', 'table']));
  });

  test('of any text is read to its end', () => {
    const pieces = fc.constantFrom(
      '# ',
      '|',
      '- ',
      '```',
      '**',
      '`',
      '_',
      'word',
      '\n',
      ' ',
      '](',
      '<b>',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        const text = parts.join('');
        expect(Array.isArray(readMarkdown(text))).toBe(true);
      }),
    );
  });
});
