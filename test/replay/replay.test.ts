import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleWorkflows } from '../workflow/support/workers.js';
import { BRANCHES } from './branches.js';
import { historyFile, readHistory } from './histories.js';

describe('workflows as they stand', () => {
  let workflowBundle: WorkflowBundleWithSourceMap;
  beforeAll(async () => {
    workflowBundle = await bundleWorkflows();
  });

  test.each(Object.keys(BRANCHES))('replay %s', async (branch) => {
    await Worker.runReplayHistory({ workflowBundle }, await readHistory(branch), branch);
  });

  test('every stored history belongs to a branch', async () => {
    const files = await readdir(dirname(historyFile('any')));
    expect(files.sort()).toEqual(Object.keys(BRANCHES).map((branch) => `${branch}.json`).sort());
  });
});

describe('a workflow whose steps changed places', () => {
  test('is refused', async () => {
    const workflowBundle = await bundleWorkflows('test/replay/broken/index.ts');
    const replay = Worker.runReplayHistory({ workflowBundle }, await readHistory('dataProcessing.completed'));

    await expect(replay).rejects.toThrow(DeterminismViolationError);
  });
});
