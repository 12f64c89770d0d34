import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDispatchActivities } from '../../activities/dispatch.js';
import { createTaskRunner } from '../../activities/taskRunner.js';
import { workOf } from '../../src/cli/workerTime.js';
import { TASK_QUEUES } from '../../src/contracts/index.js';
import { GIB } from '../../src/platform/resources/resources.js';
import { taskResult } from '../../src/platform/ecs/taskDocuments.js';
import { CLUSTER, faults } from '../support/ecs/ecsEndpoint.js';
import { COMPLETES, IDENTITY, ecsWorld } from '../support/ecs/ecsWorld.js';
import { untilStopped, type EcsTask } from '../support/ecs/ecsTask.js';
import { FAMILY } from '../support/ecs/taskSettings.js';
import { connectFresh } from '../support/testServer.js';
import { createTinyWorld, runRef, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';
import { bundleWorkflows, withWorkers } from '../workflow/support/workers.js';

describe('a stage as a task', () => {
  test('runs once, and its output comes from the result that it wrote', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);

    expect(await run()).toEqual({ answer: 42 });
    expect(endpoint.tasks).toHaveLength(1);
    expect(endpoint.tasks[0]!.options.environment).toMatchObject({ ALGORITHM: 'xgboost', ENVIRONMENT: 'dev' });
  });

  test('carries tags by which its cost is told from others', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    await run();

    expect(endpoint.tasks[0]!.options.tags).toEqual([
      { key: 'perdure:pipeline', value: 'tiny' },
      { key: 'perdure:stage', value: 'trainAlgorithm' },
      { key: 'perdure:workflow', value: IDENTITY.workflowId },
      { key: 'perdure:run', value: IDENTITY.runId },
    ]);
  });

  test("takes nothing of the worker's environment along but what was named", async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    await run();

    expect(Object.keys(endpoint.tasks[0]!.options.environment).sort()).toEqual([
      'ALGORITHM',
      'ENVIRONMENT',
      'PERDURE_LAUNCH',
      'PERDURE_STORE',
    ]);
  });
});

describe('waiting for a task', () => {
  const input = {
    pipeline: TINY,
    run: runRef('a'),
    algorithm: 'xgboost',
    dataset: { id: 'd', uri: 'd', checksum: 'd', rows: { train: 1, test: 1, oot: 1 } },
  };

  test('a stage that is out of time is stopped with its task, and what it took is known', async () => {
    const { endpoint, activities } = await endlessTraining();
    const server = await connectFresh();

    await withWorkers(server, await bundleWorkflows('test/support/dispatchWorkflow.ts'), activities, async () => {
      const handle = await server.client.workflow.start('trainWithin', {
        workflowId: 'brief',
        taskQueue: TASK_QUEUES.orchestrator,
        args: [2, input],
      });

      await expect(handle.result()).rejects.toMatchObject({
        cause: {
          type: 'TimedOut',
          message:
            'trainAlgorithm did not end within its time, and its task was stopped; give it less work or a larger task.',
        },
      });
      expect(endpoint.tasks.map(({ starts, status, stopCode }) => [starts, status, stopCode])).toEqual([
        [1, 'STOPPED', 'UserInitiated'],
      ]);
      const [work] = await workOf(server.client, handle.workflowId, handle.firstExecutionRunId);
      expect(work).toMatchObject({
        process: endpoint.tasks[0]!.options.arn,
        worker: `ECS ${FAMILY}`,
        resources: { cpus: 2, memory: 4 * GIB },
      });
      expect(work!.to - work!.from).toBeCloseTo(endpoint.tasks[0]!.seconds * 1000, 0);
    });
  });

  test.each([
    ['leaves the task to a run that goes on, for its next attempt', 'RUNNING'],
    ['stops it where the run was terminated', 'STOPPED'],
  ])('an attempt that Temporal has given up %s', async (_, status) => {
    const { endpoint, activities } = await endlessTraining();
    const { client } = await connectFresh();
    const run = await client.workflow.start('anything', { workflowId: 'run', taskQueue: 'nobody' });
    if (status === 'STOPPED') await run.terminate();
    const workflowExecution = { workflowId: run.workflowId, runId: run.firstExecutionRunId };
    const environment = new MockActivityEnvironment(
      { workflowExecution },
      { client, logger: new DefaultLogger('ERROR') },
    );
    const attempt = environment.run(activities.trainAlgorithm, input).catch((error: unknown) => error);
    await until(() => endpoint.tasks[0]?.status === 'RUNNING');
    environment.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));

    expect(await attempt).toBeInstanceOf(CancelledFailure);
    expect(endpoint.tasks.map((task) => task.status)).toEqual([status]);
  });
});

/** Training that never ends by itself, on an endpoint, with the activities that wait for it. */
async function endlessTraining() {
  const world = await createTinyWorld(tinyEngines());
  onTestFinished(() => world.close());
  world.configure((config) =>
    Object.assign(config, {
      compute: { training: 'ecs', ecs: { cluster: CLUSTER, tasks: { training: { task_definition: FAMILY } } } },
    }),
  );
  const { endpoint, dispatcher } = await ecsWorld('exit 0');
  endpoint.usualPlan = { simulated: untilStopped };
  return {
    endpoint,
    activities: createDispatchActivities(createTaskRunner(world.storeRoot, () => Promise.resolve(dispatcher))),
  };
}

// Simulated: a thousand real processes would measure this machine.
test('a thousand tasks at once, with throttling, are launched once each', { timeout: 120_000 }, async () => {
  const TASKS = 1_000;
  const { endpoint, run } = await ecsWorld(COMPLETES, {
    interval: 100,
    longestInterval: 2_000,
    longestBackoff: 2_000,
    launchesPerSecond: 1_000,
  });
  endpoint.usualPlan = { simulated: completes };
  const stumbles = [
    ...Array.from({ length: 150 }, () => faults.throttling()),
    ...Array.from({ length: 50 }, () => faults.lostAnswer()),
  ];
  endpoint.inject('RunTask', ...stumbles);
  endpoint.limits.set('DescribeTasks', { burst: 10, perSecond: 40 });

  const numbers = Array.from({ length: TASKS }, (_, i) => i);
  const outputs = await Promise.all(numbers.map((i) => run({ identity: { ...IDENTITY, activityId: String(i) } })));

  expect(outputs).toEqual(numbers.map(() => ({ answer: 42 })));
  expect(endpoint.tasks).toHaveLength(TASKS);
  expect(endpoint.tasks.every(({ starts }) => starts === 1)).toBe(true);
  expect(new Set(endpoint.tasks.map(({ options }) => options.startedBy)).size).toBe(TASKS);
  // Fewer than all together where one that stumbled twice found its task listed instead of asking a third time.
  expect(endpoint.calls.RunTask).toBeGreaterThan(TASKS);
  expect(endpoint.calls.RunTask).toBeLessThanOrEqual(TASKS + stumbles.length);
  // Many tasks are looked at in one call, and task definitions are never touched.
  expect(endpoint.calls.DescribeTasks).toBeLessThan(TASKS);
  expect(
    Object.keys(endpoint.calls)
      .filter((operation) => operation !== 'ListTasks')
      .sort(),
  ).toEqual(['DescribeTasks', 'RunTask']);
});

async function completes({ options }: EcsTask): Promise<number> {
  const file = fileURLToPath(options.command.at(-1)!);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, taskResult.serialize({ status: 'completed', output: { answer: 42 } }));
  return 0;
}
