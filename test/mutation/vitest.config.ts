import { defineConfig } from 'vitest/config';

/** The tests of one room, which main.ts names in MUTATION_TESTS. */
export default defineConfig({
  test: {
    include: process.env.MUTATION_TESTS?.split(',') ?? [],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
