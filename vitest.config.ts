/** How the tests run: every `*.test.ts` under test/, in processes, because native code may abort one. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Vitest leaves one core to itself, but half of a test's time is waiting for pages and children.
    maxWorkers: '100%',
    testTimeout: 240_000,
    hookTimeout: 240_000,
    passWithNoTests: false,
  },
});
