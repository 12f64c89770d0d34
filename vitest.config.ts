import { defineConfig } from 'vitest/config';

const SECOND = 1_000;

/** Tests of one kind: which files, how long each may take, and in which order the kinds run. */
function project(name: string, order: number, timeout: number, options: { folder?: string; serial?: boolean; globalSetup?: string } = {}) {
  return {
    test: {
      name,
      include: [`${options.folder ?? `test/${name}`}/**/*.test.ts`],
      environment: 'node',
      pool: 'forks' as const,
      testTimeout: timeout,
      hookTimeout: Math.max(timeout, 60 * SECOND),
      // One worker where tests start servers and workers of their own: they would starve each other.
      ...(options.serial ? { maxWorkers: 1 } : {}),
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
      project('workflow', 2, 60 * SECOND, { serial: true, globalSetup: 'test/support/globalWorkflowBundle.ts' }),
      project('golden', 3, 300 * SECOND, { serial: true }),
      project('integration', 4, 300 * SECOND, { serial: true, globalSetup: 'test/support/globalDevServer.ts' }),
      // Builds the image's stages: nothing else should wait for the processor meanwhile.
      project('deploy', 5, 120 * SECOND, { folder: 'deploy/test', serial: true }),
    ],
  },
});
