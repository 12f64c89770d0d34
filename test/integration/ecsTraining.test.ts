import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { packageFolder } from '../../src/config/load.js';
import { readVersion } from '../../src/registry/versions.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { CLUSTER } from '../support/ecs/ecsEndpoint.js';
import { startEcsEndpoint } from '../support/ecs/testEndpoint.js';
import { startS3Server } from '../support/s3Server.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { completed, madeBy } from '../support/training.js';
import { until } from '../support/until.js';

const FAMILY = 'tiny-model-training';
const COMPUTE = { training: 'ecs', ecs: { cluster: CLUSTER, subnets: ['subnet-1'], tasks: { training: { task_definition: FAMILY } } } };

const engines = tinyEngines();
afterAll(() => engines.close());
const server = await startS3Server(afterAll);
for (const purpose of ['datamart', 'registry', 'predictions', 'monitoring']) await server.createBucket(`tiny-${purpose}`);
const world = await createTinyWorld(engines, 's3://');
afterAll(() => world.close());
world.configure((config) => Object.assign(config, { compute: COMPUTE }));
await world.writeGold(MONTHS);
vi.stubEnv('PERDURE_SCRATCH', temporaryFolder(afterAll));
const cli = join(packageFolder(), 'dist/src/cli/main.js');
const endpoint = await startEcsEndpoint({ perdure: `exec ${process.execPath} ${cli} "$@"`, environment: { ...process.env }, whenDone: afterAll });
endpoint.define(FAMILY);
const workers = await startTestStack(afterAll, 's3://');

const input = { pipeline: TINY, asOf: AFTER_ALL };

describe('training as tasks of ECS', () => {
  test('makes the same models, to the byte, as training in one process', async () => {
    const handle = await startWorkflow(workers.client, 'modelTraining', input);
    const durable = completed(await handle.result());
    const nothing = () => {};
    const local = completed(
      await trainLocally(input, { runStage: world.runStage, signal: new AbortController().signal, onStep: nothing, onProgress: nothing, onAlgorithm: nothing }),
    );

    const { modelRegistry } = world.stores;
    expect(Object.keys(durable.algorithms)).toEqual(['logistic_regression', 'xgboost']);
    for (const [algorithm, result] of Object.entries(durable.algorithms)) {
      expect(await madeBy(modelRegistry, algorithm, result)).toEqual(await madeBy(modelRegistry, algorithm, local.algorithms[algorithm]!));
    }
    expect(endpoint.tasks.map(({ options, starts }) => [options.command[2], options.environment.ALGORITHM, starts]).sort()).toEqual([
      ['preprocess', undefined, 1],
      ['trainAlgorithm', 'logistic_regression', 1],
      ['trainAlgorithm', 'xgboost', 1],
    ]);
    const version = { algorithm: 'xgboost', version: durable.algorithms.xgboost!.status === 'completed' ? durable.algorithms.xgboost!.version : '' };
    expect((await readVersion(modelRegistry, version))!.lineage.task).toMatchObject({ launch: 1, larger: false });
  });

  test('a worker killed mid-task is replaced, and the task runs exactly once', async () => {
    const before = endpoint.tasks.length;
    const handle = await startWorkflow(workers.client, 'modelTraining', { ...input, algorithms: ['xgboost'] });
    const training = () => endpoint.tasks.slice(before).filter(({ options }) => options.command[2] === 'trainAlgorithm');
    await until(() => training()[0]?.status === 'RUNNING');
    const killed = workers.stack.workers.dataProcessing.pid!;
    process.kill(killed, 'SIGKILL');
    const result = completed(await handle.result());

    expect(workers.stack.workers.dataProcessing.pid).not.toBe(killed);
    expect(result.algorithms.xgboost!.status).toBe('completed');
    expect(training().map(({ starts }) => starts)).toEqual([1]);
  });
});
