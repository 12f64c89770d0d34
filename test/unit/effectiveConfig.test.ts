import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeSettings } from '../../src/cli/effectiveConfig.js';
import { loadPipeline } from '../../src/config/load.js';
import { settingsOf } from '../../src/config/origins.js';
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
