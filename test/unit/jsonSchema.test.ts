import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { jsonSchemas } from '../../src/config/jsonSchema.js';
import { packageFolder } from '../../src/package.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
const CONF = join(packageFolder(), 'conf');
const SCHEMAS = jsonSchemas();

/** As strict as it can be: a keyword that it doesn't know is refused, so that nothing in a schema is without effect. */
function validator(name: string, schema: object = SCHEMAS[name]!) {
  return new Ajv({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    formats: { date: true, uri: true },
  }).compile(schema);
}

const isPipeline = validator('pipeline.schema.json');
const isModelConfig = validator('model_config.schema.json');

function readmission(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(CONF, 'pipelines', 'readmission', file), 'utf8')) as Record<string, unknown>;
}

describe('pipeline.json', () => {
  test.each([
    ['readmission', readmission('pipeline.json')],
    ['a label of yes or no', { source: 'telco.csv', key: 'customerID', label: { column: 'Churn', positive: 'Yes' } }],
    [
      'a count',
      {
        source: 'Bikeshare.csv',
        task: 'regression',
        label: 'bikers',
        objective: 'poisson',
        drop: ['casual', 'registered'],
        split: { by: 'group', column: 'day' },
      },
    ],
    [
      'a label by SQL',
      {
        source: 'flights.csv',
        key: ['time_hour', 'carrier', 'flight', 'origin'],
        time: 'make_date(year, month, day)',
        partition: 'month',
        label: { sql: 'arr_delay > 15' },
        split: { by: 'time', test: '2013-09-01', oot: '2013-11-01' },
        drop: ['dep_time', 'dep_delay', 'arr_time', 'arr_delay', 'air_time'],
      },
    ],
  ])('%s is one', (_, pipeline) => {
    expect(isPipeline(pipeline) || isPipeline.errors).toBe(true);
  });

  test.each([
    ['no label', { source: 'a.csv' }],
    ['a field that is none', { source: 'a.csv', label: 'y', lable: 'y' }],
    ['a task that is none', { source: 'a.csv', label: 'y', task: 'clustering' }],
    ['a split without its column', { source: 'a.csv', label: 'y', split: { by: 'group' } }],
    ['a share of 2', { source: 'a.csv', label: 'y', split: { by: 'random', test: 2 } }],
    [
      'a transform that is none',
      { source: 'a.csv', label: 'y', transforms: [{ columns: 'numbers', steps: [{ square: true }] }] },
    ],
  ])('%s is refused', (_, pipeline) => {
    expect(isPipeline(pipeline)).toBe(false);
  });
});

describe('model_config', () => {
  test.each(['dev', 'staging', 'prod'])("readmission's of %s is one", (environment) => {
    expect(isModelConfig(readmission(`model_config.${environment}.json`)) || isModelConfig.errors).toBe(true);
  });

  test.each([
    {},
    { model_config: { cv_folds: 3 }, monitoring_config: { window_days: 7 } },
    { algorithms: { xgboost: { params: { max_depth: 3 } } } },
  ])('any part of it is one: %j', (config) => {
    expect(isModelConfig(config) || isModelConfig.errors).toBe(true);
  });

  test.each([
    { monitoring: {} },
    { model_config: { cv_folds: 1 } },
    { algorithms: { xgboost: { estimator: 'xboost' } } },
    { prices: { currency: 'USD' } },
  ])('wrong is refused: %j', (config) => {
    expect(isModelConfig(config)).toBe(false);
  });
});

type Schema = { description?: string; properties?: Record<string, Schema> };

/** Every object's fields within a schema, with the path to each. */
function fieldsOf(schema: unknown, path: string): [string, Schema][] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, inner]) =>
    key === 'properties' && !Array.isArray(schema)
      ? Object.entries(inner as Record<string, Schema>).flatMap(([name, field]): [string, Schema][] => [
          [`${path}.${name}`, field],
          ...fieldsOf(field, `${path}.${name}`),
        ])
      : fieldsOf(inner, path),
  );
}

test.each(Object.entries(SCHEMAS))('every field of %s says what it means', (name, schema) => {
  const fields = fieldsOf(schema, name);
  expect(fields.length).toBeGreaterThan(20);
  expect(fields.filter(([, { description }]) => !description).map(([path]) => path)).toEqual([]);
});

test('what init writes names a schema that lies there, and is valid by it', async () => {
  const project = mkdtempSync(join(folder, 'init-'));
  const [conf, csv] = [join(project, 'conf'), join(project, 'telco.csv')];
  vi.stubEnv('PERDURE_CONF', conf);
  const silent = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  try {
    const rows = Array.from({ length: 300 }, (_, i) => `c${i},${(i * 37) % 101},${i % 3 === 0 ? 'Yes' : 'No'}`);
    writeFileSync(csv, ['customer,tenure,churn', ...rows, ''].join('\n'));
    await createProgram([]).parseAsync(['init', 'telco', '--csv', csv, '--label', 'churn', '--yes'], {
      from: 'user',
    });
    const path = join(conf, 'pipelines', 'telco', 'pipeline.json');
    const written = JSON.parse(readFileSync(path, 'utf8')) as { $schema: string };
    const schema = JSON.parse(readFileSync(join(dirname(path), written.$schema), 'utf8')) as object;
    const isValid = validator('written', schema);
    expect(isValid(written) || isValid.errors).toBe(true);
    expect(isValid({ ...written, label: undefined })).toBe(false);
  } finally {
    silent.forEach((spy) => spy.mockRestore());
    vi.unstubAllEnvs();
  }
});
