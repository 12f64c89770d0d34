import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ZERO_OR_ONE, type Params, type Progress, type TaskSpec } from '../../src/contracts/index.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import { fromOnnx, toOnnx } from '../../src/ml/engines/network/onnx.js';
import type { MatrixFile } from '../../src/ml/engines/pool.js';
import { taskOf } from '../../src/ml/tasks/task.js';
import { readColumns, writeColumns } from '../../src/platform/files/parquet.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
process.env.PERDURE_CACHE = join(folder, 'cache');
const pool = createEnginePool({ hosts: 1, memory: 2 ** 30 });
afterAll(() => pool.close());
const never = new AbortController().signal;

const ROWS = 1000;
const FEATURES = ['a', 'b', 'c'];
const GRADES: TaskSpec = { task: 'multiclass', classes: ['A', 'B', 'C'] };
const amount = (objective: 'squared_error' | 'absolute_error' | 'poisson'): TaskSpec => ({
  task: 'regression',
  objective,
});
/** Small, so that an epoch takes some milliseconds. */
const SMALL = { hidden_layer_sizes: '16,8', learning_rate_init: 0.01, max_iter: 20 };

let path: string;
beforeAll(async () => {
  path = join(folder, 'train.parquet');
  const a = Float32Array.from({ length: ROWS }, (_, i) => Math.sin(i));
  const b = Float32Array.from({ length: ROWS }, (_, i) => (i % 11 === 0 ? NaN : Math.cos(i * i)));
  const c = Float32Array.from({ length: ROWS }, (_, i) => (i % 4) - 1.5);
  // No straight line divides them.
  const value = Float64Array.from(a, (of, i) => 1000 + 300 * of * c[i]! + 100 * (b[i]! || 0));
  const binary = Int8Array.from(value, (of) => (of > 1050 ? 1 : 0));
  const grade = Int8Array.from(value, (of) => (of > 1150 ? 2 : of > 900 ? 1 : 0));
  const count = Float64Array.from(value, (of) => Math.round(of / 100));
  const huge = Float32Array.from(a, (of) => of * 3e38);
  await writeColumns(path, { a, b, c, huge, value, binary, grade, count });
});

function train(label: string, features = FEATURES): MatrixFile {
  return { path, checksum: 'rows', features, label, rows: ROWS };
}

async function fit(
  name: string,
  label: string,
  task: TaskSpec,
  params: Params = SMALL,
  {
    seed = 1,
    signal = never,
    onProgress,
  }: { seed?: number; signal?: AbortSignal; onProgress?: (p: Progress) => void } = {},
): Promise<string> {
  const modelPath = join(folder, name);
  const request = { train: train(label), task, estimator: 'mlp', params, seed, modelPath } as const;
  await pool.fit(request, signal, onProgress);
  return modelPath;
}

async function metrics(modelPath: string, label: string, task: TaskSpec) {
  const output = await pool.predict({ modelPath, task, data: { path, features: FEATURES } }, never);
  const [labels] = await readColumns(path, [label]);
  return taskOf(task).metrics(labels as Float64Array, output, 0.5);
}

describe('a network', () => {
  test.each([
    ['binary', ZERO_OR_ONE, 'accuracy', 0.85],
    ['grade', GRADES, 'accuracy', 0.8],
    ['value', amount('squared_error'), 'r2', 0.8],
    ['value', amount('absolute_error'), 'r2', 0.8],
    ['count', amount('poisson'), 'r2', 0.6],
  ] as const)('learns %s of %j', async (label, task, metric, least) => {
    const model = await fit(`${label}.onnx`, label, task);
    expect((await metrics(model, label, task))[metric]).toBeGreaterThan(least);
  });

  test('is the same to the bit with the same seed, and another with another', async () => {
    const first = readFileSync(await fit('first.onnx', 'binary', ZERO_OR_ONE));
    const again = createEnginePool({ hosts: 1, memory: 2 ** 30 });
    const modelPath = join(folder, 'again.onnx');
    await again.fit(
      { train: train('binary'), task: ZERO_OR_ONE, estimator: 'mlp', params: SMALL, seed: 1, modelPath },
      never,
    );
    await again.close();
    expect(readFileSync(modelPath).equals(first)).toBe(true);
    expect(readFileSync(await fit('other.onnx', 'binary', ZERO_OR_ONE, SMALL, { seed: 2 })).equals(first)).toBe(false);
  });

  test('says the same of a row wherever it stands', async () => {
    const modelPath = await fit('rows.onnx', 'grade', GRADES);
    const data = { path, features: FEATURES };
    const all = await pool.predict({ modelPath, task: GRADES, data }, never);
    const one = await pool.predict({ modelPath, task: GRADES, data: { ...data, offset: 70, limit: 1 } }, never);
    expect(one.values).toEqual(all.values.slice(70 * 3, 71 * 3));
  });

  test('that is killed goes on after its last epoch, and ends with the same bits', async () => {
    const params = { ...SMALL, max_iter: 30, n_iter_no_change: 30 };
    const undisturbed = readFileSync(await fit('whole.onnx', 'binary', ZERO_OR_ONE, params));
    const controller = new AbortController();
    const killed = fit('killed.onnx', 'binary', ZERO_OR_ONE, params, {
      signal: controller.signal,
      onProgress: ({ done }) => done === 7 && controller.abort(new Error('no longer wanted')),
    });
    await expect(killed).rejects.toThrow('no longer wanted');
    expect(checkpoints()).not.toEqual([]);
    const told: number[] = [];
    const resumed = await fit('killed.onnx', 'binary', ZERO_OR_ONE, params, {
      onProgress: ({ done }) => told.push(done),
    });
    expect(told[0]).toBeGreaterThan(7);
    expect(told.at(-1)).toBe(30);
    expect(readFileSync(resumed).equals(undisturbed)).toBe(true);
    expect(checkpoints()).toEqual([]);
  });

  test.each<[when: string, label: string, task: TaskSpec, params: Params]>([
    ['in an epoch', 'binary', ZERO_OR_ONE, {}],
    // The one batch was measured before the step that it is for.
    [
      'in its last step',
      'value',
      amount('squared_error'),
      { hidden_layer_sizes: '1', dropout: 0, batch_size: ROWS, max_iter: 1, validation_fraction: 0 },
    ],
  ])('that diverges %s fails with what to do', async (_, label, task, params) => {
    const request = {
      task,
      estimator: 'mlp',
      params: { ...SMALL, learning_rate_init: 1, ...params },
      seed: 1,
      modelPath: join(folder, 'lost.onnx'),
    } as const;
    await expect(pool.fit({ ...request, train: train(label, ['huge']) }, never)).rejects.toMatchObject({
      type: 'EngineFailed',
      message:
        'The fit of the network has diverged: its loss is no number after 1 epoch; lower learning_rate_init, or have the transforms scale its columns.',
    });
  });

  test('that takes more memory than a fit has is refused', async () => {
    await expect(fit('large.onnx', 'binary', ZERO_OR_ONE, { hidden_layer_sizes: '9999,9999' })).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /has 100\d+ weights, which take 4\d+ MB while it trains, and a fit has 1073 MB/,
      ) as string,
    });
  });

  test('of another task, or cut off, is refused', async () => {
    const modelPath = await fit('grades.onnx', 'grade', GRADES);
    const bytes = readFileSync(modelPath);
    const { layers, facts } = fromOnnx(bytes);
    expect(Buffer.from(toOnnx(layers, 'Softmax', facts)).equals(bytes)).toBe(true);
    await expect(
      pool.predict({ modelPath, task: ZERO_OR_ONE, data: { path, features: FEATURES } }, never),
    ).rejects.toMatchObject({ type: 'InputInvalid' });
    expect(() => fromOnnx(bytes.subarray(0, 300))).toThrow();
  });
});

/** Trainings that may go on, in a cache of this file's own. */
function checkpoints(): string[] {
  const root = join(process.env.PERDURE_CACHE!, 'training-checkpoints');
  return existsSync(root) ? readdirSync(root) : [];
}
