import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const SECOND = 1_000;

/** Files at once where tests compute; by default vitest leaves a core free, which is half of two. */
const COMPUTING = availableParallelism();
/** Where most wait for servers, workers and timers, one more; still more would starve each other. */
const WAITING = COMPUTING + 1;

/** Tests of one kind: which files, how long each may take, in which order the kinds run, and how many files at once. */
function project(
  name: string,
  order: number,
  timeout: number,
  atOnce: number,
  options: { folder?: string; globalSetup?: string; sharedProcess?: boolean } = {},
) {
  return {
    test: {
      name,
      include: [`${options.folder ?? `test/${name}`}/**/*.test.ts`],
      environment: 'node',
      pool: 'forks' as const,
      testTimeout: timeout,
      hookTimeout: Math.max(timeout, 60 * SECOND),
      maxWorkers: atOnce,
      ...(options.globalSetup ? { globalSetup: options.globalSetup } : {}),
      ...(options.sharedProcess ? { isolate: false, setupFiles: 'test/support/sharedProcess.ts' } : {}),
      sequence: { groupOrder: order },
    },
  };
}

export default defineConfig({
  test: {
    globalSetup: 'test/support/globalTemporaryFolder.ts',
    projects: [
      project('unit', 0, 60 * SECOND, COMPUTING, { sharedProcess: true }),
      project('replay', 0, 60 * SECOND, COMPUTING),
      // Kinds of one order run side by side: some mostly wait, the others mostly compute.
      project('workflow', 1, 120 * SECOND, WAITING, {
        globalSetup: 'test/support/globalWorkflowBundle.ts',
        sharedProcess: true,
      }),
      project('golden', 1, 300 * SECOND, WAITING, { sharedProcess: true }),
      project('integration', 1, 300 * SECOND, WAITING, { globalSetup: 'test/support/globalDevServer.ts' }),
      project('deploy', 1, 300 * SECOND, WAITING, { folder: 'deploy/test' }),
    ],
  },
});
