import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { startWorkflow, stewardOf } from '../../src/client.js';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/index.js';
import { lastInference } from '../../src/platform/notify/runHistory.js';
import { connectClient } from '../../src/platform/temporal/connection.js';
import { addSearchAttributes, ensureSearchAttributes } from '../../src/platform/temporal/searchAttributes.js';
import { startStack } from '../../src/platform/temporal/stack.js';
import { connectWorker } from '../../src/platform/temporal/workerConnection.js';
import { perdure } from '../support/perdure.js';
import { namespaceWith } from '../support/testServer.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';
import { bundleWorkflows } from '../workflow/support/workers.js';

/** A namespace that has all the Keywords that this server's database has room for: Perdure's cannot be added. */
const OTHERS = Array.from({ length: 10 }, (_, i) => `Other${i}`);
const target = await namespaceWith(async (connection, namespace) => {
  await addSearchAttributes(connection, namespace, OTHERS);
  await until(
    async () =>
      Object.keys((await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {})
        .length === OTHERS.length,
  );
});
const NAMES = Object.values(SEARCH_ATTRIBUTES);

const client = await connectClient(target);
afterAll(() => client.connection.close());
const engines = tinyEngines();
const world = await createTinyWorld(engines);
afterAll(async () => {
  await engines.close();
  world.close();
});

async function startWorkers(): Promise<{ log: () => Promise<string>; stop: () => Promise<void> }> {
  const stateFolder = temporaryFolder(afterAll);
  const stack = await startStack({ storeRoot: world.storeRoot, stateFolder, target });
  onTestFinished(() => stack.stop());
  return { log: () => readFile(join(stateFolder, 'logs', 'orchestrator.log'), 'utf8'), stop: () => stack.stop() };
}

async function statusOf(pipeline: string) {
  const env = {
    TEMPORAL_ADDRESS: target.address,
    TEMPORAL_NAMESPACE: target.namespace,
    PERDURE_STORE: world.storeRoot,
    PERDURE_CONF: process.env.PERDURE_CONF,
  };
  const { stdout } = await perdure(world.storeRoot, ['status', pipeline, '--json'], env);
  return JSON.parse(stdout) as {
    runs: { workflow_id: string; type: string; status: string }[];
    pipelines: Record<string, { phases: { phase: string; runs: number }[] }>;
  };
}

test('a namespace without the search attributes runs everything, and a run stays as it began when they come', async () => {
  const workers = await startWorkers();
  const warnings = (await workers.log()).split('\n').filter((line) => line.includes('search attributes'));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('WARN');
  expect(warnings[0]).toMatch(
    /lacks the search attributes PerdurePipeline, .+, and they can't be added \(.+\); runs go on without them .+temporal operator search-attribute create --namespace \S+ --name PerdurePipeline --type Keyword/,
  );

  world.configure((config) => {
    config.training_config.hyperparameter_tuning = false;
  });
  await stewardOf(client, TINY).start();
  const run = await startWorkflow(client, 'lifecycle', {
    pipeline: TINY,
    asOf: AFTER_ALL,
    source: await world.writeCsv(MONTHS),
  });
  const { processing, training, inference, monitoring } = await run.result();
  expect([processing, training, inference, monitoring].map(({ status }) => status)).toEqual([
    'completed',
    'completed',
    'completed',
    'completed',
  ]);

  const { searchAttributes, memo } = await run.describe();
  expect(NAMES.filter((name) => name in searchAttributes)).toEqual([]);
  expect(memo).toMatchObject({ PerdurePipeline: TINY, PerdurePhase: 'lifecycle' });

  // What is listed by attribute elsewhere is found here too.
  const { runs, pipelines } = await statusOf(TINY);
  expect(runs).toMatchObject([{ workflow_id: run.workflowId, status: 'COMPLETED' }]);
  expect(pipelines[TINY]!.phases.map(({ phase, runs }) => [phase, runs])).toEqual([
    ['processing', 1],
    ['training', 1],
    ['inference', 1],
    ['monitoring', 1],
  ]);
  // By a worker's connection as well as a command's, which have errors of their own.
  const connection = await connectWorker(target);
  onTestFinished(() => connection.close());
  for (const asking of [client, new Client({ connection, namespace: target.namespace })]) {
    expect(await lastInference(asking, TINY)).toBeInstanceOf(Date);
    expect(await lastInference(asking, 'another')).toBeUndefined();
  }

  // An orchestrator that knows the attributes replays what happened without them.
  const history = await run.fetchHistory();
  await workers.stop();
  await Worker.runReplayHistory({ workflowBundle: await bundleWorkflows() }, history, run.workflowId);

  await client.connection.operatorService.removeSearchAttributes({
    namespace: target.namespace,
    searchAttributes: OTHERS,
  });
  expect(await ensureSearchAttributes(client.connection, target.namespace)).toBeUndefined();
  const again = await startWorkers();
  expect(await again.log()).not.toContain('search attributes');
  const steward = stewardOf(client, TINY);
  await steward.pause({ by: 'test', reason: 'to see that it goes on' });
  expect((await steward.handle.describe()).memo).toMatchObject({ PerdurePipeline: TINY, PerdurePhase: 'steward' });
  const next = await startWorkflow(client, 'dataProcessing', { pipeline: TINY, asOf: AFTER_ALL });
  await next.result();
  expect((await next.describe()).searchAttributes).toMatchObject({
    PerdurePipeline: [TINY],
    PerdurePhase: ['processing'],
  });
  // Runs from before and after in one list.
  expect((await statusOf(TINY)).runs.map(({ workflow_id }) => workflow_id)).toEqual([next.workflowId, run.workflowId]);
});
