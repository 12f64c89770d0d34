import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const tests = process.env.MUTATION_TESTS?.split(',') ?? [];

/** Runs a room's files in the order of its table, quick ones first: a mutant is done with at the first test that fails. */
class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => tests.findIndex((test) => moduleId.endsWith(test));
    return [...files].sort((a, b) => place(a) - place(b));
  }
}

/** The tests of one room, which main.ts names in MUTATION_TESTS. */
export default defineConfig({
  test: {
    include: tests,
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: InOrder },
  },
});
