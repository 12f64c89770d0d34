import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { SupervisedWorker } from '../../src/temporal/supervisedWorker.js';
import { WORKERS } from '../../src/temporal/workers.js';
import { isAtWork } from '../support/activitiesAtWork.js';
import { hostsOf } from '../support/engineHosts.js';
import { freeRange } from '../support/freeRange.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { completed } from '../support/training.js';
import { until } from '../support/until.js';

const world = await createTinyWorld(tinyEngines());
afterAll(() => world.close());
beforeAll(() => world.writeGold(MONTHS));

const firstPort = await freeRange(Object.keys(WORKERS).length);
process.env.PERDURE_HEALTH_PORT = String(firstPort);
const { client, stack, told, logFolder } = await startTestStack(afterAll, world.storeRoot);
delete process.env.PERDURE_HEALTH_PORT;
const { modelTraining } = stack.workers;
const health = `http://127.0.0.1:${firstPort + Object.keys(WORKERS).indexOf('modelTraining')}`;

test('a worker told to stop says that it takes no more work, ends well, and another goes on with what it had', async () => {
  world.configure(({ training_config, algorithms }) => {
    training_config.hyperparameter_tuning = false;
    algorithms.xgboost.params.n_estimators = 3_000;
  });
  const training = await startWorkflow(client, 'modelTraining', { pipeline: TINY, asOf: AFTER_ALL, algorithms: ['xgboost'] });
  const search = client.workflow.getHandle(`${training.workflowId}-xgboost`);
  const first = modelTraining.pid!;
  await until(() => isAtWork(search, 'evaluateCandidate'));
  await until(() => hostsOf(first).length > 0);
  // So the candidate takes longer than the grace.
  for (const host of hostsOf(first)) process.kill(host, 'SIGSTOP');
  const other = new SupervisedWorker(WORKERS.modelTraining, { target: stack.target, storeRoot: world.storeRoot, logFolder });
  await other.start();
  afterAll(() => other.stop());
  expect(await statuses()).toEqual([200, 200]);

  process.kill(first, 'SIGTERM');
  await until(async () => (await statuses()).join() === '200,503');
  const { algorithms } = completed(await training.result());
  expect(algorithms.xgboost).toMatchObject({ status: 'completed', search: { candidates: 1, failed: 0 } });
  await until(() => told.length > 0);
  expect(told).toEqual(['The model-training worker ended with code 0; starting it again.']);

  const events = (await search.fetchHistory()).events ?? [];
  const scheduled = events.find(({ activityTaskScheduledEventAttributes: attributes }) => attributes?.activityType?.name === 'evaluateCandidate')!;
  const started = events.map((event) => event.activityTaskStartedEventAttributes).find((attributes) => String(attributes?.scheduledEventId) === String(scheduled.eventId));
  expect(started).toMatchObject({ attempt: 2, lastFailure: { applicationFailureInfo: { type: 'WorkerStopped' } } });
  expect(started!.identity).toMatch(new RegExp(`:${other.pid}$`));
});

/** Of `/livez` and `/readyz`. */
async function statuses(): Promise<number[]> {
  return Promise.all(['livez', 'readyz'].map(async (path) => (await fetch(`${health}/${path}`)).status));
}
