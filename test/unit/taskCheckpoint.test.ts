import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TaskCheckpoint, checkpointKeyOf } from '../../src/platform/ecs/taskCheckpoint.js';
import type { TaskInput } from '../../src/platform/ecs/taskDocuments.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { listedKeys } from '../support/buckets.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const KEY = 'tasks/0123/input.json';
const asked = (runId: string): TaskInput => ({
  stage: 'predict',
  input: { pipeline: 'tiny', run: { workflowId: 'w', runId, startedAt: '2002-03-01T00:00:00Z' } },
});
const unexpected = (error: unknown) => {
  throw error;
};

test('the next launch gets what was saved last, beside the input', async () => {
  const store = new FolderStore(temporaryFolder());
  const first = await TaskCheckpoint.open(store, KEY, asked('a'), unexpected);
  expect(first.checkpoint).toBeUndefined();
  for (let done = 1; done <= 20; done++) first.saveCheckpoint({ done });
  await first.settle();

  expect((await TaskCheckpoint.open(store, KEY, asked('a'), unexpected)).checkpoint).toEqual({ done: 20 });
  expect(await listedKeys(store)).toEqual(['tasks/0123/input.checkpoint.json']);
});

test('another input under the same key begins anew', async () => {
  const store = new FolderStore(temporaryFolder());
  const first = await TaskCheckpoint.open(store, KEY, asked('a'), unexpected);
  first.saveCheckpoint({ done: 1 });
  await first.settle();

  expect((await TaskCheckpoint.open(store, KEY, asked('b'), unexpected)).checkpoint).toBeUndefined();
});

test('a store that fails meanwhile is told of, and nothing more', async () => {
  const folder = temporaryFolder();
  const told: unknown[] = [];
  const kept = await TaskCheckpoint.open(new FolderStore(folder), KEY, asked('a'), (error) => told.push(error));
  // Where the folder of the key has to be.
  writeFileSync(join(folder, 'tasks'), '');
  kept.saveCheckpoint({ done: 1 });
  await kept.settle();

  expect(told).toHaveLength(1);
});

test.each([
  ['input.json', 'input.checkpoint.json'],
  ['in', 'in.checkpoint.json'],
])('beside %s lies %s', (input, kept) => {
  expect(checkpointKeyOf(input)).toBe(kept);
});
