import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { writeJson } from '../support/anyDocument.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { perdure } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const FOLDER = temporaryFolder((remove) => process.once('exit', remove));
const STORE = join(FOLDER, 'store');
const at = (path: string) => `${pathToFileURL(STORE).href}/${path}`;

test.each([
  [
    'a stage that is none',
    ['../evil', '--input', at('tiny-datamart/in.json'), '--output', at('tiny-datamart/out.json')],
    'There is no stage "../evil" that runs as a task',
  ],
  [
    'an input outside of the store',
    ['predict', '--input', 'file:///etc/passwd', '--output', at('tiny-datamart/out.json')],
    'is no address of an object below',
  ],
  [
    'a way out of the bucket',
    ['predict', '--input', at('tiny-datamart/../../secret'), '--output', at('tiny-datamart/out.json')],
    'does not lie in the store',
  ],
  [
    "an input that isn't there",
    ['predict', '--input', at('tiny-datamart/in.json'), '--output', at('tiny-datamart/out.json')],
    'is not there',
  ],
])('a task refuses %s, and writes nothing', async (_, args, sentence) => {
  const { code, stderr } = await perdure(FOLDER, ['task', ...args], { PERDURE_STORE: STORE });

  expect(code).toBe(1);
  expect(stderr).toContain(sentence);
  expect(await new FolderStore(join(STORE, 'tiny-datamart')).get('out.json')).toBeUndefined();
});

test('a task that fails says so in one line at ERROR, and every line of it says whose run it is', async () => {
  const datamart = new FolderStore(join(STORE, 'tiny-datamart'));
  const run = { workflowId: 'readmission-data-processing-1', runId: '0b0e6a4e', startedAt: '2026-11-26T12:00:00.000Z' };
  const input = { pipeline: 'readmission', run, asOf: '2026-11-26', source: '/nonexistent/raw.csv' };
  await writeJson(datamart, 'tasks/1/input.json', { stage: 'bronze', input });
  const args = [
    'task',
    'bronze',
    '--input',
    at('tiny-datamart/tasks/1/input.json'),
    '--output',
    at('tiny-datamart/tasks/1/result.json'),
  ];
  const { code, stderr } = await perdure(FOLDER, args, { PERDURE_STORE: STORE, PERDURE_LOG_FORMAT: 'json' });

  expect(code).toBe(1);
  const lines = stderr
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines)
    expect(line).toMatchObject({
      worker: 'task',
      stage: 'bronze',
      pipeline: 'readmission',
      workflowId: run.workflowId,
      runId: run.runId,
    });
  expect(lines.filter(({ level }) => level === 'ERROR')).toMatchObject([
    { errorType: 'InputInvalid', message: expect.stringContaining('/nonexistent/raw.csv') as string },
  ]);
});
