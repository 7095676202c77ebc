/** Lint rules of this house that no published plugin carries; `eslint.config.js` switches them on. */

import type { Rule } from 'eslint';
import { rawEndings } from '../../main/raw/endings.ts';

/** A comment before anything else: after the line that names the interpreter, or within a component's script. */
const opening = /^(#!.*\n)?\s*(<script[^>]*>\s*)?(\/\/|\/\*|<!--)/;

/** House rule 1: the first thing in a file is a comment that says what it is. */
const opensWithASentence: Rule.RuleModule = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { missing: 'Open the file with one sentence that says what it is.' },
  },
  create(context) {
    return {
      Program(node) {
        if (!opening.test(context.sourceCode.text)) context.report({ node, messageId: 'missing' });
      },
    };
  },
};

/** `arw`, `.ARW` and `*.arw` are endings; `night.arw` is a file. */
const isEnding = (text: string): boolean =>
  rawEndings.has(text.replace(/^\*?\./, '').toLowerCase());

/** A string that holds nothing but endings, as `'arw cr2 nef'.split(' ')` begins. */
function isListOfEndings(text: string): boolean {
  const words = text.split(/[\s,;|]+/).filter((word) => word !== '');
  return words.length > 1 && words.every(isEnding);
}

/** Different endings among the alternatives of a pattern such as `\.(arw|cr2)$`. */
function endingsInPattern(pattern: string): number {
  const alternatives = pattern.split(/[|()$]/).map((part) => part.replace(/^(\?:)?(\\\.)?/, ''));
  return new Set(alternatives.map((part) => part.toLowerCase()).filter(isEnding)).size;
}

/**
 * Two or more RAW endings in an array, a set, an object's keys, a string or a pattern are a second
 * list of what a RAW file is, which drifts from the one in `main/raw/endings.ts`.
 */
const oneRawList: Rule.RuleModule = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      second: 'A second list of RAW endings: use rawEndings or isRawName of main/raw/endings.ts.',
    },
  },
  create(context) {
    const report = (node: Rule.Node): void => {
      context.report({ node, messageId: 'second' });
    };
    return {
      ArrayExpression(node) {
        const named = node.elements.filter(
          (element) =>
            element?.type === 'Literal' &&
            typeof element.value === 'string' &&
            isEnding(element.value),
        );
        if (named.length > 1) report(node);
      },
      ObjectExpression(node) {
        const named = node.properties.filter((property) => {
          if (property.type !== 'Property' || property.computed) return false;
          const { key } = property;
          if (key.type === 'Identifier') return isEnding(key.name);
          return key.type === 'Literal' && isEnding(String(key.value));
        });
        if (named.length > 1) report(node);
      },
      Literal(node) {
        const { value } = node;
        if ('regex' in node) {
          if (endingsInPattern(node.regex.pattern) > 1) report(node);
        } else if (typeof value === 'string' && isListOfEndings(value)) report(node);
      },
      TemplateElement(node) {
        if (isListOfEndings(node.value.raw)) report(node);
      },
    };
  },
};

export const houseRules = {
  rules: { 'opens-with-a-sentence': opensWithASentence, 'one-raw-list': oneRawList },
};
