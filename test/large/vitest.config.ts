import { defineConfig } from 'vitest/config';

/** What takes minutes and gigabytes: `npm run test:large`. Apart from the other tests, so that `npm test` leaves it out. */
export default defineConfig({
  test: {
    name: 'large',
    globalSetup: 'test/support/globalTemporaryFolder.ts',
    include: ['test/large/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    testTimeout: 1_200_000,
    hookTimeout: 300_000,
    // Stages need those before them.
    bail: 1,
  },
});
