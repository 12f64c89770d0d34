import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlgorithmTrained, ModelTrainingCompleted, TaskSpec } from '../../src/contracts/index.js';
import { datasetKey, readDatasetMetadata } from '../../src/data/dataset.js';
import { estimatorKind, estimatorsFor } from '../../src/ml/estimators/estimators.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { readVersion, versionKey } from '../../src/registry/versions.js';
import { readColumns } from '../../src/platform/files/parquet.js';
import { isHeldOut } from '../support/heldOut.js';
import { createShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

/** 400 flowers of three kinds: a length that tells them nearly apart, a colour that helps, gaps in both, and no dates. */
function flowers(): {
  id: string;
  length: number | null;
  colour: string;
  kind: string;
  weight: number;
  picked: number;
}[] {
  const random = new Mt19937(7);
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  return Array.from({ length: 400 }, (_, i) => {
    const kind = i % 3;
    const length = kind * 2 + uniform() * 3;
    return {
      id: `f-${i}`,
      length: i % 17 === 0 ? null : Math.round(length * 100) / 100,
      colour: uniform() < 0.7 ? ['red', 'blue', 'white'][kind]! : ['red', 'blue', ''][i % 2]!,
      kind: ['Iris setosa', 'Rose', 'Tulip, wild'][kind]!,
      weight: Math.round((10 + 3 * length + uniform()) * 100) / 100,
      picked: Math.floor(length + 3 * uniform()),
    };
  });
}
const ROWS = flowers();
const byId = new Map(ROWS.map((row) => [row.id, row]));
const text = (columns: (keyof (typeof ROWS)[number])[]) =>
  [
    columns.join(';'),
    ...ROWS.map((row) => columns.map((column) => (row[column] === null ? 'NA' : `"${row[column]}"`)).join(';')),
  ].join('\n') + '\n';

function versionOf({ algorithms }: ModelTrainingCompleted, algorithm: string): AlgorithmTrained {
  const trained = algorithms[algorithm]!;
  if (trained.status !== 'completed') throw new Error(trained.reason);
  return trained;
}

/** Every estimator of a task, trained on the short form of a pipeline. */
async function trained(definition: object, columns: Parameters<typeof text>[0], algorithms: string[]) {
  const pipeline = await createShortPipeline(engines, folder, definition);
  await pipeline.process(text(columns));
  return { pipeline, training: await pipeline.train(algorithms) };
}

/** What a config trains that names no algorithm. */
function trainedUnasked(task: TaskSpec): string[] {
  return estimatorsFor(task).filter((name) => !estimatorKind(name).listedOnly);
}

type Trained = Awaited<ReturnType<typeof trained>>;

describe('a table without dates whose label is one of several texts', () => {
  const algorithms = trainedUnasked({ task: 'multiclass', classes: ['a', 'b', 'c'] });
  let whole: Trained;
  beforeAll(async () => {
    whole = await trained(
      { source: 'flowers.csv', key: 'id', label: 'kind', task: 'multiclass', drop: ['weight', 'picked'] },
      ['id', 'length', 'colour', 'kind', 'weight', 'picked'],
      algorithms,
    );
  }, 60_000);

  test('is learned by every estimator that can, and measured on rows that none of them saw', () => {
    const { training } = whole;
    expect(training.dataset.rows.train! + training.dataset.rows.validation! + training.dataset.rows.test!).toBe(
      ROWS.length,
    );
    for (const algorithm of algorithms) {
      const { test, validation } = versionOf(training, algorithm);
      // The most frequent kind is a third of the rows.
      expect(test!.accuracy, algorithm).toBeGreaterThan(0.6);
      expect(validation!.n + test!.n).toBe(training.dataset.rows.validation! + training.dataset.rows.test!);
    }
    expect(training.comparison).toMatchObject({ metric: 'validation.log_loss', estimate: { metric: 'test.log_loss' } });
  });

  test('has for every row a class, and probabilities of all that add up to 1', async () => {
    const { pipeline, training } = whole;
    const predicted = await pipeline.predict('lightgbm');
    expect(predicted).toHaveLength(ROWS.length);
    const kinds = ['Iris setosa', 'Rose', 'Tulip, wild'];
    for (const row of predicted) {
      const probabilities = kinds.map((kind) => row[`probability_${kind}`] as number);
      expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
      expect(row.label).toBe(kinds[probabilities.indexOf(Math.max(...probabilities))]);
      expect(row.confidence).toBe(Math.max(...probabilities));
    }
    const { version } = versionOf(training, 'lightgbm');
    const { performance, drift } = await pipeline.monitor({ algorithm: 'lightgbm', version });
    // Counted here, row by row: those that the version was trained on don't count.
    const others = predicted.filter(({ id }) => isHeldOut(id as string));
    const right = others.filter(({ id, label }) => label === byId.get(id as string)!.kind).length;
    expect(performance).toMatchObject({
      status: 'measured',
      metric: 'log_loss',
      metrics: { n: others.length, accuracy: right / others.length },
    });
    expect(drift).toMatchObject({
      status: 'measured',
      rows: others.length,
      trained_rows: ROWS.length - others.length,
      drifted: [],
      missing: [],
    });
  });
});

describe('a table without dates whose label is a number', () => {
  const algorithms = trainedUnasked({ task: 'regression', objective: 'squared_error' });
  let whole: Trained;
  beforeAll(async () => {
    whole = await trained(
      { source: 'flowers.csv', key: 'id', task: 'regression', label: 'weight', drop: ['kind', 'picked'] },
      ['id', 'length', 'colour', 'kind', 'weight', 'picked'],
      algorithms,
    );
  }, 60_000);

  test('is learned by every estimator that can, in units of the label', () => {
    const { training } = whole;
    const mean = ROWS.reduce((sum, { weight }) => sum + weight, 0) / ROWS.length;
    const spread = Math.sqrt(ROWS.reduce((sum, { weight }) => sum + (weight - mean) ** 2, 0) / ROWS.length);
    for (const algorithm of algorithms)
      expect(versionOf(training, algorithm).test!.rmse, algorithm).toBeLessThan(spread / 2);
    expect(training.comparison.metric).toBe('validation.rmse');
  });

  test('has a prediction for every row, whose error monitoring measures', async () => {
    const { pipeline, training } = whole;
    const predicted = await pipeline.predict('xgboost');
    const squares = predicted
      .filter(({ id }) => isHeldOut(id as string))
      .map((row) => ((row.prediction as number) - byId.get(row.id as string)!.weight) ** 2);
    const { performance } = await pipeline.monitor({
      algorithm: 'xgboost',
      version: versionOf(training, 'xgboost').version,
    });
    if (performance.status === 'skipped') throw new Error(performance.reason);
    expect(performance.metrics.rmse).toBeCloseTo(
      Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length),
      10,
    );
    expect(Object.keys(predicted[0]!)).toEqual(['id', 'prediction', 'algorithm', 'version', '__perdure_inputs']);
  });
});

// Few counts would be taken for classes, but for the objective, which says what they are.
test('counts are learned by their Poisson deviance', async () => {
  const { training } = await trained(
    {
      source: 'flowers.csv',
      key: 'id',
      objective: 'poisson',
      label: 'picked',
      drop: ['kind', 'weight'],
    },
    ['id', 'length', 'colour', 'kind', 'weight', 'picked'],
    ['linear_regression', 'lightgbm'],
  );
  expect(training.comparison.metric).toBe('validation.mean_poisson_deviance');
  // That of the mean alone, by hand: 2 times the mean of y ln(y / mean) - (y - mean).
  const mean = ROWS.reduce((sum, { picked }) => sum + picked, 0) / ROWS.length;
  const ofMean =
    (2 *
      ROWS.reduce(
        (sum, { picked }) => sum + (picked > 0 ? picked * Math.log(picked / mean) : 0) - (picked - mean),
        0,
      )) /
    ROWS.length;
  for (const algorithm of ['linear_regression', 'lightgbm'])
    expect(versionOf(training, algorithm).test!.mean_poisson_deviance, algorithm).toBeLessThan(ofMean / 2);
});

test.each([
  [1, []],
  // Some 180 rows of a variance of 4.67e-8: a gain of 1e-6 is 12% of their squares.
  [1e-4, ['no split that explains less than 12% of their variance']],
  [1e-9, ['no split at all']],
])('labels times %d are told to be too small where libxgboost makes no split for them', async (times, told) => {
  const pipeline = await createShortPipeline(engines, folder, { source: 'table.csv', key: 'id', label: 'y', task: 'regression' }); // prettier-ignore
  const lines = Array.from({ length: 300 }, (_, id) => `${id},${id % 7},${((id % 7) + (id % 3)) * times}`);
  await pipeline.process(['id,x,y', ...lines].join('\n'));
  const training = await pipeline.train(['linear_regression']);
  expect(training.dataset.warnings!.filter((line) => line.includes('so small'))).toEqual(
    told.map(
      (what) =>
        expect.stringMatching(
          `^The labels of the train split are so small that random_forest and xgboost make ${what}`,
        ) as string,
    ),
  );
});

test.each([
  ['train', 2, '2 rows of the train split have a label below 0, such as -3'],
  ['test', 1, '1 row of the test split has a label below 0, such as -3'],
])('counts below 0 in %s are refused before anything trains', async (side, count, told) => {
  const pipeline = await createShortPipeline(engines, folder, {
    source: 'table.csv',
    key: 'id',
    label: 'n',
    objective: 'poisson',
    split: { by: 'column', column: 'side', train: 'train', test: 'test' },
  });
  const rows = Array.from({ length: 40 }, (_, i) => ({ id: i, x: i % 7, side: i % 4 === 0 ? 'test' : 'train' }));
  const below = rows.filter((row) => row.side === side).slice(0, count);
  const lines = rows.map((row) => `${row.id},${row.x},${row.side},${below.includes(row) ? -3 : row.x}`);
  await pipeline.process(['id,x,side,n', ...lines].join('\n'));
  await expect(pipeline.train(['lightgbm', 'random_forest'])).rejects.toMatchObject({
    type: 'InputInvalid',
    message: `${told}, and the objective poisson needs counts; correct the data, or give "objective" squared_error or absolute_error in pipeline.json.`,
  });
});

describe('text that is left to the estimators', () => {
  const definition = {
    source: 'flowers.csv',
    key: 'id',
    label: 'kind',
    drop: ['weight', 'picked'],
    transforms: [{ columns: ['colour'], steps: [{ categorical: {} }] }],
  };

  test('is split by those that can take it, which are then all that train', async () => {
    const { pipeline, training } = await trained(
      definition,
      ['id', 'length', 'colour', 'kind', 'weight', 'picked'],
      [],
    );
    expect(Object.keys(training.algorithms)).toEqual(['xgboost', 'lightgbm']);
    for (const [algorithm, file] of [
      ['xgboost', 'model.ubj'],
      ['lightgbm', 'model.txt'],
    ] as const) {
      const { version, test } = versionOf(training, algorithm);
      expect(test!.accuracy, algorithm).toBeGreaterThan(0.6);
      const model = await pipeline.stores.modelRegistry.get(versionKey({ algorithm, version }, file));
      // A column of categories: "c" to libxgboost; lib_lightgbm lists the values that train has.
      expect(Buffer.from(model!.body).toString('latin1')).toMatch(
        algorithm === 'xgboost' ? /feature_types.*c/s : /^feature_infos=.*\b[012]:[012]:[012]\b/m,
      );
    }
    expect(await pipeline.predict('lightgbm')).toHaveLength(ROWS.length);
  });

  test('is refused for an algorithm that would take it for numbers, when the config is read', async () => {
    await expect(
      createShortPipeline(engines, folder, definition, {
        training_config: { algorithms: ['logistic_regression', 'xgboost'] },
      }),
    ).rejects.toThrow(
      /"transforms" in .*pipeline\.json leave categories to the estimators \("categorical"\), and logistic_regression can't take them; use one_hot, ordinal or target there, or leave it out of "algorithms"\.$/,
    );
  });
});

describe('a label of two values', () => {
  test('has the positive class that it is told, and rows without a key go by their number', async () => {
    const { pipeline, training } = await trained(
      { source: 'flowers.csv', label: { column: 'kind', positive: 'Rose' } },
      ['length', 'colour', 'kind'],
      ['xgboost'],
    );
    expect(versionOf(training, 'xgboost').test!.roc_auc).toBeGreaterThan(0.75);
    const predicted = await pipeline.predict('xgboost');
    expect(predicted.map(({ row_number }) => Number(row_number))).toEqual(ROWS.map((_, i) => i + 1));
    const shareOf = (rose: boolean) => {
      const rows = predicted.filter((_, i) => (ROWS[i]!.kind === 'Rose') === rose);
      return rows.filter(({ label }) => label === 1).length / rows.length;
    };
    expect(shareOf(true)).toBeGreaterThan(0.8);
    expect(shareOf(false)).toBeLessThan(0.2);
  });

  test('may be made by SQL, and rows whose label is not known yet are left out', async () => {
    const { training } = await trained(
      {
        source: 'flowers.csv',
        key: 'id',
        label: { sql: "CASE WHEN kind <> 'Rose' THEN weight > 15 END" },
        drop: ['weight', 'kind'],
      },
      ['id', 'length', 'colour', 'kind', 'weight'],
      ['xgboost'],
    );
    expect(training.dataset.warnings).toContainEqual(
      expect.stringContaining('"task" is not set: the label is taken for yes or no, with true as the positive class'),
    );
    const known = ROWS.filter(({ kind }) => kind !== 'Rose').length;
    expect(Object.values(training.dataset.rows).reduce((sum, rows) => sum + rows, 0)).toBe(known);
  });
});

describe('a task that is not set', () => {
  test('is found, and every estimator that can do it trains; what did not change is not trained again', async () => {
    const columns = ['id', 'length', 'colour', 'kind', 'weight'] as const;
    const amount = await trained({ source: 'flowers.csv', key: 'id', label: 'weight' }, [...columns], []);
    expect(Object.keys(amount.training.algorithms)).toEqual([
      'linear_regression',
      'random_forest',
      'xgboost',
      'lightgbm',
    ]);
    expect(amount.training.status).toBe('completed');
    await expect(amount.pipeline.train([])).rejects.toThrow('Nothing changed since version');
    const kind = await trained({ source: 'flowers.csv', key: 'id', label: 'kind' }, [...columns], []);
    expect(Object.keys(kind.training.algorithms)).toEqual([
      'logistic_regression',
      'random_forest',
      'xgboost',
      'lightgbm',
    ]);
    expect(kind.training.status).toBe('completed');
  }, 60_000);

  test('lets an algorithm that is asked for by name say why it can not do it', async () => {
    const pipeline = await createShortPipeline(engines, folder, { source: 'flowers.csv', key: 'id', label: 'weight' });
    await pipeline.process(text(['id', 'length', 'weight']));
    await expect(pipeline.train(['logistic_regression'])).rejects.toThrow(
      'logistic_regression predicts classes; use linear_regression.',
    );
  });
});

test('of a key of several columns those are features that do not name rows by themselves', async () => {
  const { pipeline, training } = await trained(
    { source: 'flowers.csv', key: ['id', 'kind', 'picked'], task: 'regression', label: 'weight' },
    ['id', 'length', 'colour', 'kind', 'weight', 'picked'],
    ['xgboost'],
  );
  const { inputs } = await readDatasetMetadata(pipeline.stores.datamart, training.dataset);
  expect(inputs.map(({ name }) => name).sort()).toEqual(['colour', 'kind', 'length', 'picked']);
  expect(await pipeline.predict('xgboost')).toHaveLength(ROWS.length);
  const { version } = versionOf(training, 'xgboost');
  const { performance, drift } = await pipeline.monitor({ algorithm: 'xgboost', version });
  const others = ROWS.filter(({ id, kind, picked }) => isHeldOut(id, kind, picked)).length;
  expect(performance).toMatchObject({ status: 'measured', metrics: { n: others } });
  expect(drift).toMatchObject({ status: 'measured', rows: others, drifted: [], missing: [] });
});

test("the label is no feature where SQL of one's own carries it into the feature store", async () => {
  const pipeline = await createShortPipeline(engines, folder, {
    source: 'flowers.csv',
    key: 'id',
    label: 'kind',
    drop: ['weight'],
  });
  writeFileSync(join(pipeline.folder, 'feature_store.sql'), 'SELECT *, picked > 2 AS late FROM silver');
  await pipeline.process(text(['id', 'length', 'kind', 'weight', 'picked']));
  const { dataset } = await pipeline.train(['xgboost']);
  const { inputs } = await readDatasetMetadata(pipeline.stores.datamart, dataset);
  expect(inputs.map(({ name }) => name)).toEqual(['length', 'picked', 'late']);
});

test('rows of entities that train has too are counted and told, and the entity is no feature', async () => {
  const { pipeline, training } = await trained(
    {
      source: 'flowers.csv',
      key: 'id',
      entity: 'length',
      split: { by: 'column', column: 'kind', train: 'Iris setosa', test: ['Rose', 'Tulip, wild'] },
      task: 'regression',
      label: 'weight',
    },
    ['id', 'length', 'colour', 'kind', 'weight', 'picked'],
    ['xgboost'],
  );
  // Counted here, row by row.
  const known = new Set(ROWS.flatMap(({ kind, length }) => (kind === 'Iris setosa' ? [length] : [])));
  const tested = ROWS.filter(({ kind }) => kind !== 'Iris setosa');
  const shared = tested.filter(({ length }) => length !== null && known.has(length));
  const [rows, sharedRows] = [tested.length, shared.length];
  expect(sharedRows).toBeGreaterThan(5);
  const { entity, inputs } = await readDatasetMetadata(pipeline.stores.datamart, training.dataset);
  expect(entity).toEqual({
    column: 'length',
    shared: [
      {
        split: 'test',
        rows,
        sharedRows,
        groups: new Set(tested.flatMap(({ length }) => length ?? [])).size,
        sharedGroups: new Set(shared.map(({ length }) => length)).size,
      },
    ],
  });
  expect(inputs.map(({ name }) => name).sort()).toEqual(['colour', 'picked']);
  expect(training.dataset.warnings).toContainEqual(
    expect.stringContaining(
      `${Math.round((100 * sharedRows) / rows)}% of the rows of test belong to a length that the train split has as well (${sharedRows} of ${rows} rows)`,
    ),
  );
  const { version } = versionOf(training, 'xgboost');
  expect((await readVersion(pipeline.stores.modelRegistry, { algorithm: 'xgboost', version }))!.entity).toEqual(entity);
});

describe('folds', () => {
  // A number per row that is no other row's, so that rows can be told apart in the training file.
  const label = { sql: 'weight + CAST(substr(id, 3) AS INTEGER) * 1e-6' };
  const rowOf = (label: number) => Math.round(label * 1e6) % 10_000;
  const task = 'regression';

  /** Folds of the training rows, and those rows' values of some columns, as the training file has them. */
  async function foldsOf(definition: object, columns: Parameters<typeof text>[0]) {
    const config = { model_config: { cv_folds: 3 } };
    const pipeline = await createShortPipeline(
      engines,
      folder,
      { source: 'flowers.csv', key: 'id', ...definition },
      config,
    );
    await pipeline.process(text(columns));
    const training = await pipeline.train(['xgboost']);
    expect(versionOf(training, 'xgboost').cv_score).toEqual(expect.any(Number));
    const metadata = await readDatasetMetadata(pipeline.stores.datamart, training.dataset);
    const path = await pipeline.stores.datamart.localFile(datasetKey(metadata.id, 'train_processed.parquet'));
    return { folds: metadata.folds!, features: metadata.features, read: (names: string[]) => readColumns(path, names) };
  }

  test('keep the groups of a split by group whole', async () => {
    const { folds, read } = await foldsOf(
      {
        task,
        label,
        split: { by: 'group', column: 'length' },
        transforms: [],
        drop: ['colour', 'weight'],
      },
      ['id', 'length', 'colour', 'picked', 'weight'],
    );
    const [fold, labels] = (await read([folds.tested, 'label'])) as ArrayLike<number>[];
    const foldOf = new Map<number, number>();
    for (let row = 0; row < fold!.length; row++) {
      const length = ROWS[rowOf(labels![row]!)]!.length;
      if (length == null) continue;
      expect(foldOf.get(length) ?? fold![row]).toBe(fold![row]);
      foldOf.set(length, fold![row]!);
    }
    expect(new Set(foldOf.values())).toEqual(new Set([0, 1, 2]));
  }, 60_000);

  const byFold = { by: 'column', column: 'fold', train: 'train', test: 'test' };
  test.each([
    ['rows', 'regression', byFold, /^The train split has 4 rows, and 9 folds need one each; /],
    [
      'rows of a class',
      'multiclass',
      byFold,
      /^2 of the 4 rows of the train split have the most frequent label 2, and 9 folds need one each; /,
    ],
    [
      'groups',
      'multiclass',
      { by: 'group', column: 'person', test: 0.3 },
      /^9 folds of the cross-validation by group need at least 9 groups, and there are \d; /,
    ],
  ])('of fewer %s than there are folds are refused with what to do, %s', async (_, task, split, message) => {
    const pipeline = await createShortPipeline(
      engines,
      folder,
      { source: 'flowers.csv', key: 'id', label: 'label', task, split },
      { model_config: { cv_folds: 9 } },
    );
    const lines = [1, 2, 3, 2, 1, 2].map((label, i) => `${i},${i * i},p${i},${i < 4 ? 'train' : 'test'},${label}`);
    await pipeline.process(['id,size,person,fold,label', ...lines].join('\n'));
    const refused = (await pipeline.train(['xgboost']).catch((error: unknown) => error)) as Error;
    expect(refused).toMatchObject({ type: 'InputInvalid' });
    expect(refused.message).toMatch(message);
    expect(refused.message).toMatch(/lower model_config\.cv_folds, widen the split or process more data\.$/);
  });

  test('of a target encoding keep the groups of a split by group whole, also without a cross-validation', async () => {
    const pipeline = await createShortPipeline(engines, folder, {
      source: 'flowers.csv',
      key: 'id',
      label: 'well',
      split: { by: 'group', column: 'person', test: 0.2 },
      transforms: [{ columns: ['street'], steps: [{ target: { folds: 4 } }] }],
    });
    const persons = Array.from({ length: 300 }, (_, i) => Math.floor(i / 5));
    const lines = persons.map((person, i) => `${i},${person},street ${person},${i},${person % 3 === 0 ? 'yes' : 'no'}`);
    await pipeline.process(['id,person,street,age,well', ...lines].join('\n'));
    const { dataset } = await pipeline.train(['xgboost']);
    const path = await pipeline.stores.datamart.localFile(datasetKey(dataset.id, 'train_processed.parquet'));
    const [street] = (await readColumns(path, ['street'])) as ArrayLike<number>[];
    expect(street!.length).toBeGreaterThan(200);
    // Nobody of another fold lives in the streets of one: its rows get the mean of the others, and nothing of their own label.
    expect(Array.from(street!).filter((value) => value < 0.1 || value > 0.9)).toEqual([]);
  }, 60_000);

  test('of a split by time are tested by what came before', async () => {
    const { folds, read } = await foldsOf(
      {
        task,
        label,
        drop: ['weight'],
        partition: 'year',
        time: "DATE '2020-01-01' + CAST(substr(id, 3) AS INTEGER)",
        split: { by: 'time', test: '2020-12-01' },
      },
      ['id', 'length', 'colour', 'weight'],
    );
    const [fold, since, labels] = (await read([folds.tested, folds.trainedSince!, 'label'])) as ArrayLike<number>[];
    const rows = Array.from(fold!, (of, row) => ({ of, since: since![row]!, day: rowOf(labels![row]!) }));
    for (const tested of [0, 1, 2]) {
      const firstTested = Math.min(...rows.filter(({ of }) => of === tested).map(({ day }) => day));
      const lastTrained = Math.max(...rows.filter(({ since }) => since <= tested).map(({ day }) => day));
      expect(lastTrained).toBeLessThan(firstTested);
    }
  }, 60_000);

  test('have target encodings of their own, which know no label of the rows that they test', async () => {
    const { folds, features, read } = await foldsOf(
      {
        task,
        label,
        transforms: [{ columns: ['colour'], steps: [{ target: { smooth: 0 } }] }],
        drop: ['kind', 'picked', 'length', 'weight'],
      },
      ['id', 'length', 'colour', 'kind', 'picked', 'weight'],
    );
    const [fold, labels] = (await read([folds.tested, 'label'])) as ArrayLike<number>[];
    const rows = Array.from(fold!, (of, row) => ({
      of,
      label: labels![row]!,
      colour: ROWS[rowOf(labels![row]!)]!.colour,
    }));
    for (const tested of [0, 1, 2]) {
      const [encoded] = (await read([folds.refitted[tested]![features.indexOf('colour')]!])) as ArrayLike<number>[];
      rows.forEach(({ of, colour }, row) => {
        if (of !== tested) return;
        const others = rows.filter((other) => other.of !== tested && other.colour === colour);
        const mean = others.reduce((sum, other) => sum + other.label, 0) / others.length;
        expect(encoded![row]).toBeCloseTo(mean, 4);
      });
    }
  }, 60_000);
});

describe('what a table can not be', () => {
  test.each<[string, object, RegExp]>([
    [
      'a key that is no column',
      { source: 'flowers.csv', key: 'nobody', label: 'kind' },
      /names the column nobody, which flowers\.csv doesn't have \(it has id, length, colour, kind\); correct the name\.$/,
    ],
    [
      'a dropped column that is none',
      { source: 'flowers.csv', key: 'id', label: 'kind', drop: ['x'] },
      /names the column x, which/,
    ],
  ])('%s is told with what there is', async (_what, definition, message) => {
    const pipeline = await createShortPipeline(engines, folder, definition);
    await expect(pipeline.process(text(['id', 'length', 'colour', 'kind']))).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a regression of text', async () => {
    const pipeline = await createShortPipeline(engines, folder, {
      source: 'flowers.csv',
      key: 'id',
      label: 'kind',
      task: 'regression',
    });
    await pipeline.process(text(['id', 'length', 'kind']));
    await expect(pipeline.train(['xgboost'])).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /is a regression, and the label holds "Iris setosa"; give numbers, or another "task"\.$/,
      ) as string,
    });
  });
});
