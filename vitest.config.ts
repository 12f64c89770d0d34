import { defineConfig } from 'vitest/config';

const SECOND = 1_000;

/** Tests of one kind: which files, how long each may take, in which order the kinds run, and how many files at once. */
function project(name: string, order: number, timeout: number, options: { folder?: string; atOnce?: number; globalSetup?: string } = {}) {
  return {
    test: {
      name,
      include: [`${options.folder ?? `test/${name}`}/**/*.test.ts`],
      environment: 'node',
      pool: 'forks' as const,
      testTimeout: timeout,
      hookTimeout: Math.max(timeout, 60 * SECOND),
      // Few where tests start servers and workers of their own: more would starve each other.
      ...(options.atOnce ? { maxWorkers: options.atOnce } : {}),
      ...(options.globalSetup ? { globalSetup: options.globalSetup } : {}),
      sequence: { groupOrder: order },
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      project('unit', 0, 20 * SECOND),
      project('replay', 1, 60 * SECOND),
      // Kinds of one order share their processes: some mostly wait, the others mostly compute.
      project('workflow', 2, 60 * SECOND, { atOnce: 2, globalSetup: 'test/support/globalWorkflowBundle.ts' }),
      project('golden', 2, 300 * SECOND, { atOnce: 2 }),
      project('integration', 3, 300 * SECOND, { atOnce: 2, globalSetup: 'test/support/globalDevServer.ts' }),
      project('deploy', 3, 300 * SECOND, { folder: 'deploy/test', atOnce: 2 }),
    ],
  },
});
