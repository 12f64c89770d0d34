import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { writeColumns } from '../../src/platform/files/parquet.js';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import type { EnginePool, FitRequest, MatrixFile } from '../../src/ml/engines/pool.js';
import { isAlive } from '../../src/platform/programs/command.js';
import { hostsOf } from '../support/engineHosts.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { until } from '../support/until.js';

const folder = temporaryFolder(afterAll);
const train: MatrixFile = {
  path: join(folder, 'train.parquet'),
  checksum: 'failing',
  features: ['a', 'b'],
  label: 'label',
  rows: 2000,
};
const never = new AbortController().signal;
const quick: FitRequest = {
  train,
  task: ZERO_OR_ONE,
  estimator: 'xgboost',
  params: { n_estimators: 2 },
  seed: 1,
  modelPath: join(folder, 'model.ubj'),
};
/** Minutes of native code. */
const endless: FitRequest = { ...quick, params: { n_estimators: 1_000_000 }, modelPath: join(folder, 'endless.ubj') };

let pool: EnginePool;
const pools: EnginePool[] = [];
function openPool(size: number, memory = 2 ** 30): EnginePool {
  pool = createEnginePool({ hosts: size, memory });
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((opened) => opened.close()));
});

beforeAll(async () => {
  const a = Float32Array.from({ length: 2000 }, (_, i) => Math.sin(i));
  const b = Float32Array.from({ length: 2000 }, (_, i) => Math.cos(i * i));
  await writeColumns(train.path, { a, b, label: Int8Array.from(a, (value, i) => (value + b[i]! > 0.5 ? 1 : 0)) });
});

/** Long enough for a host to be in native code, which hears nothing, or for news of its end to arrive. */
const aWhile = () => setTimeout(1000);

describe('a host that dies', () => {
  test('by SIGKILL in the middle of a fit is EngineCrashed, and the next call works', async () => {
    openPool(1);
    await pool.fit(quick, never);
    const fit = pool.fit(endless, never);
    const [host] = hostsOf(process.pid);
    await aWhile();
    process.kill(host!, 'SIGKILL');
    await expect(fit).rejects.toMatchObject({
      type: 'EngineCrashed',
      retryable: true,
      message:
        'The engine process of a call to fit was killed (SIGKILL), probably for its memory; give the worker more memory or fewer cpus.',
    });
    expect(await pool.fit(quick, never)).toEqual({ seconds: expect.any(Number) as number, steps: [] });
    expect(hostsOf(process.pid)).not.toContain(host);
  });

  test('by a crash names the signal', async () => {
    openPool(1);
    await pool.version('xgboost');
    const fit = pool.fit(endless, never);
    await aWhile();
    process.kill(hostsOf(process.pid)[0]!, 'SIGSEGV');
    await expect(fit).rejects.toMatchObject({
      type: 'EngineCrashed',
      message: expect.stringContaining('died of SIGSEGV') as string,
    });
  });

  test('while idle is replaced', async () => {
    openPool(1);
    await pool.version('xgboost');
    const [host] = hostsOf(process.pid);
    process.kill(host!, 'SIGKILL');
    await until(() => hostsOf(process.pid).length === 0);
    await aWhile();
    expect(await pool.version('xgboost')).toMatch(/^libxgboost/);
  });

  test('leaves the calls in other hosts alone', async () => {
    openPool(2);
    const doomed = pool.fit(endless, never);
    const other = pool.fit({ ...endless, params: { n_estimators: 2000 } }, never);
    const rejection = expect(doomed).rejects.toMatchObject({ type: 'EngineCrashed' });
    await until(() => hostsOf(process.pid).length === 2);
    process.kill(Math.min(...hostsOf(process.pid)), 'SIGKILL');
    await rejection;
    await expect(other).resolves.toEqual({ seconds: expect.any(Number) as number, steps: [] });
  });
});

describe('an aborted call', () => {
  test('throws the reason and kills its host, and the next call works', async () => {
    openPool(1);
    await pool.version('xgboost');
    const controller = new AbortController();
    const fit = pool.fit(endless, controller.signal);
    const [host] = hostsOf(process.pid);
    await aWhile();
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(fit).rejects.toBe(reason);
    await until(() => !hostsOf(process.pid).includes(host!));
    expect(await pool.version('xgboost')).toMatch(/^libxgboost/);
  });

  test('that waits for a host leaves the queue', async () => {
    openPool(1);
    const holder = new AbortController();
    const atWork = pool.fit(endless, holder.signal);
    const controller = new AbortController();
    const waiting = pool.fit(quick, controller.signal);
    const last = pool.version('xgboost');
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    holder.abort(reason);
    await expect(atWork).rejects.toBe(reason);
    expect(await last).toMatch(/^libxgboost/);
  });

  test('aborted before it began starts no process', async () => {
    openPool(1);
    await expect(pool.fit(quick, AbortSignal.abort(new Error('never mind')))).rejects.toThrow('never mind');
    expect(hostsOf(process.pid)).toEqual([]);
  });
});

test('training that needs more memory than a host has runs alone, and ends the hosts that idle', async () => {
  openPool(2, 100_000);
  await Promise.all([pool.version('xgboost'), pool.version('xgboost')]);
  expect(hostsOf(process.pid)).toHaveLength(2);
  const controller = new AbortController();
  const alone = pool.fit(endless, controller.signal);
  const next = pool.fit(quick, never);
  await until(() => hostsOf(process.pid).length === 1);
  await aWhile();
  expect(hostsOf(process.pid)).toHaveLength(1);
  controller.abort(new Error('no longer wanted'));
  await expect(alone).rejects.toThrow('no longer wanted');
  expect(await next).toEqual({ seconds: expect.any(Number) as number, steps: [] });
});

test('closing a pool ends its hosts and the calls under way', async () => {
  openPool(1);
  const fit = pool.fit(endless, never);
  const waiting = pool.version('xgboost');
  const rejections = [fit, waiting].map((call) => expect(call).rejects.toMatchObject({ type: 'EngineCrashed' }));
  await until(() => hostsOf(process.pid).length === 1);
  await pool.close();
  await Promise.all(rejections);
  expect(hostsOf(process.pid)).toEqual([]);
  await expect(pool.version('xgboost')).rejects.toMatchObject({ type: 'EngineCrashed' });
});

test('a host in the middle of a fit dies with its parent', async () => {
  const pool = new URL('../../dist/src/ml/engines/hostPool.js', import.meta.url).href;
  const script = `
    const { createEnginePool } = await import(${JSON.stringify(pool)});
    await createEnginePool({ hosts: 1, memory: 2 ** 30 }).fit(${JSON.stringify(endless)}, new AbortController().signal);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  await until(() => hostsOf(parent.pid!).length === 1);
  const [host] = hostsOf(parent.pid!);
  await aWhile();
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until(() => !isAlive(host!));
});

describe('what the engine refuses', () => {
  const model = join(fileURLToPath(new URL('fixtures/engine', import.meta.url)), 'python_gbtree.ubj');
  const predict = (modelPath: string, features: string[]) =>
    openPool(1).predict({ modelPath, task: ZERO_OR_ONE, data: { path: train.path, features } }, never);

  test('a setting that the library rejects is EngineFailed in its words', async () => {
    const refused = openPool(1).fit({ ...quick, params: { max_depth: 2 ** 31 } }, never);
    await expect(refused).rejects.toMatchObject({
      type: 'EngineFailed',
      retryable: false,
      message: expect.stringMatching(/max_depth/) as string,
    });
  });

  test('a parameter that no estimator knows is ConfigInvalid', async () => {
    const refused = openPool(1).fit({ ...quick, params: { depht: 3 } }, never);
    await expect(refused).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: 'xgboost has no parameter depht; take it out of the model config.',
    });
  });

  test('columns in another order than the model was trained on', async () => {
    await expect(predict(model, ['a', 'b'])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringContaining('was trained on the columns') as string,
    });
  });

  test('a model file that is not there', async () => {
    await expect(predict(join(folder, 'absent.ubj'), ['a'])).rejects.toMatchObject({ type: 'NotFound' });
  });

  test('a torn model file', async () => {
    const torn = join(folder, 'torn.ubj');
    copyFileSync(model, torn);
    truncateSync(torn, readFileSync(model).length / 2);
    await expect(predict(torn, ['a'])).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringContaining('torn.ubj is not a whole model') as string,
    });
  });

  test('a file that is no model', async () => {
    const text = join(folder, 'text.ubj');
    writeFileSync(text, 'not a model');
    await expect(predict(text, ['a'])).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });

  test('a library that is not installed', async () => {
    process.env.PERDURE_XGBOOST_LIB = join(folder, 'libxgboost.so');
    try {
      await expect(openPool(1).version('xgboost')).rejects.toMatchObject({
        type: 'EngineMissing',
        message: expect.stringContaining('PERDURE_XGBOOST_LIB names') as string,
      });
      writeFileSync(join(folder, 'libxgboost.so'), 'not a library');
      await expect(openPool(1).version('xgboost')).rejects.toMatchObject({
        type: 'EngineMissing',
        message: expect.stringContaining("can't be loaded") as string,
      });
    } finally {
      delete process.env.PERDURE_XGBOOST_LIB;
    }
  });

  test('a folder that cannot be written', async () => {
    const refused = openPool(1).fit({ ...quick, modelPath: join(folder, 'absent', 'model.ubj') }, never);
    await expect(refused).rejects.toMatchObject({ type: 'StoreUnavailable' });
  });
});
