import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadPipeline, named } from '../../src/config/load.js';
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
