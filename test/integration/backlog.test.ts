import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultLogger, Worker } from '@temporalio/worker';
import { expect, onTestFinished, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { TASK_QUEUES } from '../../src/contracts/index.js';
import { jsonLine } from '../../src/platform/observe/logLine.js';
import { backlogOf, publishBacklogs } from '../../src/platform/temporal/backlog.js';
import { workflowDataConverterFrom } from '../../src/platform/temporal/dataConverter.js';
import { WORKERS, type WorkerName } from '../../src/platform/temporal/workers.js';
import { connectFresh } from '../support/testServer.js';
import { until } from '../support/until.js';
import { bundleWorkflows } from '../workflow/support/workers.js';

const NAMES = Object.keys(WORKERS) as WorkerName[];
const RUNS = 3;

test('the backlog of a worker is what waits for it, and each look at it is a line', async () => {
  const { client, nativeConnection, namespace } = await connectFresh();
  const backlogs = async () =>
    Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await backlogOf(client, name)] as const)));
  expect(await backlogs()).toEqual({ orchestrator: 0, dataProcessing: 0, modelTraining: 0 });

  // Nobody polls: each run waits with its first workflow task.
  const runs = await Promise.all(
    Array.from({ length: RUNS }, (_, i) => startWorkflow(client, 'dataProcessing', { pipeline: `p${i}` })),
  );
  await until(async () => (await backlogOf(client, 'orchestrator')) === RUNS);
  expect(await backlogs()).toEqual({ orchestrator: RUNS, dataProcessing: 0, modelTraining: 0 });

  const lines: Record<string, unknown>[] = [];
  const publishing = publishBacklogs(
    client,
    new DefaultLogger('INFO', (entry) =>
      lines.push(JSON.parse(jsonLine('orchestrator', entry)) as Record<string, unknown>),
    ),
    100,
  );
  onTestFinished(() => publishing.stop());
  await until(() => lines.length >= NAMES.length);
  expect(lines.slice(0, NAMES.length)).toEqual(
    [
      ['orchestrator', RUNS],
      ['dataProcessing', 0],
      ['modelTraining', 0],
    ].map(([backlogOf, tasks]) => expect.objectContaining({ level: 'INFO', backlogOf, tasks }) as unknown),
  );

  // Once an orchestrator decides, each waits with activities for data processing, on queues of its three.
  const orchestrator = await Worker.create({
    connection: nativeConnection,
    namespace,
    workflowBundle: await bundleWorkflows(),
    dataConverter: workflowDataConverterFrom({}),
    taskQueue: TASK_QUEUES.orchestrator,
  });
  const running = orchestrator.run();
  const pending = async () =>
    (await Promise.all(runs.map((run) => run.describe()))).flatMap(({ raw }) => raw.pendingActivities ?? []).length;
  await until(
    async () => (await pending()) >= RUNS && (await backlogOf(client, 'dataProcessing')) === (await pending()),
  );
  await until(async () => (await backlogOf(client, 'orchestrator')) === 0);
  orchestrator.shutdown();
  await running;

  await publishing.stop();
  const said = lines.length;
  await sleep(300);
  expect(lines).toHaveLength(said);
});
