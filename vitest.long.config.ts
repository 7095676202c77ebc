/** How `npm run test:long` runs: trainings of minutes, which are no part of what every change waits for. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/long/**/*.long.ts'],
    pool: 'forks',
    // One training has all the processor.
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
  },
});
