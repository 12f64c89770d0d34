import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleWorkflows } from '../workflow/support/workers.js';
import { BRANCHES } from './branches.js';
import { historyFile, readHistory } from './histories.js';

/** What the events of things that a workflow starts carry. */
const STARTING = ['activityTaskScheduledEventAttributes', 'timerStartedEventAttributes', 'startChildWorkflowExecutionInitiatedEventAttributes'] as const;

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

describe('in the web UI', () => {
  test.each(Object.keys(BRANCHES))('every activity, timer and child of %s has a line that says what it is for', async (branch) => {
    const { events } = historyFromJSON(await readHistory(branch));
    const started = (events ?? []).filter((event) => STARTING.some((attributes) => event[attributes]));
    const bare = started.filter(({ userMetadata }) => !userMetadata?.summary).map(({ eventId }) => String(eventId));
    expect(bare).toEqual([]);
  });
});

describe('a workflow whose steps changed places', () => {
  test('is refused', async () => {
    const workflowBundle = await bundleWorkflows('test/replay/broken/index.ts');
    const replay = Worker.runReplayHistory({ workflowBundle }, await readHistory('dataProcessing.completed'));

    await expect(replay).rejects.toThrow(DeterminismViolationError);
  });
});
