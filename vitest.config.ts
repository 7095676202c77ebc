/** How the tests run: every `*.test.ts` under test/, in processes, because native code may abort one. */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Much of a test's time is waiting for pages and children, so that two cores can serve four.
    maxWorkers: Math.max(4, availableParallelism()),
    setupFiles: ['test/one-core.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    passWithNoTests: false,
  },
});
