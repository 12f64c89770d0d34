import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundleWorkflows } from '../workflow/support/workers.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** File of the workflows as they stand in the sources, bundled. */
    workflowBundle: string;
  }
}

/** Bundles the workflows once for all test files of a project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-workflow-bundle-'));
  const { code } = await bundleWorkflows();
  const codePath = join(folder, 'workflow-bundle.js');
  await writeFile(codePath, code);
  project.provide('workflowBundle', codePath);
  return () => rm(folder, { recursive: true });
}
