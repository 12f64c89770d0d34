import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { ActivityFailure, ApplicationFailure, Client, Connection, WorkflowFailedError } from '@temporalio/client';
import proto from '@temporalio/proto';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  bundleWorkflowCode,
  type WorkflowBundle,
} from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TemporalTarget } from '../../src/platform/temporal/connection.js';
import { encryptionCodecFrom } from '../../src/platform/temporal/encryptionCodec.js';
import { activityPayloadGuard, clientPayloadGuard } from '../../src/platform/temporal/payloadInterceptors.js';
import type { Place } from '../support/payloadWorkflows.js';
import { freshNamespace } from '../support/testServer.js';

const taskQueue = 'payloads';
const guardModule = fileURLToPath(new URL('../../src/platform/temporal/workflowPayloadGuard.ts', import.meta.url));
const workflowsPath = fileURLToPath(new URL('../support/payloadWorkflows.ts', import.meta.url));
const activities = {
  echo: (value: unknown) => Promise.resolve(value),
  makeRows: (kibibytes: number) => Promise.resolve({ rows: 'x'.repeat(kibibytes * 1024) }),
};

let target: TemporalTarget;
let connection: Connection;
let native: NativeConnection;
let workflowBundle: WorkflowBundle;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  target = await freshNamespace();
  connection = await Connection.connect({ address: target.address });
  native = await NativeConnection.connect({ address: target.address });
  workflowBundle = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: [guardModule],
    logger: new DefaultLogger('ERROR'),
  });
});
afterAll(async () => {
  await native.close();
  await connection.close();
});

async function withWorker<T>(run: (client: Client) => Promise<T>, env: NodeJS.ProcessEnv = {}): Promise<T> {
  const dataConverter = dataConverterFor(env);
  const worker = await Worker.create({
    connection: native,
    namespace: target.namespace,
    taskQueue,
    workflowBundle,
    activities,
    dataConverter,
    interceptors: { activity: [activityPayloadGuard] },
  });
  return worker.runUntil(run(clientFor(env)));
}

function clientFor(env: NodeJS.ProcessEnv): Client {
  const { namespace } = target;
  return new Client({
    connection,
    namespace,
    dataConverter: dataConverterFor(env),
    interceptors: { workflow: [clientPayloadGuard] },
  });
}

function dataConverterFor(env: NodeJS.ProcessEnv) {
  const codec = encryptionCodecFrom(env);
  return { payloadCodecs: codec ? [codec] : [] };
}

const execute = (client: Client, workflow: string, ...args: unknown[]) =>
  client.workflow.execute<(...args: unknown[]) => Promise<unknown>>(workflow, {
    args,
    taskQueue,
    workflowId: randomUUID(),
  });

/** What a failed workflow says, below the words of Temporal. */
async function causeOf(running: Promise<unknown>): Promise<ApplicationFailure> {
  const failed = await running.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
  expect(failed).toBeInstanceOf(WorkflowFailedError);
  const { cause } = failed as WorkflowFailedError;
  const root = cause instanceof ActivityFailure ? cause.cause : cause;
  expect(root).toBeInstanceOf(ApplicationFailure);
  return root as ApplicationFailure;
}

describe('a payload over the limit fails at once, by name', () => {
  const places: [Place, string][] = [
    ['activity input', 'The input of activity "echo"'],
    ['activity result', 'The result of activity "makeRows"'],
    ['local activity input', 'The input of activity "echo"'],
    ['child input', 'The input of workflow "answerRows"'],
    ['signal', 'Signal "rows"'],
    ['continued', 'What workflow "sendRows" continues with'],
    ['result', 'The result of workflow "sendRows"'],
  ];

  test.each(places)('%s', async (place, subject) => {
    const failure = await withWorker((client) => causeOf(execute(client, 'sendRows', place, 600)));
    expect(failure).toMatchObject({ type: 'PayloadTooLarge', nonRetryable: true });
    expect(failure.message).toBe(
      `${subject} takes 601 KiB where 512 KiB are allowed, most of it in "rows"; store it as an object and pass its address.`,
    );
  });

  test('answers to queries and updates', async () => {
    await withWorker(async (client) => {
      const handle = await client.workflow.start('answerRows', { args: [null], taskQueue, workflowId: randomUUID() });
      await expect(handle.query('rows', 600)).rejects.toThrow('The result of query "rows" takes 601 KiB');
      await expect(handle.executeUpdate('rows', { args: [600] })).rejects.toMatchObject({
        cause: { type: 'PayloadTooLarge', message: expect.stringContaining('The result of update "rows"') as string },
      });
      expect(await handle.query('rows', 1)).toMatchObject({ rows: expect.any(String) as string });
      await handle.signal('done');
      await handle.result();
    });
  });

  test('what a client sends, before it leaves', async () => {
    const client = clientFor({});
    const rows = { rows: 'x'.repeat(600 * 1024) };
    const tooLarge = (subject: string) => ({
      type: 'PayloadTooLarge',
      message: expect.stringContaining(subject) as string,
    });
    const handle = client.workflow.getHandle('nobody');
    await expect(execute(client, 'passOn', rows)).rejects.toMatchObject(tooLarge('The input of workflow "passOn"'));
    await expect(handle.signal('requestRetrain', rows)).rejects.toMatchObject(tooLarge('Signal "requestRetrain"'));
    await expect(handle.executeUpdate('approve', { args: [rows] })).rejects.toMatchObject(
      tooLarge('The input of update "approve"'),
    );
    await expect(handle.query('state', rows)).rejects.toMatchObject(tooLarge('The input of query "state"'));
  });

  test('what fits passes', async () => {
    await withWorker(async (client) => {
      for (const place of ['activity input', 'activity result', 'result'] as const)
        await execute(client, 'sendRows', place, 400);
    });
  });
});

describe('with a key in the environment', () => {
  const newKey = () => randomBytes(32).toString('base64');
  const secret = { patient: 'Jane Doe' };

  test('the server sees no payload, and those who hold the key see all', async () => {
    const env = { PERDURE_ENCRYPTION_KEY: newKey() };
    const workflowId = randomUUID();
    const result = await withWorker(
      (client) =>
        client.workflow.execute<(value: unknown) => Promise<unknown>>('passOn', {
          args: [secret],
          taskQueue,
          workflowId,
        }),
      env,
    );
    expect(result).toEqual(secret);

    const history = await clientFor({}).workflow.getHandle(workflowId).fetchHistory();
    const stored = Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish());
    expect(stored.includes('binary/encrypted')).toBe(true);
    expect(stored.includes('Jane')).toBe(false);
  });

  test('old runs are read with the key before, once it is named second', async () => {
    const [older, newer] = [newKey(), newKey()];
    const workflowId = randomUUID();
    await withWorker(
      (client) =>
        client.workflow.execute<(value: unknown) => Promise<unknown>>('passOn', {
          args: [secret],
          taskQueue,
          workflowId,
        }),
      { PERDURE_ENCRYPTION_KEY: older },
    );
    const resultFor = (keys: string) =>
      clientFor({ PERDURE_ENCRYPTION_KEY: keys }).workflow.getHandle(workflowId).result();
    expect(await resultFor(`${newer},${older}`)).toEqual(secret);
    await expect(resultFor(newer)).rejects.toThrow(/PERDURE_ENCRYPTION_KEY does not hold/);
  });
});
