import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backfillIdOf, startWorkflow } from '../../src/client.js';
import { taskInput } from '../../src/platform/ecs/taskDocuments.js';
import { packageFolder } from '../../src/package.js';
import type { AlgorithmInput, LifecycleResult } from '../../src/contracts/index.js';
import { PREDICTIONS_INDEX } from '../../src/data/predictions.js';
import { versionId, versionKey } from '../../src/registry/versions.js';
import { connectClient } from '../../src/platform/temporal/connection.js';
import { freePort, hasExited } from '../../src/platform/temporal/processes.js';
import { WORKERS, type WorkerName } from '../../src/platform/temporal/workers.js';
import { CLUSTER } from '../../test/support/ecs/ecsEndpoint.js';
import { untilStopped, type EcsTask } from '../../test/support/ecs/ecsTask.js';
import { startEcsEndpoint } from '../../test/support/ecs/testEndpoint.js';
import { perdure } from '../../test/support/perdure.js';
import { startS3Server } from '../../test/support/s3Server.js';
import { temporaryFolder } from '../../test/support/temporaryFolder.js';
import { startTestServer } from '../../test/support/testServer.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../../test/support/tinyPipeline.js';
import { until } from '../../test/support/until.js';
import { WORKER_NAMES } from '../workers.js';
import { IamProxy, type Call } from './iamProxy.js';
import { Policies, type Permission } from './policies.js';
import { SETTINGS, synthesize } from './template.js';

/** Every phase twice, in the workers and as tasks, and what an operator does, each with the rights of its role alone. */

const NAME = CLUSTER;
const familyOf = (worker: WorkerName) => `${NAME}-worker-${WORKERS[worker].taskQueue}`;
const OPERATOR = `${NAME}-operator`;
const TASKS = { pipeline: `${NAME}-pipeline`, training: `${NAME}-model-training` };
const EVERYBODY = [...WORKER_NAMES.map(familyOf), ...Object.values(TASKS), OPERATOR];

/** What these runs may not come to use, where it is granted all the same, and why. */
const GRANTED_UNUSED: { action: string; reason: string; where?: (unused: Permission, used: Call[]) => boolean }[] = [
  {
    action: 's3:AbortMultipartUpload',
    reason: 'an upload in parts that breaks off is ended, so that nobody pays for its parts',
  },
  {
    action: 's3:ListBucket',
    reason:
      'without it an absent object is "forbidden" instead of "absent", and which of those that are read are absent depends on the day',
    where: ({ resource }, used) =>
      used.some((call) => call.action === 's3:GetObject' && call.resource.startsWith(`${resource}/`)),
  },
];

/** A short pipeline, whose columns are found in the source: every phase then reads what bronze found, a training as well. */
const SHORT = {
  source: 'tiny.csv',
  key: 'id',
  time: 'day',
  partition: 'month',
  label: { column: 'label', positive: 1 },
  drop: ['day'],
};

/** More months use no other permissions. */
const YEAR = MONTHS.slice(-12);

const logs = temporaryFolder(afterAll);
const engines = tinyEngines();
const s3 = await startS3Server(afterAll);
for (const purpose of ['datamart', 'registry', 'predictions', 'monitoring']) await s3.createBucket(`tiny-${purpose}`);
const world = await createTinyWorld(engines, 's3://');
const ecs = await startEcsEndpoint({
  // Each task has a disk of its own: what another fetched is not there.
  perdure: `PERDURE_SCRATCH="$(mktemp -d ${join(logs, 'task-XXXXXX')})" exec ${process.execPath} ${join(packageFolder(), 'dist/src/cli/main.js')} "$@"`,
  environment: process.env,
  whenDone: afterAll,
});
const ecsUrl = process.env.AWS_ENDPOINT_URL_ECS!;
const conf = process.env.PERDURE_CONF!;

let server: Awaited<ReturnType<typeof startTestServer>> | undefined;
let policies: Policies;
let iam: IamProxy;
let client: Client;
let operatorEnv: Record<string, string>;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  const { folder } = await world.pipeline();
  for (const layer of ['bronze', 'silver', 'feature_store', 'label_store']) rmSync(join(folder, `${layer}.sql`));
  writeFileSync(join(folder, 'pipeline.json'), JSON.stringify(SHORT));
  // With a rule for duplicates, which has a file of its own.
  writeFileSync(
    join(folder, 'expectations.json'),
    JSON.stringify({
      duplicates: { name: 'no_duplicates', on_failure: 'drop' },
      expectations: [
        {
          type: 'expect_column_values_to_be_between',
          kwargs: { column: 'x1', min_value: 0.5 },
          severity: 'warn',
          meta: { name: 'large' },
        },
      ],
    }),
  );

  policies = new Policies((await synthesize({ ...SETTINGS, name: NAME, environment: 'dev' })).perdure);
  const rolesOf = (family: string) => [policies.roleArn(family), policies.roleArn(family, 'ExecutionRoleArn')];
  iam = new IamProxy({ policies, s3: s3.env.AWS_ENDPOINT_URL_S3, ecs: ecsUrl, rolesOf });
  for (const [family, cpu] of [
    [TASKS.pipeline, '1024'],
    [TASKS.training, '2048'],
  ] as const) {
    ecs.define(family, {
      cpu,
      memory: String(Number(cpu) * 2),
      logGroup: `/perdure/${family}`,
      environment: await iam.endpointsOf(family),
    });
  }
  server = await startTestServer(logs);
  client = await connectClient(server.target);
  const temporal = { TEMPORAL_ADDRESS: server.target.address, TEMPORAL_NAMESPACE: server.target.namespace };
  operatorEnv = {
    ...s3.env,
    ...(await iam.endpointsOf(OPERATOR)),
    ...temporal,
    PERDURE_STORE: 's3://',
    PERDURE_CONF: conf,
  };
  for (const worker of WORKER_NAMES)
    await startWorker(worker, { ...temporal, ...(await iam.endpointsOf(familyOf(worker))) });
});

afterAll(async () => {
  await client?.connection.close();
  await server?.stop();
  await Promise.all(
    processes.map(async (child) => {
      child.kill('SIGTERM');
      if (!hasExited(child)) await once(child, 'exit');
    }),
  );
  await iam?.close();
  await engines.close();
  world.close();
});

/** A worker's process, as its container starts it. */
async function startWorker(worker: WorkerName, env: Record<string, string>): Promise<void> {
  const port = await freePort();
  const scratch = join(logs, worker);
  mkdirSync(scratch);
  const log = openSync(join(logs, `${worker}.log`), 'a');
  const dispatching =
    worker === 'dataProcessing'
      ? {
          PERDURE_ECS_CLUSTER: CLUSTER,
          PERDURE_ECS_SUBNETS: 'subnet-1',
          PERDURE_ECS_SECURITY_GROUPS: 'sg-1',
          PERDURE_ECS_TASK_DEFINITIONS: Object.values(TASKS)
            .map((family) => `arn:aws:ecs:us-east-1:123456789012:task-definition/${family}:1`)
            .join(','),
        }
      : {};
  const child = spawn(process.execPath, [join(packageFolder(), 'dist', 'workers', `${WORKERS[worker].entry}.js`)], {
    env: {
      ...process.env,
      ...env,
      ...dispatching,
      PERDURE_STORE: 's3://',
      PERDURE_SCRATCH: scratch,
      PERDURE_HEALTH_PORT: String(port),
    },
    stdio: ['ignore', log, log],
  });
  processes.push(child);
  await until(async () => {
    if (hasExited(child)) throw new Error(`The worker ended; see ${join(logs, `${worker}.log`)}.`);
    return fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
}

/** What the operator's command printed. */
async function asOperator(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await perdure(logs, args, operatorEnv);
  expect({ args, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

async function putRawData(months: string[]): Promise<void> {
  const operator = new S3Client({ endpoint: operatorEnv.AWS_ENDPOINT_URL_S3, forcePathStyle: true });
  const Body = await readFile(await world.writeCsv(months));
  await operator.send(new PutObjectCommand({ Bucket: 'tiny-datamart', Key: 'raw/tiny.csv', Body }));
  operator.destroy();
}

async function lifecycle(asOf: string): Promise<LifecycleResult> {
  const handle = await startWorkflow(client, 'lifecycle', { pipeline: TINY, asOf });
  return handle.result();
}

/** Keys of the model files that trainings left when they were stopped. */
const halfMade: string[] = [];

/** A training that is stopped when it has written a part of its version. */
async function leavesHalf(task: EcsTask): Promise<number> {
  const { datamart, modelRegistry } = world.stores;
  const { input } = (await taskInput.read(datamart, datamart.key(task.options.command[4]!)))!;
  const { algorithm, run } = input as AlgorithmInput;
  const key = versionKey({ algorithm, version: versionId(run) }, 'model.ubj');
  await modelRegistry.put(key, 'half of it');
  halfMade.push(key);
  return untilStopped(task);
}

const computeOn = (target: 'local' | 'ecs') => ({
  ...{ processing: target, training: target, inference: target, monitoring: target },
  ecs: {
    tasks: Object.fromEntries(
      Object.entries({
        processing: TASKS.pipeline,
        training: TASKS.training,
        inference: TASKS.pipeline,
        monitoring: TASKS.pipeline,
      }).map(([part, family]) => [part, { task_definition: family, logs: { group: `/perdure/${family}` } }]),
    ),
  },
});

describe('with the rights of its role alone', () => {
  test('every phase runs in the workers', async () => {
    await putRawData(YEAR.slice(0, -1));
    const result = await lifecycle('2001-12-20');
    expect(Object.entries({ ...result }).map(([phase, { status }]): [string, string] => [phase, status])).toEqual(
      ['processing', 'training', 'inference', 'monitoring'].map((phase) => [phase, 'completed']),
    );
    const days = { pipeline: TINY, from: '2001-12-21', by: 'day', periods: 1 } as const;
    const backfill = await startWorkflow(client, 'backfill', days, backfillIdOf(TINY));
    expect(await backfill.result()).toMatchObject({ status: 'completed', trained: 1 });
    expect(iam.refused).toEqual([]);
  });

  test('every phase runs as tasks, one of which is launched twice and one is stopped', async () => {
    world.configure((config) => {
      Object.assign(config, { compute: computeOn('ecs') });
      config.model_config.random_state = 43;
      // The new champion has scored the newest month alone.
      config.monitoring_config.min_samples_for_metrics = 1;
    });
    await putRawData(YEAR);
    ecs.plans.push({ simulated: async () => 3 });
    const result = await lifecycle(AFTER_ALL);
    expect(Object.entries({ ...result }).map(([phase, { status }]): [string, string] => [phase, status])).toEqual(
      ['processing', 'training', 'inference', 'monitoring'].map((phase) => [phase, 'completed']),
    );

    const before = ecs.tasks.length;
    ecs.usualPlan = ({ command }) => (command[2] === 'trainAlgorithm' ? { simulated: leavesHalf } : {});
    const handle = await startWorkflow(client, 'modelTraining', { pipeline: TINY, asOf: AFTER_ALL, again: true });
    const trainings = () => ecs.tasks.slice(before).filter(({ options }) => options.command[2] === 'trainAlgorithm');
    await until(() => halfMade.length === 2 && trainings().every(({ status }) => status === 'RUNNING'));
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    ecs.usualPlan = {};
    expect(trainings().map(({ status }) => status)).toEqual(['STOPPED', 'STOPPED']);
    for (const key of halfMade) expect(await world.stores.modelRegistry.head(key)).toBeUndefined();
    expect(iam.refused).toEqual([]);
  });

  test('an operator looks after all of it', async () => {
    await asOperator('models', 'list', TINY);
    await asOperator('models', 'show', TINY, 'champion');
    await asOperator('models', 'history', TINY, 'champion');
    await asOperator('models', 'rollback', TINY, '--reason', 'to see that it can be done');
    await asOperator('status', TINY, '--cost');
    // What is not in the index any more is counted by the entries beside the files.
    await world.stores.predictions.delete(PREDICTIONS_INDEX);
    await asOperator('status', TINY);
    await asOperator('steward', 'start', TINY);
    await asOperator('run', TINY);
    const bad = join(logs, 'bad.csv');
    await asOperator('data', 'quarantine', TINY, '--csv', bad);
    const [header, first, ...rows] = readFileSync(bad, 'utf8').split('\n');
    const corrected = first!.split(',').with(header!.split(',').indexOf('x1'), '1').join(',');
    writeFileSync(bad, [header, corrected, ...rows].join('\n'));
    await asOperator('data', 'quarantine', TINY, '--return', bad);
    expect(iam.refused).toEqual([]);
  });

  test('whoever trains makes versions and changes none, neither by policy nor by S3 itself', async () => {
    const key = 'model_registry/xgboost/v20020301_120000_abcd1234/model.ubj';
    const worker = new S3Client({
      endpoint: (await iam.endpointsOf(familyOf('modelTraining'))).AWS_ENDPOINT_URL_S3,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    const put = (condition: { IfNoneMatch?: string }) =>
      worker.send(new PutObjectCommand({ Bucket: 'tiny-registry', Key: key, Body: 'bytes', ...condition }));
    await put({ IfNoneMatch: '*' });
    await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(put({})).rejects.toMatchObject({ name: 'AccessDenied' });
    worker.destroy();
  });
});

test('no role may do what nobody does', () => {
  const unused = EVERYBODY.flatMap((who) => {
    const used = iam.calls.filter((call) => call.who === who && call.allowed);
    const isGranted = (permission: Permission) =>
      GRANTED_UNUSED.some(({ action, where }) => action === permission.action && (where?.(permission, used) ?? true));
    return iam
      .unused(who)
      .filter((permission) => !isGranted(permission))
      .map(({ action, resource }) => `${who}: ${action} ${resource}`);
  });
  expect(unused).toEqual([]);
});
