import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Runs the quickest test files first, as a mutant's run ends with the first test that fails: by default vitest begins
 * with the slowest.
 */
class QuickestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const duration = ({ project, moduleId }: TestSpecification) =>
      this.ctx.cache.getFileTestResults(`${project.name}:${relative(this.ctx.config.root, moduleId)}`)?.duration ??
      Number.MAX_VALUE;
    const timed = files.map((file) => ({ file, duration: duration(file) }));
    return Promise.resolve(timed.sort((a, b) => a.duration - b.duration).map(({ file }) => file));
  }
}

/** The tests of one room, which main.ts names in MUTATION_TESTS. */
export default defineConfig({
  test: {
    include: process.env.MUTATION_TESTS?.split(',') ?? [],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: QuickestFirst },
  },
});
