import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { packageFolder } from '../../src/config/load.js';
import type { LifecycleResult } from '../../src/contracts/index.js';
import { connectClient } from '../../src/temporal/connection.js';
import { freePort, hasExited } from '../../src/temporal/processes.js';
import { WORKERS, type WorkerName } from '../../src/temporal/workers.js';
import { CLUSTER } from '../../test/support/ecs/ecsEndpoint.js';
import { startEcsEndpoint } from '../../test/support/ecs/testEndpoint.js';
import { startS3Server } from '../../test/support/s3Server.js';
import { temporaryFolder } from '../../test/support/temporaryFolder.js';
import { startTestServer } from '../../test/support/testServer.js';
import { createTinyWorld, MONTHS, TINY, tinyEngines } from '../../test/support/tinyPipeline.js';
import { until } from '../../test/support/until.js';
import { WORKER_NAMES } from '../workers.js';
import { IamProxy } from './iamProxy.js';
import { Policies } from './policies.js';
import { SETTINGS, synthesize } from './template.js';

/** Every phase in the workers, each with the rights of its role alone: an S3 server that enforces the synthesized policies. */

const NAME = CLUSTER;
const familyOf = (worker: WorkerName) => `${NAME}-worker-${WORKERS[worker].taskQueue}`;
const OPERATOR = `${NAME}-operator`;
const TASKS = { pipeline: `${NAME}-pipeline`, training: `${NAME}-model-training` };

/** In the folders that the shipped pipeline has, with a rule for duplicates, which has a file of its own. */
const LAYERS = {
  bronze: { sql: 'bronze.sql', path: 'bronze/tiny/bronze_tiny_{partition}.parquet' },
  silver: { sql: 'silver.sql', path: 'silver/tiny/silver_tiny_{partition}.parquet' },
  feature_store: { sql: 'feature_store.sql', path: 'gold/feature_store/gold_feature_store_{partition}.parquet' },
  label_store: { sql: 'label_store.sql', path: 'gold/label_store/gold_label_store_{partition}.parquet' },
};

const logs = temporaryFolder(afterAll);
const engines = tinyEngines();
const s3 = await startS3Server(afterAll);
for (const purpose of ['datamart', 'registry', 'predictions', 'monitoring']) await s3.createBucket(`tiny-${purpose}`);
const world = await createTinyWorld(engines, 's3://');
const ecs = await startEcsEndpoint({
  perdure: `exec ${process.execPath} ${join(packageFolder(), 'dist/src/cli/main.js')} "$@"`,
  environment: { ...process.env, PERDURE_SCRATCH: join(logs, 'scratch-of-tasks') },
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
  const { folder, definition } = await world.pipeline();
  writeFileSync(join(folder, 'pipeline.json'), JSON.stringify({ ...definition, layers: LAYERS }));
  writeFileSync(join(folder, 'expectations.json'), JSON.stringify({ duplicates: { name: 'no_duplicates', on_failure: 'drop' }, silver: [] }));

  policies = new Policies((await synthesize({ ...SETTINGS, name: NAME, environment: 'dev' })).perdure);
  const rolesOf = (family: string) => [policies.roleArn(family), policies.roleArn(family, 'ExecutionRoleArn')];
  iam = new IamProxy({ policies, s3: s3.env.AWS_ENDPOINT_URL_S3, ecs: ecsUrl, rolesOf });
  for (const [family, cpu] of [[TASKS.pipeline, '1024'], [TASKS.training, '2048']] as const) {
    ecs.define(family, { cpu, memory: String(Number(cpu) * 2), logGroup: `/perdure/${family}`, environment: await iam.endpointsOf(family) });
  }
  server = await startTestServer(logs);
  client = await connectClient(server.target);
  const temporal = { TEMPORAL_ADDRESS: server.target.address, TEMPORAL_NAMESPACE: server.target.namespace };
  operatorEnv = { ...s3.env, ...(await iam.endpointsOf(OPERATOR)), ...temporal, PERDURE_STORE: 's3://', PERDURE_CONF: conf };
  for (const worker of WORKER_NAMES) await startWorker(worker, { ...temporal, ...(await iam.endpointsOf(familyOf(worker))) });
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
  const dispatching = worker === 'dataProcessing' ? { PERDURE_ECS_CLUSTER: CLUSTER, PERDURE_ECS_SUBNETS: 'subnet-1', PERDURE_ECS_SECURITY_GROUPS: 'sg-1', PERDURE_ECS_TASK_DEFINITIONS: Object.values(TASKS).map((family) => `arn:aws:ecs:us-east-1:123456789012:task-definition/${family}:1`).join(',') } : {};
  const child = spawn(process.execPath, [join(packageFolder(), 'dist', 'workers', `${WORKERS[worker].entry}.js`)], {
    env: { ...process.env, ...env, ...dispatching, PERDURE_STORE: 's3://', PERDURE_SCRATCH: scratch, PERDURE_HEALTH_PORT: String(port) },
    stdio: ['ignore', log, log],
  });
  processes.push(child);
  await until(async () => {
    if (hasExited(child)) throw new Error(`The worker ended; see ${join(logs, `${worker}.log`)}.`);
    return fetch(`http://127.0.0.1:${port}/readyz`).then(({ ok }) => ok, () => false);
  });
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

describe('with the rights of its role alone', () => {
  test('every phase runs in the workers', async () => {
    await putRawData(MONTHS.slice(0, -1));
    const result = await lifecycle('2001-12-20');
    expect(Object.entries({ ...result }).map(([phase, { status }]): [string, string] => [phase, status])).toEqual(
      ['processing', 'training', 'inference', 'monitoring'].map((phase) => [phase, 'completed']),
    );
    expect(iam.refused).toEqual([]);
  });

  test('whoever trains makes versions and changes none, neither by policy nor by S3 itself', async () => {
    const key = 'model_registry/xgboost/v20020301_120000_abcd1234/model.ubj';
    const worker = new S3Client({ endpoint: (await iam.endpointsOf(familyOf('modelTraining'))).AWS_ENDPOINT_URL_S3, forcePathStyle: true, maxAttempts: 1 });
    const put = (condition: { IfNoneMatch?: string }) => worker.send(new PutObjectCommand({ Bucket: 'tiny-registry', Key: key, Body: 'bytes', ...condition }));
    await put({ IfNoneMatch: '*' });
    await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(put({})).rejects.toMatchObject({ name: 'AccessDenied' });
    worker.destroy();
  });
});
