import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Params, TaskSpec } from '../../src/contracts/index.js';
import { writeColumns } from '../../src/platform/files/parquet.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import type { FitRequest, MatrixFile } from '../../src/ml/engines/pool.js';
import type { Estimator } from '../../src/ml/estimators/estimators.js';
import type { ModelOutput } from '../../src/ml/modelOutput.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { taskOf } from '../../src/ml/tasks/task.js';
import { sha256File } from '../../src/platform/storage/checksum.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { FEATURES, ROWS, TASKS, TRAIN, estimatorData } from './fixtures/estimatorData.js';

/** Made by `fixtures/make_estimator_fixtures.py`. */
interface Expected {
  versions: Record<'xgboost' | 'lightgbm', string>;
  sums: Record<string, number>;
  identical: {
    xgboost: Record<string, number[]>;
    lightgbm: Record<string, { predictions: number[]; contributions: number[] }>;
  };
  categorical: Record<'xgboost' | 'lightgbm', Record<string, number[]>>;
  metrics: Record<string, Record<string, Record<string, number>>>;
}
const expected = JSON.parse(readFileSync(new URL('fixtures/estimators.json', import.meta.url), 'utf8')) as Expected;
const data = estimatorData();
const KINDS = Object.keys(TASKS);

/** Those of the fixtures. */
const PARAMS = {
  xgboost: { n_estimators: 20, max_depth: 4, learning_rate: 0.2, subsample: 0.8, colsample_bytree: 0.6 },
  lightgbm: {
    n_estimators: 20,
    num_leaves: 15,
    learning_rate: 0.2,
    subsample: 0.8,
    subsample_freq: 1,
    colsample_bytree: 0.6,
    reg_lambda: 0.5,
  },
};

const folder = temporaryFolder(afterAll);
const never = new AbortController().signal;
const pool = createEnginePool({ hosts: 2, memory: 2 ** 30 });
afterAll(() => pool.close());
const held = join(folder, 'held.parquet');
const trainOf = (kind: string): MatrixFile => ({
  path: join(folder, `${kind}.parquet`),
  checksum: kind,
  features: FEATURES,
  label: 'label',
  rows: TRAIN,
});

beforeAll(async () => {
  for (const kind of KINDS) {
    const columns = Object.fromEntries(FEATURES.map((name) => [name, data.columns[name]!.subarray(0, TRAIN)]));
    await writeColumns(trainOf(kind).path, { ...columns, label: data.labels[kind]!.subarray(0, TRAIN) });
  }
  await writeColumns(
    held,
    Object.fromEntries(FEATURES.map((name) => [name, data.columns[name]!.subarray(TRAIN, ROWS)])),
  );
});

async function fitted(kind: string, estimator: Estimator, params: Params, seed = 42): Promise<string> {
  const modelPath = join(
    folder,
    `${kind}-${estimator}-${JSON.stringify(params).replace(/[^a-z0-9]+/gi, '_')}-${seed}.model`,
  );
  const request: FitRequest = { train: trainOf(kind), task: TASKS[kind]!, estimator, params, seed, modelPath };
  await pool.fit(request, never);
  return modelPath;
}

async function scored(kind: string, estimator: Estimator, params: Params, seed = 42): Promise<ModelOutput> {
  const modelPath = await fitted(kind, estimator, params, seed);
  return pool.predict({ modelPath, task: TASKS[kind]!, data: { path: held, features: FEATURES } }, never);
}

function measured(kind: string, output: ModelOutput): Record<string, number> {
  return taskOf(TASKS[kind]!).metrics(data.labels[kind]!.subarray(TRAIN), output, 0.5) as unknown as Record<
    string,
    number
  >;
}

function expectWithin(actual: Record<string, number>, wanted: Record<string, number>, most: number): void {
  for (const [name, value] of Object.entries(wanted))
    expect(Math.abs(actual[name]! - value), `${name}: ${actual[name]} and ${value}`).toBeLessThan(most);
}

test('the rows are those of the fixtures', () => {
  expect(
    Object.fromEntries(KINDS.map((kind) => [kind, data.labels[kind]!.reduce((sum, label) => sum + label, 0)])),
  ).toEqual(Object.fromEntries(KINDS.map((kind) => [kind, expect.closeTo(expected.sums[kind]!, 6) as number])));
});

test('the libraries are the versions that made the fixtures', async () => {
  expect(await pool.version('xgboost')).toBe(`libxgboost ${expected.versions.xgboost}`);
  expect(await pool.version('lightgbm')).toBe(`lib_lightgbm ${expected.versions.lightgbm}`);
});

describe.each(KINDS)('the Python packages say the same of %s', (kind) => {
  test('xgboost', async () => {
    const { values } = await scored(kind, 'xgboost', PARAMS.xgboost);
    const wanted = expected.identical.xgboost[kind]!;
    expect(Array.from(values.subarray(0, wanted.length))).toEqual(wanted);
  });

  test('lightgbm', async () => {
    const { values } = await scored(kind, 'lightgbm', PARAMS.lightgbm);
    const { predictions, contributions } = expected.identical.lightgbm[kind]!;
    expect(Array.from(values.subarray(0, predictions.length))).toEqual(predictions);
    const request = {
      modelPath: await fitted(kind, 'lightgbm', PARAMS.lightgbm),
      task: TASKS[kind]!,
      data: { path: held, features: FEATURES, limit: 5 },
    };
    expect(await pool.contributions(request, never)).toEqual(Float64Array.from(contributions));
  });
});

describe('columns of categories', () => {
  const train = (kind: string): MatrixFile => ({
    ...trainOf(kind),
    path: join(folder, `categories-${kind}.parquet`),
    checksum: `categories ${kind}`,
    categoricals: ['x 0', 'x 6'],
  });
  const scoredPath = join(folder, 'categories.parquet');
  beforeAll(async () => {
    const cut = data.columns['x 0']!.map((value) => (Math.floor(12 * (value + 0.5)) * 5) % 12);
    cut.fill(NaN, TRAIN, TRAIN + 5);
    const columns: typeof data.columns = { ...data.columns, 'x 0': cut };
    const rows = (from: number, to: number) =>
      Object.fromEntries(FEATURES.map((name) => [name, columns[name]!.subarray(from, to)]));
    for (const kind of Object.keys(expected.categorical.xgboost))
      await writeColumns(train(kind).path, { ...rows(0, TRAIN), label: data.labels[kind]!.subarray(0, TRAIN) });
    await writeColumns(scoredPath, rows(TRAIN, ROWS));
  });

  test.each(
    (['xgboost', 'lightgbm'] as const).flatMap((estimator) =>
      Object.keys(expected.categorical[estimator]).map((kind) => [estimator, kind] as const),
    ),
  )('the Python package of %s says the same of %s', async (estimator, kind) => {
    const modelPath = join(folder, `categories-${estimator}-${kind}.model`);
    const order = { task: TASKS[kind]!, estimator, params: PARAMS[estimator], seed: 42 };
    await pool.fit({ ...order, train: train(kind), modelPath }, never);
    const { values } = await pool.predict(
      { modelPath, task: order.task, data: { path: scoredPath, features: FEATURES } },
      never,
    );
    const wanted = expected.categorical[estimator][kind]!;
    expect(Array.from(values.subarray(0, wanted.length))).toEqual(wanted);
  });

  test('an estimator that would take them for numbers is refused', async () => {
    const modelPath = join(folder, 'refused.model');
    const order = { task: TASKS.binary!, estimator: 'logistic_regression' as const, params: {}, seed: 42 };
    await expect(pool.fit({ ...order, train: train('binary'), modelPath }, never)).rejects.toThrow(
      "logistic_regression can't take categories as they are; use one_hot or ordinal instead of categorical, or leave the algorithm out.",
    );
  });
});

test.each([
  ['binary', 'balanced'],
  ['multiclass', null],
])('a forest of %s has the same bytes however many threads make it', async (kind, class_weight) => {
  const params = { n_estimators: 10, class_weight };
  const alone = createEnginePool({ hosts: 1, memory: 2 ** 30 });
  try {
    const modelPath = join(folder, `${kind}-alone.ubj`);
    const request = { train: trainOf(kind), task: TASKS[kind]!, estimator: 'random_forest' as const, params, seed: 1 };
    await alone.fit({ ...request, modelPath }, never);
    expect(await sha256File(await fitted(kind, 'random_forest', params, 1))).toBe(await sha256File(modelPath));
  } finally {
    await alone.close();
  }
});

describe('against scikit-learn', () => {
  test.each([
    ['logistic_regression', 'plain', 'multiclass', { C: 0.5 }],
    ['logistic_regression', 'balanced', 'multiclass', { C: 0.05, class_weight: 'balanced' }],
    ['linear_regression', 'plain', 'squared_error', {}],
    ['linear_regression', 'ridge', 'squared_error', { alpha: 100 }],
    ['linear_regression', 'poisson', 'poisson', {}],
    ['linear_regression', 'poisson_penalised', 'poisson', { alpha: 0.1 }],
  ] as [Estimator, string, string, Params][])(
    '%s (%s) is within .0005 of every metric',
    async (estimator, name, kind, params) => {
      expectWithin(measured(kind, await scored(kind, estimator, params)), expected.metrics[estimator]![name]!, 0.0005);
    },
  );

  // A forest is of chance: scikit-learn's numbers are means of two forests of at least 100 trees.
  test.each(['multiclass', 'squared_error'])(
    'random_forest of %s is within what chance makes of every metric',
    async (kind) => {
      const metrics = measured(kind, await scored(kind, 'random_forest', { n_estimators: 30, min_samples_leaf: 5 }));
      const wanted: Record<string, number> = { ...expected.metrics.random_forest![kind]! };
      delete wanted.log_loss;
      expectWithin(metrics, wanted, 0.03);
    },
  );
});

test('columns that follow from others change nothing of a linear model', async () => {
  const columns = Object.fromEntries(FEATURES.map((name) => [name, data.columns[name]!.subarray(0, TRAIN)]));
  const path = join(folder, 'collinear.parquet');
  const twice = columns['x 0']!.map((value) => 2 * value);
  await writeColumns(path, {
    ...columns,
    twice,
    constant: new Float32Array(TRAIN).fill(3),
    label: data.labels.squared_error!.subarray(0, TRAIN),
  });
  const features = [...FEATURES, 'twice', 'constant'];
  const modelPath = join(folder, 'collinear.model');
  await pool.fit(
    {
      train: { path, checksum: 'collinear', features, label: 'label', rows: TRAIN },
      task: TASKS.squared_error!,
      estimator: 'linear_regression',
      params: {},
      seed: 1,
      modelPath,
    },
    never,
  );
  const { values } = await pool.predict({ modelPath, task: TASKS.squared_error!, data: { path, features } }, never);
  const plain = await pool.predict(
    {
      modelPath: await fitted('squared_error', 'linear_regression', {}),
      task: TASKS.squared_error!,
      data: { path: trainOf('squared_error').path, features: FEATURES },
    },
    never,
  );
  values.forEach((value, row) => expect(value).toBeCloseTo(plain.values[row]!, 4));
});

test.each(['lightgbm', 'xgboost', 'random_forest', 'logistic_regression'] as const)(
  '%s gives the same bytes and scores again, whatever ran between',
  async (estimator) => {
    // Forests of several classes are slow.
    const params = {
      class_weight: null,
      ...(estimator === 'logistic_regression' ? {} : { n_estimators: 5, max_depth: 4 }),
    };
    const evaluate = () =>
      pool.evaluate(
        {
          train: trainOf('multiclass'),
          task: TASKS.multiclass!,
          estimator,
          params,
          folds: [1],
          cvFolds: 3,
          scorings: [],
          seed: 3,
        },
        never,
      );
    const first = await sha256File(await fitted('multiclass', estimator, params));
    await fitted('multiclass', estimator, { ...params, class_weight: 'balanced' });
    await evaluate();
    expect(await sha256File(await fitted('multiclass', estimator, params))).toBe(first);
  },
);

test('a regression is evaluated on shuffled folds', async () => {
  const request = {
    train: trainOf('squared_error'),
    task: TASKS.squared_error!,
    estimator: 'linear_regression' as const,
    params: {},
    folds: [0, 1, 2],
    cvFolds: 3,
    scorings: ['r2' as const],
    seed: 3,
  };
  const evaluations = await pool.evaluate(request, never);
  // The rows after the training rows have an R2 of .868.
  for (const { scores } of evaluations)
    expect(scores[0]!.score).toBeCloseTo(expected.metrics.linear_regression!.plain!.r2!, 1);
});

test('a torn model of lib_lightgbm is ObjectCorrupt', async () => {
  const modelPath = await fitted('binary', 'lightgbm', { n_estimators: 3 });
  truncateSync(modelPath, 3000);
  const torn = pool.predict({ modelPath, task: TASKS.binary!, data: { path: held, features: FEATURES } }, never);
  await expect(torn).rejects.toMatchObject({
    type: 'ObjectCorrupt',
    message: expect.stringContaining('is not a whole model of lib_lightgbm') as string,
  });
});

test('any name of a column comes back from a model of lib_lightgbm', async () => {
  const features = ['Contract=Two year', 'a,b:c', '{"x": [1]}', '100 %', 'größe', ' pad '];
  const path = join(folder, 'names.parquet');
  const columns = Object.fromEntries(features.map((name, i) => [name, data.columns[FEATURES[i]!]!.subarray(0, TRAIN)]));
  await writeColumns(path, { ...columns, label: data.labels.binary!.subarray(0, TRAIN) });
  const modelPath = join(folder, 'names.model');
  await pool.fit(
    {
      train: { path, checksum: 'names', features, label: 'label', rows: TRAIN },
      task: TASKS.binary!,
      estimator: 'lightgbm',
      params: { n_estimators: 2 },
      seed: 1,
      modelPath,
    },
    never,
  );
  const { values } = await pool.predict({ modelPath, task: TASKS.binary!, data: { path, features, limit: 3 } }, never);
  expect(values).toHaveLength(3);
});

test('with its defaults lightgbm is not thrown off by rare classes that can all but be told apart', async () => {
  const random = new Mt19937(5);
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  const rows = 3_000;
  const rates = Float64Array.from({ length: rows }, uniform);
  const bounds = [0.25, 0.55, 0.82, 0.96, 0.99, 0.997];
  const labels = rates.map((rate) => bounds.filter((bound) => rate > bound).length);
  const columns: Record<string, Float32Array> = {
    // As in a table of loans, few values of the rate lie on both sides of a bound.
    rate: Float32Array.from(rates, (rate) => Math.round(rate * 200) / 200),
    ...Object.fromEntries(['a', 'b', 'c'].map((name) => [name, Float32Array.from({ length: rows }, uniform)])),
  };
  const features = Object.keys(columns);
  const task: TaskSpec = { task: 'multiclass', classes: ['A', 'B', 'C', 'D', 'E', 'F', 'G'] };
  const part = async (name: string, from: number, to: number) => {
    const path = join(folder, `${name}.parquet`);
    const cut = Object.fromEntries(features.map((feature) => [feature, columns[feature]!.subarray(from, to)]));
    await writeColumns(path, { ...cut, label: labels.subarray(from, to) });
    return { path, checksum: name, features, label: 'label', rows: to - from };
  };
  const [train, test] = [await part('grades', 0, 2_000), await part('grades-test', 2_000, rows)];
  const lossOf = async (params: Params) => {
    const modelPath = join(folder, `grades-${JSON.stringify(params).length}.model`);
    await pool.fit({ train, task, estimator: 'lightgbm', params, seed: 42, modelPath }, never);
    const output = await pool.predict({ modelPath, task, data: { path: test.path, features } }, never);
    return (taskOf(task).metrics(labels.subarray(2_000), output, 0.5) as unknown as { log_loss: number }).log_loss;
  };
  // That of the Python package's own defaults is more than 1.5 times as much.
  expect(await lossOf({})).toBeLessThan((await lossOf({ reg_lambda: 0 })) / 1.5);
});
