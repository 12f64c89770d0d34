import { relative } from 'node:path';
import type { RunnerTestCase } from 'vitest';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type Reporter, type TestModule, type TestSpecification, type Vitest } from 'vitest/node';

/**
 * Runs the quickest test files first, as a mutant's run ends with the first test that fails: by default vitest begins
 * with the slowest.
 */
class QuickestFirst extends BaseSequencer {
  /** Of each file, as most of its last run may have been left out. */
  private readonly longest = new Map<string, number>();

  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    for (const { project, moduleId } of files) {
      const result = this.ctx.cache.getFileTestResults(`${project.name}:${relative(this.ctx.config.root, moduleId)}`);
      if (result) this.longest.set(moduleId, Math.max(result.duration, this.longest.get(moduleId) ?? 0));
    }
    const duration = ({ moduleId }: TestSpecification) => this.longest.get(moduleId) ?? Number.MAX_VALUE;
    return Promise.resolve(files.toSorted((a, b) => duration(a) - duration(b)));
  }
}

/**
 * Stryker looks at tests alone. A file that fails is given a test that does, so that a mutant by which no file can be
 * imported doesn't pass for one that nothing notices. Such a file, too, ends the run.
 */
class FailedFiles implements Reporter {
  private vitest!: Vitest;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestModuleEnd(module: TestModule): void {
    if (module.state() === 'failed') void this.vitest.cancelCurrentRun('test-failure');
  }

  onTestRunEnd(): void {
    for (const file of this.vitest.state.getFiles())
      if (file.result?.state === 'fail')
        file.tasks.push({ type: 'test', name: 'the file', mode: 'run', file, result: file.result } as RunnerTestCase);
  }
}

/** The tests of one room, which main.ts names in MUTATION_TESTS. */
export default defineConfig({
  test: {
    include: process.env.MUTATION_TESTS?.split(',') ?? [],
    environment: 'node',
    isolate: false,
    setupFiles: 'test/mutation/setup.ts',
    // Those of golden tests; a mutant that waits for ever is given up sooner, by Stryker.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    sequence: { sequencer: QuickestFirst },
    reporters: [new FailedFiles()],
  },
});
