/** What the linter asks: typescript-eslint's strict typed rules, Svelte's own, and a few rules of this house. */
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';
import svelteConfig from './svelte.config.js';
import { houseRules } from './test/house/rules.ts';

const typed = ['**/*.ts', '**/*.svelte'];

export default defineConfig(
  globalIgnores(['dist/', 'out/', 'runs/', '.cache/', 'test/fixtures/']),
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: typed,
    extends: [tseslint.configs.strictTypeChecked, svelte.configs.recommended],
    plugins: { house: houseRules },
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      'house/opens-with-a-sentence': 'error',
      'house/one-raw-list': 'error',
      // `as` and `any` are what parsing at the edge replaces (house rule 4); `as const` stays.
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // One way to write constants (house rule 13).
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'variable',
          modifiers: ['const', 'global'],
          format: ['camelCase'],
          leadingUnderscore: 'allow',
          filter: { regex: '^[A-Z]$', match: false },
        },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Pixel loops read typed arrays at indices that the loop itself bounds.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // It takes `Promise.withResolvers<void>()` for something else than a type argument.
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportAllDeclaration',
          message: 'No barrels: import from the file that has it.',
        },
        {
          selector: 'ExportNamedDeclaration[source]',
          message: 'No barrels: import from the file that has it.',
        },
      ],
      // `const { left: _, ...rest } = whole` is how a field is left out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400 }],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser, svelteConfig } },
    rules: {
      // svelte-check knows the types of components' properties and the browser's names; the linter
      // sees `any` there.
      'no-undef': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // State is replaced, never changed in place: plain sets and maps will do.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    files: ['main/raw/endings.ts'],
    rules: { 'house/one-raw-list': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Tests hand over wrong values on purpose and read back what other libraries leave untyped.
      'max-lines': 'off',
    },
  },
);
