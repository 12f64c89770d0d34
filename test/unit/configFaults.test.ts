import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  algorithmConfig,
  algorithmsToTrain,
  estimatorOf,
  listPipelines,
  loadPipeline,
  named,
  unableOf,
} from '../../src/config/load.js';
import { ModelConfig } from '../../src/config/schema.js';
import { PerdureError } from '../../src/errors.js';
import { EXPECTATION_NAMES } from '../../src/validation/expectationTypes.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** What people write wrongly, and what they are told of it. */
describe('a fault of a configuration', () => {
  const PIPELINE = { source: 'loans.csv', time: 'day', key: 'id', label: 'paid' };
  let conf: string;
  let folder: string;

  beforeEach(() => {
    conf = temporaryFolder();
    folder = join(conf, 'pipelines', 'loans');
    mkdirSync(folder, { recursive: true });
    write('pipeline.json', PIPELINE);
  });

  function write(file: string, content: unknown): void {
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  }

  const load = (name = 'loans') => loadPipeline(name, { PERDURE_CONF: conf });

  async function faults(): Promise<string[]> {
    const error = await load().then(
      () => new Error('Nothing is wrong.\n  nothing'),
      (refusal: unknown) => refusal as Error,
    );
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }

  test.each<[said: object, fault: string]>([
    [{ dorp: ['x'] }, '(top level): there is no "dorp" here; did you mean "drop"?'],
    [{ history: { days: 3 } }, 'history: there is no "days" here; did you mean "keep_days"?'],
    [{ history: { zebra: 3 } }, 'history: there is no "zebra" here; there is keep_days'],
    [
      { partition: 'monthly' },
      'partition: expected one of "none", "day", "week", "month", "year", "arrival", got "monthly"; did you mean "month"?',
    ],
    [{ partition: { colum: 'day', by: 'month' } }, 'partition: there is no "colum" here; did you mean "column"?'],
    [{ labels: { flie: 'late.csv' } }, 'labels: there is no "flie" here; did you mean "file"?'],
    [{ label: { sqll: 'paid > 0' } }, 'label: there is no "sqll" here; did you mean "sql"?'],
    [
      { split: { by: 'tiem', test: '90 days' } },
      'split.by: expected one of "time", "random", "group", "column", got "tiem"; did you mean "time"?',
    ],
    [{ split: { test: '90 days' } }, 'split.by: must be given: one of "time", "random", "group", "column"'],
    [
      { transforms: [{ columns: 'numbers', steps: [{ inpute: 'median' }] }] },
      'transforms.0.steps.0: there is no "inpute" here; did you mean "impute"?',
    ],
    [{ key: 5 }, 'key: expected a text or a list, got 5'],
    [{ title: '' }, 'title: expected at least 1 character, got ""'],
  ])('of %j names what was meant', async (said, fault) => {
    write('pipeline.json', { ...PIPELINE, ...said });

    expect(await faults()).toEqual([fault]);
  });

  test.each<[file: string, said: object, fault: string]>([
    [
      'model_config.dev.json',
      { promotion_gate: { minimums: { auc: 0.7 } } },
      'promotion_gate.minimums: there is no "auc" here; did you mean "roc_auc"?',
    ],
    [
      'model_config.dev.json',
      { training_config: { algorithms: ['xgbost'] } },
      'training_config.algorithms.0: expected a name that "algorithms" describes, got "xgbost"; did you mean "xgboost"?',
    ],
    [
      'model_config.dev.json',
      { algorithms: { xgboost: { params: { max_dept: 3 } } } },
      'algorithms.xgboost.params.max_dept: xgboost has no parameter max_dept; did you mean "max_depth"?',
    ],
    [
      'expectations.json',
      { expectations: [{ type: 'expect_column_values_to_be_uniqe', kwargs: { column: 'id' } }] },
      'expectations.0.type: there is no expectation "expect_column_values_to_be_uniqe"; did you mean "expect_column_values_to_be_unique"?',
    ],
    [
      'expectations.json',
      { expectations: [{ kwargs: { column: 'id' } }] },
      `expectations.0.type: must be given: one of ${EXPECTATION_NAMES.join(', ')}`,
    ],
    [
      'model_tests.json',
      { tests: [{ type: 'invariance', name: 'region', colum: 'region', values: ['a'] }] },
      'tests.0: there is no "colum" here; did you mean "column"?',
    ],
  ])('in %s of %j names what was meant', async (file, said, fault) => {
    write(file, said);

    expect(await faults()).toEqual([fault]);
  });

  test('of names given twice is told, as JSON keeps the last of them and drops what the first says', async () => {
    write(
      'model_config.dev.json',
      '{"alerts": {"accuracy_drop": 0.1, "email": [], "accuracy_drop": 0.3}, "search": {}, "search": {}}',
    );
    expect(await faults()).toEqual([
      'alerts.accuracy_drop: is given more than once; keep one',
      'search: is given more than once; keep one',
    ]);
    // The same name in two objects, or with a brace or a colon in it, is none of them.
    write('model_config.dev.json', { algorithms: { xgboost: { params: {} }, lightgbm: { params: {} } } });
    write('pipeline.json', { ...PIPELINE, drop: ['a', 'a":{', 'a'], tables: {} });
    await expect(load()).resolves.toMatchObject({ environment: 'dev' });
  });

  test.each([
    ['model_config.json', 'model_config.dev.json, model_config.staging.json or model_config.prod.json'],
    ['model_config.production.json', 'model_config.dev.json, model_config.staging.json or model_config.prod.json'],
    ['expectation.json', 'expectations.json'],
    ['model_test.json', 'model_tests.json'],
    ['Silver.sql', 'silver.sql'],
  ])('of a file name, %s, is told: its settings would count for nothing', async (file, meant) => {
    write(file, '{}');

    await expect(load()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: `Nothing reads ${join(folder, file)}; rename it to ${meant}, or move it out of the folder.`,
    });
  });

  test.each(['notes.md', 'silver2.sql', 'expectations.json'])('is none of a file like %s', async (file) => {
    write('silver.sql', 'SELECT * FROM bronze');
    write(file, '{}');

    await expect(load()).resolves.toMatchObject({ environment: 'dev' });
  });

  const DOWNLOAD = { url: 'https://example.org/a.csv', sha256: 'a'.repeat(64), licence: 'CC0' };

  test.each<[said: object, fault: string]>([
    [
      { source: 'http://example.org/a.csv' },
      'source: expected a path, or an address that begins with s3:// or file://; download the file and name its path',
    ],
    [{ source: { file: 'a.csv', columns: {} } }, 'source.columns: expected one column at least'],
    [
      { source: { file: 'a.csv', download: { ...DOWNLOAD, url: 'ftp://example.org/a.csv' } } },
      'source.download.url: expected an address that begins with https:// or http://',
    ],
    [
      { source: { file: 'a.csv', download: { ...DOWNLOAD, sha256: 'A'.repeat(64) } } },
      'source.download.sha256: expected the 64 digits 0 to 9 and a to f of a SHA-256',
    ],
    [{ keys: ['id'] }, 'key: expected "key" or "keys", not both'],
    [
      { key: undefined, labels: { file: 'late.csv' } },
      'labels.on: expected the columns that labels are joined on, as there is no key',
    ],
    [
      { labels: { file: 'late.csv' }, tables: { Labels: 'more.csv' } },
      'tables: expected another name than "labels", by which SQL reads the labels of the second file',
    ],
    [
      { key: undefined, time: undefined, partition: 'arrival' },
      'key: expected the columns that tell rows apart, as "arrival" is when a key was first there',
    ],
    [{ partition: 'arrival' }, 'time: expected none, as "arrival" has rows go by the day on which they arrive'],
    [
      { time: undefined, partition: 'month' },
      "time: expected SQL that gives each row's day, as rows are partitioned by month",
    ],
    [
      { task: 'regression', label: { column: 'paid', positive: 'yes' } },
      'label.positive: expected none, as a regression task has no positive class',
    ],
    [
      { task: 'multiclass', objective: 'poisson' },
      'objective: expected none, as a multiclass task has none; it is of a regression',
    ],
    [
      { time: undefined, split: { by: 'time', test: '90 days' } },
      'split.by: expected another split, or the day of each row in "time"',
    ],
  ])('that is in what %j has to do with the rest is told', async (said, fault) => {
    write('pipeline.json', { ...PIPELINE, ...said });

    expect(await faults()).toEqual([fault]);
  });

  const layer = (name: string) => ({ sql: `${name}.sql`, path: `${name}/${name}_{partition}.parquet` });
  /** With SQL of its own for each layer. */
  const LAYERED = {
    source: { file: 'loans.csv', columns: { id: 'BIGINT', day: 'DATE', age: 'DOUBLE', paid: 'INTEGER' } },
    partition: { column: 'day', by: 'month' },
    keys: ['id'],
    label: 'paid',
    layers: {
      ...{ bronze: layer('bronze'), silver: layer('silver') },
      ...{ feature_store: layer('feature_store'), label_store: layer('label_store') },
    },
    features: [{ name: 'age', type: 'numeric' }],
  };

  test.each<[said: object, fault: string]>([
    [{ keys: undefined }, 'keys: expected the columns that join features with labels, as "layers" are given'],
    [{ partition: 'month' }, 'partition: expected the column of the rows\' days and "by", as "layers" are given'],
    [
      { features: [{ name: 'PAID', type: 'numeric' }] },
      'features.0.name: expected another column than the label, "paid": a model can\'t learn from what it predicts',
    ],
    [{ features: [{ name: 'ID', type: 'numeric' }] }, 'features.0.name: expected "id", as keys.0 spells it'],
    [
      { layers: { ...LAYERED.layers, silver: layer('bronze') } },
      'layers.silver.path: expected another path than that of bronze, as each layer has files of its own',
    ],
  ])('that is in what %j has to do with layers is told', async (said, fault) => {
    write('pipeline.json', { ...LAYERED, ...said });

    expect(await faults()).toEqual([fault]);
  });

  const tests = (test: object) => ({ tests: [{ name: 'it', ...test }] });

  test.each<[file: string, said: object, fault: string]>([
    ['model_tests.json', { zebra: 1 }, '(top level): there is no "zebra" here; there is tests'],
    [
      'model_tests.json',
      tests({ type: 'minimum_functionality', rows: [{ age: 3 }] }),
      'tests.0: expected "min", "max" or "label", as the test says nothing without one',
    ],
    [
      'model_tests.json',
      tests({ type: 'directional', change: {}, expect: 'increase' }),
      'tests.0.change: expected one column at least',
    ],
    [
      'model_tests.json',
      {
        tests: ['one', 'two', 'one'].map((name) => ({ type: 'invariance', name, column: 'age', values: [1] })),
      },
      'tests.2.name: expected a name of its own for each test, got "one" twice',
    ],
    [
      'model_config.dev.json',
      { promotion_gate: { slices: { minimums: { accuracy: 0.5 } } } },
      'evaluation.slices: expected a column at least, as "promotion_gate.slices" sets limits for slices',
    ],
    [
      'model_config.dev.json',
      { training_config: { algorithms: ['xgboost', 'xgboost'] } },
      'training_config.algorithms: expected every name once, got "xgboost" twice',
    ],
    [
      'model_config.dev.json',
      { algorithms: { mine: { estimator: 'script' } } },
      'algorithms.mine.script: expected the folder and the command of a program',
    ],
    [
      'model_config.dev.json',
      { algorithms: { xgboost: { script: { folder: 'mine', command: ['run'] } } } },
      'algorithms.xgboost.script: expected none, as xgboost needs no program',
    ],
    [
      'model_config.dev.json',
      { search: { racing: true, sampler: 'tpe' } },
      'search.racing: expected false, as racing needs all candidates from the start; "pruner" gives up candidates of the others',
    ],
    [
      'model_config.dev.json',
      { algorithms: { xgboost: { param_distributions: { max_depth: 3 } } } },
      'algorithms.xgboost.param_distributions.max_depth: expected a list of values, or a range such as {"low": 0.01, "high": 0.3, "log": true}',
    ],
  ])('that is in what %s has to do with the rest, %j, is told', async (file, said, fault) => {
    write(file, said);

    expect(await faults()).toEqual([fault]);
  });

  test.each<[what: string, definition: object, config: object, message: () => string]>([
    [
      'categories left to an estimator that takes none',
      { transforms: [{ columns: 'categories', steps: [{ categorical: {} }] }] },
      { training_config: { algorithms: ['logistic_regression', 'random_forest', 'xgboost'] } },
      () =>
        `"transforms" in ${join(folder, 'pipeline.json')} leave categories to the estimators ("categorical"), and logistic_regression and random_forest can't take them; use one_hot, ordinal or target there, or leave them out of "algorithms".`,
    ],
    [
      'a script without its folder',
      {},
      {
        training_config: { algorithms: ['mine'] },
        algorithms: { mine: { estimator: 'script', script: { folder: 'mine', command: ['run'] } } },
      },
      () =>
        `The algorithm "mine" is the script mine, and there is no folder ${join(folder, 'mine')}; put its files there, or correct "script.folder".`,
    ],
    [
      'ranges of days of rows without any',
      { time: undefined },
      {
        temporal_splits: {
          train: { start_year: 2001, end_year: 2002 },
          test: { start_year: 2003, end_year: 2003 },
          oot: { start_year: 2004, end_year: 2004 },
        },
      },
      () =>
        `"temporal_splits" are ranges of days, and rows have none by ${join(folder, 'pipeline.json')}; give each row's day in "time" there, or take the ranges out.`,
    ],
    [
      'a key with the name of a reason',
      { key: 'Reason_2' },
      { inference_config: { reasons: 2 } },
      () =>
        `${join(folder, 'pipeline.json')} has the column "Reason_2", which predictions carry beside a column of that name, as "inference_config.reasons" asks for; rename it in SQL, or ask for none.`,
    ],
  ])('that two files make together is told: %s', async (_, definition, config, message) => {
    write('pipeline.json', { ...PIPELINE, ...definition });
    write('model_config.dev.json', config);

    await expect(load()).rejects.toMatchObject({ type: 'ConfigInvalid', message: message() });
  });

  test('of an address that is none of a folder of pipelines is told, and so is a folder that is none', async () => {
    await expect(loadPipeline('loans', { PERDURE_CONF: 'gs://bucket/conf' })).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: 'PERDURE_CONF is "gs://bucket/conf"; give a folder, or an address such as s3://bucket/prefix.',
    });
    const file = join(conf, 'file');
    writeFileSync(file, '');
    await expect(listPipelines(file)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        new RegExp(`^${join(file, 'pipelines')} can't be listed \\(.+\\); make it a folder that can be read, `),
      ) as string,
    });
    expect(await listPipelines(join(conf, 'nothing'))).toEqual([]);
    expect(await listPipelines(conf)).toEqual(['loans']);
    await expect(loadPipeline('loans', { PERDURE_CONF: pathToFileURL(conf).href })).resolves.toMatchObject({
      environment: 'dev',
    });
  });

  test('an algorithm that nobody knows is refused with those that there are', async () => {
    const { config } = await load();
    const all = config.training_config.algorithms;
    expect(algorithmsToTrain(config)).toEqual(all);
    expect(algorithmsToTrain(config, [])).toEqual(all);
    expect(algorithmsToTrain(config, [all[1]!])).toEqual([all[1]]);
    const unknown = (name: string, known: string[]) =>
      expect.objectContaining({
        type: 'NotFound',
        message: `There is no algorithm "${name}"; this pipeline has ${known.join(', ')}.`,
      }) as Error;
    expect(() => algorithmsToTrain(config, ['catboost', all[0]!])).toThrow(unknown('catboost', all));
    expect(() => algorithmConfig(config, 'toString')).toThrow(unknown('toString', Object.keys(config.algorithms)));
  });

  test('monitoring looks at all rows where they have no days of their own, else at those that its defaults say', async () => {
    const window = async (said: object) => {
      write('pipeline.json', { ...PIPELINE, ...said });
      return (await load()).config.monitoring_config.window_days;
    };
    // A hundred years.
    expect(await window({ time: undefined })).toBe(36_525);
    expect(await window({ time: undefined, partition: 'arrival' })).toBe(36_525);
    expect(await window({})).toBeUndefined();
  });

  test('an algorithm trains where it is enabled, and one that can not do a task is named', async () => {
    write('model_config.dev.json', {
      training_config: {
        algorithms: ['logistic_regression', 'linear_regression', 'xgboost'],
        enabled_algorithms: { xgboost: false, logistic_regression: true },
      },
    });
    const { config } = await load();
    expect(algorithmsToTrain(config)).toEqual(['logistic_regression', 'linear_regression']);
    const all = config.training_config.algorithms;
    expect(unableOf(config, all, { task: 'binary', classes: ['a', 'b'] })).toEqual(['linear_regression']);
    expect(unableOf(config, all, { task: 'regression', objective: 'squared_error' })).toEqual(['logistic_regression']);
  });

  test('a program is in the folder of its pipeline; one that may be left out is set up by a command', () => {
    const script = { folder: 'models/mine', command: ['run'], timeout_seconds: 60, validation_share: 0 };
    const refOf = (optional: boolean) =>
      estimatorOf(
        { config: { algorithms: { mine: { estimator: 'script', script, optional } } } as never, folder: '/conf/loans' },
        'mine',
      );
    const program = { ...script, name: 'models/mine', folder: join('/conf/loans', 'models/mine') };
    expect(refOf(false)).toEqual({ estimator: 'script', script: program });
    expect(refOf(true)).toEqual({ estimator: 'script', script: { ...program, setUpBy: 'perdure setup loans' } });
  });

  test('where categories are left to the estimators, those train that take them, and nothing else has to be said', async () => {
    const trained = async (transforms: object[]) => {
      write('pipeline.json', { ...PIPELINE, transforms });
      return algorithmsToTrain((await load()).config);
    };
    expect(await trained([{ columns: 'categories', steps: [{ categorical: {} }] }])).toEqual(['xgboost', 'lightgbm']);
    const all = await trained([{ columns: 'categories', steps: [{ one_hot: {} }] }]);
    expect(all).toEqual(expect.arrayContaining(['logistic_regression', 'xgboost', 'lightgbm']));
    // Those that are trained only where they are listed.
    expect(all).not.toContain('mlp');
    expect(all).not.toContain('script');
  });

  test('an algorithm of a name of its own may leave out what the others may', async () => {
    write('model_config.dev.json', {
      algorithms: { shallow: { estimator: 'xgboost', params: { max_depth: 2 } } },
      training_config: { algorithms: ['shallow'] },
    });

    const { config } = await load();

    expect(config.algorithms.shallow).toMatchObject({
      estimator: 'xgboost',
      timeout_hours: 4,
      param_distributions: {},
      params: { max_depth: 2 },
    });
  });

  test('the longest names of pipelines make buckets of their own, which S3 takes', async () => {
    const names = ['a', 'b'].map((last) => 'x'.repeat(99) + last);
    const buckets = await Promise.all(
      names.map(async (name) => {
        mkdirSync(join(conf, 'pipelines', name));
        writeFileSync(join(conf, 'pipelines', name, 'pipeline.json'), JSON.stringify(PIPELINE));
        const { storage, model_config } = (await load(name)).config;
        return [...Object.values(storage), model_config.model_registry_bucket];
      }),
    );

    expect(new Set(buckets.flat()).size).toBe(8);
    for (const bucket of buckets.flat()) expect(bucket).toMatch(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
    // As before: names that fit are those of earlier releases.
    expect((await load()).config.storage.datamart_bucket).toBe('loans-datamart');
    expect(ModelConfig.shape.storage.shape.datamart_bucket.safeParse('x'.repeat(64)).success).toBe(false);
  });
});

test('a fault of a copy tells of the place that it was copied from; of no other error is anything changed', () => {
  const fault = new PerdureError('ConfigInvalid', '/copy/a.json is wrong; correct /copy/a.json.');
  const told = named(fault, '/copy', 's3://conf') as PerdureError;
  expect(told).toMatchObject({
    type: 'ConfigInvalid',
    message: 's3://conf/a.json is wrong; correct s3://conf/a.json.',
    cause: fault,
  });
  expect(named(fault, '/copy', '/copy')).toBe(fault);
  expect(named(fault, '/elsewhere', 's3://conf')).toBe(fault);
  const other = new Error('/copy/a.json is wrong.');
  expect(named(other, '/copy', 's3://conf')).toBe(other);
});
