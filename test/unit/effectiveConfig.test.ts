import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeSettings } from '../../src/cli/effectiveConfig.js';
import { loadPipeline } from '../../src/config/load.js';
import { idleInWords, settingsOf } from '../../src/config/origins.js';
import { withReading } from '../../src/data/sourceReading.js';
import { packageFolder } from '../../src/package.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const conf = temporaryFolder(afterAll);

/** A pipeline's files as they are written, by their names. */
async function settingsOfFiles(name: string, files: Record<string, unknown>) {
  const folder = join(conf, 'pipelines', name);
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of Object.entries(files))
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  const pipeline = await loadPipeline(name, { PERDURE_CONF: conf, ENVIRONMENT: 'dev' });
  return { pipeline, settings: settingsOf(pipeline) };
}

const SHORT = { source: 'loans.csv', time: 'issued', label: 'grade', drop: ['id'] };

describe('a short pipeline', async () => {
  const { pipeline, settings } = await settingsOfFiles('loans', {
    'pipeline.json': SHORT,
    'silver.sql': 'SELECT * FROM bronze',
    'model_config.dev.json': {
      monitoring_config: { window_days: 7 },
      algorithms: { xgboost: { params: { max_depth: 3 } } },
      temporal_splits: {
        train: { start_year: 2001, end_year: 2002 },
        test: { start_date: '2003-01-01', end_date: '2003-06-30' },
        oot: { start_date: '2003-07-01', end_date: '2003-12-31' },
      },
    },
  });
  const of = (name: string) => settings.find(({ setting }) => setting === name);

  test.each([
    ['source.file', 'loans.csv', 'pipeline.json'],
    ['label.column', 'grade', 'pipeline.json'],
    ['time', 'issued', 'pipeline.json'],
    ['drop', ['id'], 'pipeline.json'],
    ['layers.silver.sql', 'silver.sql', 'silver.sql'],
    ['monitoring_config.window_days', 7, 'model_config.dev.json'],
    ['algorithms.xgboost.params', { max_depth: 3 }, 'model_config.dev.json'],
    ['temporal_splits.train', { start_date: '2001-01-01', end_date: '2002-12-31' }, 'model_config.dev.json'],
    ['temporal_splits.test.start_date', '2003-01-01', 'model_config.dev.json'],
  ])('%s is what a file says: %j, %s', (name, value, from) => {
    expect(of(name)).toMatchObject({ value, from });
    expect(of(name)!.reason).toBeUndefined();
  });

  test.each([
    ['name', 'loans', /folder/],
    ['key', ['row_number'], /number of a row/],
    ['partition.by', 'month', /time/],
    ['layers.bronze.sql', undefined, /query/],
    ['layers.bronze.path', 'bronze/bronze_{partition}.parquet', /place/],
    ['storage.datamart_bucket', 'loans-datamart', /named after the pipeline/],
    ['training_config.hyperparameter_tuning', false, /./],
    ['monitoring_config.drift_threshold_psi', 0.2, /./],
    ['split', undefined, /hash of the key/],
  ])('%s has a default, %j, with its reason', (name, value, reason) => {
    expect(of(name)).toMatchObject({ from: 'default' });
    expect(of(name)!.value).toEqual(value);
    expect(of(name)!.reason).toMatch(reason);
  });

  test.each(['source.columns', 'task', 'transforms'])('%s is found in the data, and not known before', (name) => {
    expect(of(name)).toMatchObject({ value: undefined, from: 'data' });
  });

  test('what was found is shown once the source was read', () => {
    const columns = { grade: 'VARCHAR', issued: 'DATE' } as const;
    const read = settingsOf(withReading(pipeline, { columns, null_values: [] }));
    expect(read.find(({ setting }) => setting === 'source.columns')).toMatchObject({ value: columns, from: 'data' });
  });

  test('each setting is told once, with what it is', () => {
    const names = settings.map(({ setting }) => setting);
    expect(new Set(names).size).toBe(names.length);
    expect(settings.filter(({ meaning }) => !meaning).map(({ setting }) => setting)).toEqual([]);
  });

  test.each([60, 100])('is listed in lines of at most %i characters', (width) => {
    const lines = describeSettings('loans, dev', settings, width).split('\n');
    // Keys of the store are not broken.
    expect(lines.filter((line) => line.length > width && !/\{partition\}/.test(line))).toEqual([]);
    expect(lines.length).toBeGreaterThan(80);
  });
});

/** Paths of what stands in a JSON document; a list is one, and so is an object of nothing. */
function pathsOf(value: unknown, path: string[] = []): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0)
    return [path.join('.')];
  return Object.entries(value).flatMap(([name, field]) => pathsOf(field, [...path, name]));
}

test('of a pipeline that writes everything, what its files say is from them and the rest is a default', async () => {
  const folder = join(packageFolder(), 'conf', 'pipelines', 'readmission');
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown;
  const settings = settingsOf(
    await loadPipeline('readmission', { PERDURE_CONF: join(packageFolder(), 'conf'), ENVIRONMENT: 'dev' }),
  );
  const config = pathsOf(read('model_config.dev.json'));
  const from = settings.filter(({ from }) => from === 'model_config.dev.json').map(({ setting }) => setting);
  // A setting may hold what stands deeper in the file, such as the parameters of an algorithm.
  expect(config.filter((path) => !from.some((setting) => `${path}.`.startsWith(`${setting}.`)))).toEqual(
    config.filter((path) => path === '$schema'),
  );
  expect(from.filter((setting) => !config.some((path) => `${path}.`.startsWith(`${setting}.`)))).toEqual([]);
});

describe('a setting that has an effect only under another one, which is off, is told in a sentence', () => {
  let pipelines = 0;
  const told = async (config: Record<string, unknown>, definition: Record<string, unknown> = {}) => {
    const { settings } = await settingsOfFiles(`idle_${pipelines++}`, {
      'pipeline.json': { source: 'loans.csv', label: 'grade', ...definition },
      'model_config.dev.json': config,
    });
    return { settings, sentences: idleInWords(settings) };
  };
  const YEARS = {
    train: { start_year: 2001, end_year: 2002 },
    test: { start_year: 2003, end_year: 2003 },
    oot: { start_year: 2004, end_year: 2004 },
  };
  const WEEKLY = {
    ...{ at: '06:00', time_zone: 'UTC', overlap: 'skip', catchup_window_minutes: 60 },
    ...{ jitter_seconds: 0, pause_on_failure: false },
  };
  const searched = { param_distributions: { max_depth: [2, 3] } };
  const tuned = { hyperparameter_tuning: true };

  test('with the file, every name once, and the setting that is off; "perdure config" has it beside the value', async () => {
    const { settings, sentences } = await told({
      model_config: { n_iter_search: 20 },
      search: { racing: true },
      algorithms: {
        xgboost: {
          param_distributions: { max_depth: { low: 2, high: 8, int: true }, subsample: { low: 0.5, high: 1 } },
        },
      },
    });
    expect(sentences).toEqual([
      'In model_config.dev.json, model_config.n_iter_search, search.racing, algorithms.xgboost.param_distributions have no effect, as "training_config.hyperparameter_tuning" is false.',
    ]);
    const table = describeSettings('idle', settings, 300);
    expect(table).toMatch(
      /n_iter_search +20 +model_config\.dev\.json; no effect, as "training_config\.hyperparameter_tuning" is false/,
    );
  });

  test.each<[what: string, names: string, because: RegExp, config: Record<string, unknown>, definition?: object]>([
    [
      'a search of one candidate',
      'search.sampler',
      /n_iter_search" is 1/,
      { training_config: tuned, search: { sampler: 'tpe' } },
    ],
    [
      'candidates at a time of a search at random',
      'search.batch_size',
      /"sampler": "tpe"/,
      { training_config: tuned, model_config: { n_iter_search: 9 }, search: { batch_size: 8 } },
    ],
    [
      'what is scored without folds',
      'search.scoring',
      /hyperparameter_tuning" is false/,
      { search: { scoring: 'roc_auc' } },
    ],
    [
      'a fixed parameter beside a search',
      'algorithms.xgboost.params',
      /nothing of n_estimators$/,
      {
        training_config: tuned,
        model_config: { n_iter_search: 9 },
        algorithms: { xgboost: { ...searched, params: { n_estimators: 9 } } },
      },
    ],
    [
      'an algorithm that is not listed',
      'algorithms.mlp',
      /does not list "mlp"/,
      { algorithms: { mlp: { params: { batch_size: 32 } } } },
    ],
    [
      'a threshold where a rule chooses',
      'inference_config.prediction_threshold',
      /evaluation\.threshold" chooses/,
      { evaluation: { threshold: { maximize: 'f1' } }, inference_config: { prediction_threshold: 0.3 } },
    ],
    [
      'a least size of slices without slices',
      'evaluation.min_slice_rows',
      /"evaluation\.slices"/,
      { evaluation: { min_slice_rows: 9 } },
    ],
    [
      'rows for repeats that are none',
      'evaluation.permutation_importance.max_rows',
      /n_repeats" is 0/,
      { evaluation: { permutation_importance: { n_repeats: 0, max_rows: 90 } } },
    ],
    [
      'a task definition of a phase that runs here',
      'compute.ecs',
      /no phase/,
      { compute: { ecs: { tasks: { training: { task_definition: 'train' } } } } },
    ],
    [
      'a reason to retrain that nothing gives',
      'steward.retrain.schedule',
      /"schedules\.training"/,
      { steward: { retrain: { schedule: 'approve' } } },
    ],
    [
      'a first day of rows without days',
      'inference_config.start_date',
      /"time"/,
      { inference_config: { start_date: '2008-01-01' } },
    ],
    [
      'calibration of numbers',
      'evaluation.calibration',
      /task is regression/,
      { evaluation: { calibration: 'sigmoid' } },
      { task: 'regression' },
    ],
    [
      'a split beside windows',
      'split',
      /temporal_splits/,
      {
        temporal_splits: YEARS,
      },
      { time: 'issued', split: { by: 'random', test: 0.2 } },
    ],
  ])('%s: %s', async (_, names, because, config, definition = {}) => {
    const { sentences } = await told(config, { ...definition });
    expect(sentences).toHaveLength(1);
    const [, told_, reason] = /^In \S+, (.*) has no effect, as (.*)\.$/.exec(sentences[0]!)!;
    expect(told_).toBe(names);
    expect(reason).toMatch(because);
  });

  test.each<[what: string, config: Record<string, unknown>, definition?: Record<string, unknown>]>([
    ['a split without windows', {}, { split: { by: 'random', test: 0.3 } }],
    [
      'a split that folds follow beside windows',
      { temporal_splits: YEARS },
      { time: 'issued', key: 'id', split: { by: 'group', column: 'customer', test: 0.3 } },
    ],
    [
      'reasons to retrain of a schedule that there is',
      {
        schedules: { training: WEEKLY },
        steward: { retrain: { schedule: 'approve' } },
      },
    ],
    [
      'a task definition of a phase that runs on ECS',
      {
        compute: {
          training: 'ecs',
          ecs: { cluster: 'c', subnets: ['s'], tasks: { training: { task_definition: 't' } } },
        },
      },
    ],
    ['a first day of rows with days', { inference_config: { start_date: '2008-01-01' } }, { time: 'issued' }],
    [
      'what slices, rules and repeats go by where there are some',
      {
        evaluation: {
          slices: ['region'],
          min_slice_rows: 9,
          permutation_importance: { n_repeats: 2, max_rows: 90 },
        },
        inference_config: { prediction_threshold: 0.3 },
      },
    ],
    [
      'what has an effect',
      {
        training_config: tuned,
        model_config: { n_iter_search: 9 },
        search: { sampler: 'tpe', batch_size: 8, scoring: 'roc_auc' },
        algorithms: { xgboost: searched },
      },
    ],
    [
      'what is said and is the default',
      {
        model_config: { n_iter_search: 1 },
        search: { racing: false, n_startup_trials: 10 },
        algorithms: { xgboost: { param_distributions: {} } },
      },
    ],
    [
      'parameters of both forms, between which a switch chooses',
      {
        training_config: tuned,
        model_config: { n_iter_search: 9 },
        algorithms: { xgboost: { ...searched, params: { max_depth: 3 } } },
      },
    ],
    ['a scoring that folds of one candidate have', { model_config: { cv_folds: 3 }, search: { scoring: 'roc_auc' } }],
  ])('not %s', async (_, config, definition) => {
    expect((await told(config, definition)).sentences).toEqual([]);
  });
});
