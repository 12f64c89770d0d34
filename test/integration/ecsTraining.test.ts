import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import type { PhaseCost } from '../../src/cli/phaseCosts.js';
import { checkpointKeyOf } from '../../src/platform/ecs/taskCheckpoint.js';
import { launchOfThisTask } from '../../src/platform/ecs/taskDocuments.js';
import { packageFolder } from '../../src/package.js';
import { readVersion } from '../../src/registry/versions.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { readJson } from '../support/anyDocument.js';
import { CLUSTER } from '../support/ecs/ecsEndpoint.js';
import { untilStopped, type TaskOptions } from '../support/ecs/ecsTask.js';
import { startEcsEndpoint } from '../support/ecs/testEndpoint.js';
import { perdure } from '../support/perdure.js';
import { CENTROIDS, centroids } from '../support/scripts.js';
import { startS3Server } from '../support/s3Server.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { completed, madeBy } from '../support/training.js';
import { until } from '../support/until.js';

const TRAINING = 'tiny-model-training';
const PIPELINE = 'tiny-pipeline';
const COMPUTE = {
  processing: 'ecs',
  training: 'ecs',
  ecs: {
    cluster: CLUSTER,
    subnets: ['subnet-1'],
    tasks: { training: { task_definition: TRAINING }, processing: { task_definition: PIPELINE } },
  },
};

const engines = tinyEngines();
afterAll(() => engines.close());
const server = await startS3Server(afterAll);
for (const purpose of ['datamart', 'registry', 'predictions', 'monitoring'])
  await server.createBucket(`tiny-${purpose}`);
const world = await createTinyWorld(engines, 's3://');
afterAll(() => world.close());
centroids(join(process.env.PERDURE_CONF!, 'pipelines', TINY));
world.configure((config) => {
  Object.assign(config, { compute: COMPUTE });
  config.training_config.algorithms.push('centroids');
  Object.assign(config.algorithms, { centroids: CENTROIDS });
  // Long enough to be taken away in between.
  config.algorithms.xgboost.param_distributions.n_estimators = [400, 600];
});
await world.writeGold(MONTHS);
vi.stubEnv('PERDURE_SCRATCH', temporaryFolder(afterAll));
const cli = join(packageFolder(), 'dist/src/cli/main.js');
const endpoint = await startEcsEndpoint({
  perdure: `exec ${process.execPath} ${cli} "$@"`,
  environment: { ...process.env },
  whenDone: afterAll,
});
endpoint.define(TRAINING, { cpu: '2048', memory: '4096' });
endpoint.define(PIPELINE);
const workers = await startTestStack(afterAll, 's3://');

const input = { pipeline: TINY, asOf: AFTER_ALL };

describe('training as tasks of ECS', () => {
  test('makes the same models, to the byte, as training in one process, and scores no finished candidate again after Spot took its task', async () => {
    let kept: Record<string, { scores: number[]; seconds: number }> = {};
    const halfway = async ({ command }: TaskOptions) => {
      await until(async () => {
        kept =
          (
            await readJson<{ checkpoint: typeof kept }>(
              world.stores.datamart,
              checkpointKeyOf(world.stores.datamart.key(command[4]!)),
            )
          )?.checkpoint ?? {};
        return Object.values(kept).some(({ scores }) => scores.length === 3);
      });
    };
    endpoint.usualPlan = (options) =>
      options.environment.ALGORITHM === 'xgboost' && launchOfThisTask(options.environment)!.launch === 1
        ? {
            takenAway: {
              stopCode: 'SpotInterruption',
              stoppedReason: 'Your Spot Task was interrupted.',
              when: () => halfway(options),
            },
          }
        : {};
    const handle = await startWorkflow(workers.client, 'modelTraining', input);
    const durable = completed(await handle.result());
    const nothing = () => {};
    const local = completed(
      await trainLocally(
        { ...input, again: true },
        {
          runStage: world.runStage,
          signal: new AbortController().signal,
          onStep: nothing,
          onProgress: nothing,
          onAlgorithm: nothing,
        },
      ),
    );

    const { modelRegistry } = world.stores;
    expect(Object.keys(durable.algorithms)).toEqual(['logistic_regression', 'xgboost', 'centroids']);
    for (const [algorithm, result] of Object.entries(durable.algorithms)) {
      expect(await madeBy(modelRegistry, algorithm, result)).toEqual(
        await madeBy(modelRegistry, algorithm, local.algorithms[algorithm]!),
      );
    }
    expect(
      endpoint.tasks.map(({ options, starts }) => [options.command[2], options.environment.ALGORITHM, starts]).sort(),
    ).toEqual([
      ['preprocess', undefined, 1],
      ['trainAlgorithm', 'centroids', 1],
      ['trainAlgorithm', 'logistic_regression', 1],
      ['trainAlgorithm', 'xgboost', 1],
      ['trainAlgorithm', 'xgboost', 1],
    ]);
    const version = {
      algorithm: 'xgboost',
      version: durable.algorithms.xgboost!.status === 'completed' ? durable.algorithms.xgboost!.version : '',
    };
    const { lineage, candidates } = (await readVersion(modelRegistry, version))!;
    expect(lineage.task).toMatchObject({ launch: 2, larger: false });
    // A fit that was done again would have taken another time.
    const finished = Object.entries(kept).filter(([, { scores }]) => scores.length === 3);
    for (const [piece, scored] of finished) {
      const { index } = JSON.parse(piece) as { index: number };
      expect(candidates[index]).toMatchObject(scored);
    }
    expect(finished.length).toBeGreaterThan(0);
    endpoint.usualPlan = {};
  });

  test('cost what the tasks took, by their own size, and the worker that waited for them nothing', async () => {
    const { address, namespace } = workers.stack.target;
    const env = {
      PERDURE_CONF: process.env.PERDURE_CONF,
      PERDURE_STORE: 's3://',
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
    };
    await until(
      async () =>
        (await workers.client.workflow.count('WorkflowType = "modelTraining" AND ExecutionStatus = "Completed"'))
          .count > 0,
    );
    const { stdout } = await perdure(temporaryFolder(), ['status', TINY, '--cost', '--json'], env);
    const { costs } = (JSON.parse(stdout) as { pipelines: Record<string, { costs: PhaseCost[] }> }).pipelines[TINY]!;

    const ecs = costs[0]!.workers.find(({ worker }) => worker === `ECS ${TRAINING}`)!;
    const seconds = endpoint.tasks.reduce((sum, task) => sum + task.seconds, 0);
    expect(ecs).toMatchObject({ vcpus: 2, gb: 4, activities: endpoint.tasks.length });
    expect(ecs.busy_seconds).toBeCloseTo(seconds, 2);
    expect(ecs.vcpu_hours).toBeCloseTo((seconds * 2) / 3600, 5);
    // Checks, the choice of the champion and alerts, but not those that waited.
    const waited = new Set(endpoint.tasks.map(({ options }) => options.startedBy)).size;
    const others = costs[0]!.workers.filter((worker) => worker !== ecs);
    expect(others.map(({ worker, activities }) => [worker, activities])).toEqual([
      ['data-processing', (await activitiesDone()) - waited],
    ]);
  });

  test('a worker killed mid-task is replaced: a task runs exactly once, and is stopped where its run was cancelled meanwhile', async () => {
    endpoint.plans.push({ simulated: untilStopped });
    const processing = await startWorkflow(workers.client, 'dataProcessing', { pipeline: TINY });
    const bronze = () => endpoint.tasks.find(({ options }) => options.command[2] === 'bronze');
    await until(() => bronze()?.status === 'RUNNING');
    const before = endpoint.tasks.length;
    const handle = await startWorkflow(workers.client, 'modelTraining', {
      ...input,
      algorithms: ['xgboost'],
      again: true,
    });
    const training = () =>
      endpoint.tasks.slice(before).filter(({ options }) => options.command[2] === 'trainAlgorithm');
    await until(() => training()[0]?.status === 'RUNNING');
    const killed = workers.stack.workers.dataProcessing.pid!;
    process.kill(killed, 'SIGKILL');
    await processing.cancel();
    const result = completed(await handle.result());

    expect(workers.stack.workers.dataProcessing.pid).not.toBe(killed);
    expect(result.algorithms.xgboost!.status).toBe('completed');
    expect(training().map(({ starts }) => starts)).toEqual([1]);
    await expect(processing.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(bronze()).toMatchObject({ starts: 1, status: 'STOPPED', stopCode: 'UserInitiated' });
  });
});

async function activitiesDone(): Promise<number> {
  let done = 0;
  for await (const { workflowId, runId } of workers.client.workflow.list()) {
    const { events } = await workers.client.workflow.getHandle(workflowId, runId).fetchHistory();
    done += events!.filter(({ activityTaskCompletedEventAttributes: completed }) => completed).length;
  }
  return done;
}
