import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { stewardIdOf, TASK_QUEUES } from '../../src/contracts/index.js';
import type { Alert } from '../../src/platform/notify/alert.js';
import { watchTasks } from '../../src/platform/notify/watchTasks.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { failingTasks } from '../../src/platform/temporal/failingTasks.js';
import { perdure } from '../support/perdure.js';
import { connectFresh } from '../support/testServer.js';
import { until } from '../support/until.js';
import { fakeActivities } from '../workflow/support/fakeActivities.js';
import { bundleWorkflows, startWorkers } from '../workflow/support/workers.js';

const PIPELINE = 'readmission';
const workflowId = stewardIdOf(PIPELINE);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdure-failing-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a steward whose tasks fail is told by alert, status and doctor, and is over once it gets on', async () => {
  const server = await connectFresh();
  const { client, namespace } = server;
  const told: Alert[] = [];
  const closed: string[] = [];
  const pagerduty = {
    name: 'pagerduty' as const,
    secrets: [],
    send: (alert: Alert) => (told.push(alert), delivered),
    resolve: (key: string) => (closed.push(key), delivered),
  };
  const delivered = Promise.resolve({ status: 'delivered' as const });
  const logged: string[] = [];
  const log = new DefaultLogger('WARN', ({ level, message, meta }) =>
    logged.push(`${level} ${message} ${JSON.stringify(meta)}`),
  );
  const watch = watchTasks(client, { openStores: await openStores(folder), channels: { pagerduty } }, log, 500);
  onTestFinished(() => watch.stop());

  const stop = await startWorkers(
    server,
    await bundleWorkflows('test/support/failingWorkflows.ts'),
    fakeActivities().activities,
  );
  onTestFinished(stop);
  const begun = Date.now();
  const { firstExecutionRunId: runId } = await client.workflow.start('steward', {
    args: [{ pipeline: PIPELINE }],
    taskQueue: TASK_QUEUES.orchestrator,
    workflowId,
  });
  // One that waits, and does no harm.
  await client.workflow.start('inferenceOutage', {
    args: [{ pipeline: PIPELINE, since: '2026-01-01' }],
    taskQueue: TASK_QUEUES.orchestrator,
    workflowId: 'waiting',
  });

  await until(() => told.length > 0);
  expect(Date.now() - begun).toBeLessThan(60_000);
  const [found] = await failingTasks(client);
  expect(found).toMatchObject({
    workflowId,
    runId,
    type: 'steward',
    pipeline: null,
    reason: 'a fault of this version',
  });
  expect(told[0]).toMatchObject({
    condition: 'tasks_failing',
    level: 'critical',
    pipeline: PIPELINE,
    summary: expect.stringMatching(
      /^readmission-steward stands still since .+: its workflow task has failed \d+ times \(a fault of this version\)\.$/,
    ) as string,
    details: { workflow_id: workflowId, run_id: runId, workflow: 'steward', reason: 'a fault of this version' },
    command: 'perdure doctor',
  });
  expect(logged.filter((line) => line.startsWith('ERROR A workflow stands still'))).toEqual([
    expect.stringContaining(runId),
  ]);

  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: namespace, PERDURE_STORE: folder };
  const status = await perdure(folder, ['status', PIPELINE, '--json'], env);
  expect((JSON.parse(status.stdout) as { failing_workflows: object[] }).failing_workflows).toMatchObject([
    { workflow_id: workflowId, type: 'steward', reason: 'a fault of this version' },
  ]);
  const doctor = await perdure(folder, ['doctor', '--json'], env);
  expect(doctor.code).not.toBe(0);
  expect(
    (JSON.parse(doctor.stdout) as { findings: { name: string; status: string; detail: string }[] }).findings.find(
      ({ name }) => name === 'workflow tasks',
    ),
  ).toMatchObject({
    status: 'missing',
    detail: expect.stringContaining('readmission-steward stands still') as string,
  });

  // A version without the fault takes over.
  await stop();
  onTestFinished(await startWorkers(server, await bundleWorkflows(), fakeActivities().activities));
  await until(async () => (await failingTasks(client)).length === 0);
  await until(() => closed.length > 0);
  expect(closed).toEqual([told[0]!.dedupKey]);
  expect(told).toHaveLength(1);
});
