import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { SupervisedWorker } from '../../src/platform/temporal/supervisedWorker.js';
import { WORKERS, type WorkerName } from '../../src/platform/temporal/workers.js';
import { isAtWork, processOf } from '../support/activitiesAtWork.js';
import { hostsOf } from '../support/engineHosts.js';
import { freeRange } from '../support/freeRange.js';
import { receiveHttp, SILENCE } from '../support/receivers.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { completed } from '../support/training.js';
import { LABORIOUS } from '../support/twoRuns.js';
import { until } from '../support/until.js';

const world = await createTinyWorld(tinyEngines());
afterAll(() => world.close());
beforeAll(() => world.writeGold(MONTHS));

const slack = await receiveHttp(SILENCE, { status: 200 });
afterAll(() => slack.close());
process.env.PERDURE_SLACK_WEBHOOK_URL = slack.url;
afterAll(() => void delete process.env.PERDURE_SLACK_WEBHOOK_URL);
const firstPort = await freeRange(Object.keys(WORKERS).length);
process.env.PERDURE_HEALTH_PORT = String(firstPort);
const { client, stack, told, logFolder } = await startTestStack(afterAll, world.storeRoot);
delete process.env.PERDURE_HEALTH_PORT;
const { dataProcessing, modelTraining } = stack.workers;
beforeEach(() => void told.splice(0));

test('a worker told to stop says that it takes no more work, ends well, and another goes on with what it had', async () => {
  world.configure(({ training_config, algorithms }) => {
    training_config.hyperparameter_tuning = false;
    algorithms.xgboost.params.n_estimators = 3_000;
  });
  const training = await startWorkflow(client, 'modelTraining', {
    pipeline: TINY,
    asOf: AFTER_ALL,
    algorithms: ['xgboost'],
  });
  const search = client.workflow.getHandle(`${training.workflowId}-xgboost`);
  const first = modelTraining.pid!;
  await until(() => isAtWork(search, 'evaluateCandidate'));
  await until(() => hostsOf(first).length > 0);
  // So the candidate takes longer than the grace.
  for (const host of hostsOf(first)) process.kill(host, 'SIGSTOP');
  const other = new SupervisedWorker(WORKERS.modelTraining, {
    target: stack.target,
    storeRoot: world.storeRoot,
    logFolder,
  });
  await other.start();
  afterAll(() => other.stop());
  expect(await statuses('modelTraining')).toEqual([200, 200]);

  process.kill(first, 'SIGTERM');
  await until(async () => (await statuses('modelTraining')).join() === '200,503');
  const { algorithms } = completed(await training.result());
  expect(algorithms.xgboost).toMatchObject({ status: 'completed', search: { candidates: 1, failed: 0 } });
  await until(() => told.length > 0);
  expect(told).toEqual(['The model-training worker ended with code 0; starting it again.']);

  const started = await lastStart(search, 'evaluateCandidate');
  expect(started).toMatchObject({ attempt: 2, lastFailure: { applicationFailureInfo: { type: 'WorkerStopped' } } });
  expect(processOf(started.identity!)).toBe(other.pid);
});

test('a process with several queues drains them all, and an alert overtakes a stage that is at work', async () => {
  // So bronze takes longer than the grace; the attempt that follows, which goes by the same SQL, does all of it.
  world.writeSql('bronze', `SELECT * FROM source WHERE ${LABORIOUS.replace('20000000', '2500000000')}`);
  const processing = await startWorkflow(client, 'dataProcessing', {
    pipeline: TINY,
    source: await world.writeCsv(MONTHS),
  });
  await until(() => isAtWork(processing, 'bronze'));
  const training = await startWorkflow(client, 'modelTraining', { pipeline: 'nowhere' });
  await until(() => slack.received.length === 1);
  expect(await isAtWork(processing, 'bronze')).toBe(true);

  const first = dataProcessing.pid!;
  process.kill(first, 'SIGTERM');
  await until(async () =>
    Object.values(await queues('dataProcessing')).every(({ runState }) => runState !== 'RUNNING'),
  );
  expect(Object.keys(await queues('dataProcessing'))).toEqual(['data-processing', 'operations', 'dispatch']);

  expect(await processing.result()).toMatchObject({ status: 'completed' });
  await expect(training.result()).rejects.toThrow();
  expect(told).toEqual(['The data-processing worker ended with code 0; starting it again.']);
  const [cutShort, again] = slack.received.map(({ body }) => (body as { text: string }).text);
  expect(slack.received).toHaveLength(2);
  expect(again).toBe(cutShort);
  for (const started of [await lastStart(processing, 'bronze'), await lastStart(training, 'sendAlerts')]) {
    expect(started).toMatchObject({ attempt: 2, lastFailure: { applicationFailureInfo: { type: 'WorkerStopped' } } });
    expect(processOf(started.identity!)).not.toBe(first);
  }
});

/** How the attempt began that ended an activity. */
async function lastStart(run: WorkflowHandle, type: string) {
  const events = (await run.fetchHistory()).events ?? [];
  const scheduled = events.find(
    ({ activityTaskScheduledEventAttributes: attributes }) => attributes?.activityType?.name === type,
  )!;
  return events
    .map((event) => event.activityTaskStartedEventAttributes)
    .find((attributes) => String(attributes?.scheduledEventId) === String(scheduled.eventId))!;
}

function health(worker: WorkerName, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${firstPort + Object.keys(WORKERS).indexOf(worker)}/${path}`);
}

/** The state of each queue of a process. */
async function queues(worker: WorkerName): Promise<Record<string, { runState: string }>> {
  return (await health(worker, 'readyz')).json() as Promise<Record<string, { runState: string }>>;
}

/** Of `/livez` and `/readyz`. */
async function statuses(worker: WorkerName): Promise<number[]> {
  return Promise.all(['livez', 'readyz'].map(async (path) => (await health(worker, path)).status));
}
