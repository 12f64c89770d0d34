import { expect, test } from 'vitest';
import type { RunRef } from '../../src/contracts/index.js';
import { claimTrainingFor } from '../../src/registry/trainingClaim.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const run = (runId: string): RunRef => ({
  workflowId: `training-${runId}`,
  runId,
  startedAt: '2002-03-01T12:00:00.000Z',
});
const open = () => Promise.resolve(true);
const over = () => Promise.resolve(false);

test('of several trainings at once one has the claim, and the others are told which', async () => {
  const registry = new FolderStore(temporaryFolder());
  const runs = ['a', 'b', 'c', 'd'].map(run);
  const holders = await Promise.all(runs.map((asking) => claimTrainingFor(registry, asking, open)));
  const first = runs[holders.indexOf(undefined)]!;
  expect(holders.filter((holder) => holder !== undefined)).toEqual([first, first, first]);
});

test('a run that asks again has its claim already; one that is over gives way', async () => {
  const registry = new FolderStore(temporaryFolder());
  await claimTrainingFor(registry, run('a'), open);
  expect(await claimTrainingFor(registry, run('a'), open)).toBeUndefined();
  expect(await claimTrainingFor(registry, run('b'), over)).toBeUndefined();
  expect(await claimTrainingFor(registry, run('c'), open)).toEqual(run('b'));
});

test('of two that find the holder over one takes its place', async () => {
  const registry = new FolderStore(temporaryFolder());
  await claimTrainingFor(registry, run('a'), open);
  const isOpen = ({ runId }: RunRef) => Promise.resolve(runId !== 'a');
  const holders = await Promise.all([
    claimTrainingFor(registry, run('b'), isOpen),
    claimTrainingFor(registry, run('c'), isOpen),
  ]);
  expect(holders.filter((holder) => holder === undefined)).toHaveLength(1);
});
