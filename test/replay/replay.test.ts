import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker, type ReplayHistoriesIterable } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleWorkflows } from '../workflow/support/workers.js';
import { BRANCHES } from './branches.js';
import { historyFile, readHistory } from './histories.js';

/** What the events of things that a workflow starts carry. */
const STARTING = [
  'activityTaskScheduledEventAttributes',
  'timerStartedEventAttributes',
  'startChildWorkflowExecutionInitiatedEventAttributes',
] as const;

describe('workflows as they stand', () => {
  const faults: Record<string, Error | undefined> = {};
  beforeAll(async () => {
    const branches = Object.keys(BRANCHES).values();
    for await (const { error } of Worker.runReplayHistories(
      { workflowBundle: await bundleWorkflows() },
      storedHistories(),
    )) {
      faults[branches.next().value!] = error;
    }
  });

  test.each(Object.keys(BRANCHES))('replay %s', (branch) => {
    expect(faults).toHaveProperty([branch], undefined);
  });

  test('every stored history belongs to a branch', async () => {
    const files = await readdir(dirname(historyFile('any')));
    expect(files.sort()).toEqual(
      Object.keys(BRANCHES)
        .map((branch) => `${branch}.json`)
        .sort(),
    );
  });
});

describe('in the web UI', () => {
  test.each(Object.keys(BRANCHES))(
    'every activity, timer and child of %s has a line that says what it is for',
    async (branch) => {
      const { events } = await readHistory(branch);
      const started = (events ?? []).filter((event) => STARTING.some((attributes) => event[attributes]));
      const bare = started.filter(({ userMetadata }) => !userMetadata?.summary).map(({ eventId }) => String(eventId));
      expect(bare).toEqual([]);
    },
  );
});

describe('a workflow whose steps changed places', () => {
  test('is refused', async () => {
    const workflowBundle = await bundleWorkflows('test/replay/broken/index.ts');
    const replay = Worker.runReplayHistory({ workflowBundle }, await readHistory('dataProcessing.completed'));

    await expect(replay).rejects.toThrow(DeterminismViolationError);
  });
});

async function* storedHistories(): ReplayHistoriesIterable {
  for (const branch of Object.keys(BRANCHES)) {
    const history = await readHistory(branch);
    // The ids of what a run starts follow from its own.
    yield { workflowId: history.events![0]!.workflowExecutionStartedEventAttributes!.workflowId!, history };
  }
}
