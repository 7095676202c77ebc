/**
 * Parses the subset of Markdown that model cards use into data, so that nothing in a card becomes
 * HTML.
 */

export interface Span {
  readonly kind: 'plain' | 'strong' | 'em' | 'code';
  readonly text: string;
}
type Line = readonly Span[];

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly line: Line }
  | { readonly kind: 'paragraph'; readonly line: Line }
  | { readonly kind: 'list'; readonly items: readonly Line[] }
  | { readonly kind: 'code'; readonly text: string }
  | {
      readonly kind: 'table';
      readonly head: readonly Line[];
      readonly rows: readonly (readonly Line[])[];
    };

const item = /^\s*(?:[-*]|\d+\.)\s+/;
const fence = /^\s*```/;

/** Parses a card; anything unknown stays a paragraph. */
export function readMarkdown(markdown: string): readonly Block[] {
  const lines = markdown.split(/\r?\n/);
  const blocks: Block[] = [];
  let at = 0;
  const take = (belongs: (line: string) => boolean): string[] => {
    const from = at;
    while (at < lines.length && belongs(lines[at] ?? '')) at++;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (line.trim() === '') {
      at++;
    } else if (fence.test(line)) {
      at++;
      blocks.push({ kind: 'code', text: take((next) => !fence.test(next)).join('\n') });
      at++;
    } else if (heading !== null) {
      at++;
      blocks.push({
        kind: 'heading',
        level: heading[1]?.length ?? 1,
        line: spans(heading[2] ?? ''),
      });
    } else if (line.trim().startsWith('|')) {
      const [head = '', , ...rows] = take((next) => next.trim().startsWith('|'));
      blocks.push({ kind: 'table', head: cells(head), rows: rows.map(cells) });
    } else if (item.test(line)) {
      const items: string[] = [];
      for (const next of take((candidate) => candidate.trim() !== '')) {
        if (item.test(next) || items.length === 0) items.push(next.replace(item, ''));
        else items.push(`${items.pop() ?? ''} ${next.trim()}`);
      }
      blocks.push({ kind: 'list', items: items.map(spans) });
    } else {
      const words = take(
        (next) => next.trim() !== '' && !/^(#|\||\s*```)/.test(next) && !item.test(next),
      );
      blocks.push({ kind: 'paragraph', line: spans(words.map((word) => word.trim()).join(' ')) });
    }
  }
  return blocks;
}

function cells(row: string): readonly Line[] {
  return row
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => spans(cell.trim()));
}

/** Links and pictures are reduced to their text, because a card must not lead anywhere. */
function spans(text: string): Line {
  const plain = text.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
  const found: Span[] = [];
  const marked = /\*\*(.+?)\*\*|`([^`]+)`|(?<![\w*])[*_](?!\s)([^*_]+?)[*_](?!\w)/g;
  let at = 0;
  for (const match of plain.matchAll(marked)) {
    if (match.index > at) found.push({ kind: 'plain', text: plain.slice(at, match.index) });
    const [whole, strong, code, em] = match;
    if (strong !== undefined) found.push({ kind: 'strong', text: strong });
    else if (code !== undefined) found.push({ kind: 'code', text: code });
    else found.push({ kind: 'em', text: em ?? whole });
    at = match.index + whole.length;
  }
  if (at < plain.length) found.push({ kind: 'plain', text: plain.slice(at) });
  return found;
}
