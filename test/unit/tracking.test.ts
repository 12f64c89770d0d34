import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, onTestFinished, test, vi } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { trackingServer } from '../../src/platform/tracking/settings.js';
import { writeWaiting } from '../../src/platform/tracking/tracking.js';
import {
  claimWaiting,
  idOf,
  keepForTracking,
  settleWaiting,
  waitingIds,
} from '../../src/platform/tracking/waitingTrainings.js';
import type { StageContext } from '../../src/stages/context.js';
import { trackTraining } from '../../src/stages/trackTraining.js';
import { decided } from '../support/promotions.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
afterEach(() => vi.unstubAllEnvs());

const RUN = { workflowId: 'training', runId: 'abcdef12-0000', startedAt: '2001-01-01T00:00:00.000Z' };
const VERSION = { algorithm: 'xgboost', version: idOf(RUN) };
const pipeline = {
  definition: { name: 'table', tracking: { mlflow: {} } },
  environment: 'dev',
} as unknown as Pipeline;
const options = (owner: string) => ({ owner, signal: new AbortController().signal });

/** A registry in which one training waits. */
async function waiting() {
  const stores = {
    modelRegistry: new FolderStore(join(mkdtempSync(join(folder, 'store-')), 'registry')),
    monitoring: new FolderStore(join(folder, 'monitoring')),
  };
  const dataset = { id: 'train_data_1', uri: 'file:///data', checksum: 'c0ffee', rows: {} };
  await keepForTracking(
    stores,
    { pipeline: 'table', run: RUN, trained: [VERSION], dataset },
    {
      champion: VERSION,
      previous: null,
      challenger: VERSION,
      promotion: decided('promote', VERSION),
      comparison: { metric: 'test.roc_auc', scores: { xgboost: 0.8 }, estimate: null },
    },
  );
  return stores;
}

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("the server and its credentials are those of MLflow's own variables", () => {
  expect(trackingServer({})).toBeUndefined();
  expect(
    trackingServer({ MLFLOW_TRACKING_URI: 'https://ml.example.org/base/', MLFLOW_TRACKING_TOKEN: 't0ken' }),
  ).toEqual({
    address: 'https://ml.example.org/base',
    headers: { authorization: 'Bearer t0ken' },
    secrets: ['t0ken'],
  });
  const basic = Buffer.from('me:p@ss').toString('base64');
  const both = { MLFLOW_TRACKING_USERNAME: 'me', MLFLOW_TRACKING_PASSWORD: 'p@ss' };
  for (const env of [
    { MLFLOW_TRACKING_URI: 'http://ml:5000', ...both },
    { MLFLOW_TRACKING_URI: 'http://me:p%40ss@ml:5000' },
  ])
    expect(trackingServer(env)).toEqual({
      address: 'http://ml:5000',
      headers: { authorization: `Basic ${basic}` },
      secrets: ['p@ss', basic],
    });
  expect(() => trackingServer({ MLFLOW_TRACKING_URI: 'sqlite:///s3cret.db' })).toThrow(
    /^MLFLOW_TRACKING_URI is not an address that starts with http:\/\/ or https:\/\/; name an MLflow server that way, or unset it\.$/,
  );
});

test('what a server refuses waits, told without the password that it repeats, and nobody has claimed it', async () => {
  const stores = await waiting();
  const address = await serve((request, response) =>
    response.writeHead(401, { 'content-type': 'text/plain' }).end(`no ${request.headers.authorization} for me:s3cret`),
  );
  vi.stubEnv('MLFLOW_TRACKING_URI', `http://me:s3cret@${address}`);
  expect([...(await writeWaiting(pipeline, stores, options('one')))]).toEqual([
    [
      idOf(RUN),
      {
        status: 'waits',
        reason: `MLflow at http://${address}: it says HTTP 401 to GET mlflow/experiments/get-by-name (no Basic *** for me:***)`,
      },
    ],
  ]);
  expect(await claimWaiting(stores.modelRegistry, idOf(RUN), 'another')).toMatchObject({ run: RUN });
});

test('a server that takes requests and never answers holds up nobody', async () => {
  const stores = await waiting();
  vi.stubEnv('MLFLOW_TRACKING_URI', `http://${await serve(() => {})}`);
  const began = performance.now();
  const tracked = await writeWaiting(pipeline, stores, { ...options('one'), budgetMs: 500 });
  expect(performance.now() - began).toBeLessThan(5_000);
  expect([...tracked.values()]).toMatchObject([
    { status: 'waits', reason: expect.stringContaining('not all could be written within 0.5 s') as string },
  ]);
  expect(await waitingIds(stores.modelRegistry)).toEqual([idOf(RUN)]);
});

test('of two that would write a training one does', async () => {
  const { modelRegistry } = await waiting();
  expect(await claimWaiting(modelRegistry, idOf(RUN), 'one')).toMatchObject({ trained: [VERSION] });
  expect(await claimWaiting(modelRegistry, idOf(RUN), 'another')).toBeUndefined();
  // Another attempt of the first.
  expect(await claimWaiting(modelRegistry, idOf(RUN), 'one')).toBeDefined();
});

test('without an address it waits for one', async () => {
  vi.stubEnv('MLFLOW_TRACKING_URI', '');
  const tracked = await writeWaiting(pipeline, await waiting(), options('one'));
  expect([...tracked.values()]).toMatchObject([
    { status: 'waits', reason: 'MLFLOW_TRACKING_URI is not set where data-processing runs' },
  ]);
});

test('a training whose answer was lost is told as written, where it was, by the attempt after', async () => {
  vi.stubEnv('MLFLOW_TRACKING_URI', '');
  const stores = await waiting();
  const training = await claimWaiting(stores.modelRegistry, idOf(RUN), RUN.runId);
  await settleWaiting(stores.modelRegistry, training!, 'http://mlflow/#/experiments/1/runs/2');
  const context = {
    pipeline: () => Promise.resolve(pipeline),
    stores: () => stores,
    signal: new AbortController().signal,
  } as unknown as StageContext;
  expect(await trackTraining(context, { pipeline: 'table', run: RUN })).toEqual({
    status: 'written',
    uri: 'http://mlflow/#/experiments/1/runs/2',
  });
});
