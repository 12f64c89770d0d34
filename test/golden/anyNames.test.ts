import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DUCKDB_COLUMNS, INTERNAL, INTERNAL_PREFIX, PREDICTION_COLUMNS } from '../../src/config/columns.js';
import { loadPipeline } from '../../src/config/load.js';
import type { RunRef } from '../../src/contracts/index.js';
import { identifier, literal, withDuckDb } from '../../src/data/duckdb.js';
import { openPredictions, predictionsFiles } from '../../src/data/predictions.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import { libraryPath } from '../../src/ml/engines/library.js';
import { XgBoost } from '../../src/ml/engines/xgboost.js';
import { PerdureError } from '../../src/errors.js';
import { readVersion, versionKey } from '../../src/registry/versions.js';
import { limitsOf } from '../../src/platform/resources/limits.js';
import { bronze } from '../../src/stages/bronze.js';
import { checkPredictionsExist } from '../../src/stages/checkPredictionsExist.js';
import type { Stage } from '../../src/stages/context.js';
import { createRunStage } from '../../src/stages/createContext.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { gold } from '../../src/stages/gold.js';
import { measurePerformance } from '../../src/stages/measurePerformance.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { silver } from '../../src/stages/silver.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { CONF } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { TRIES_ALL } from '../support/triesAll.js';

/**
 * Whatever a pipeline's columns are called, it gives the numbers that an independent computation gives, or is refused
 * when its config is read. Every query of a user's is `SELECT *`, so that each column goes through every layer and
 * stands beside all that Perdure adds.
 */

const RESOURCES = { cpus: 2, memory: 2 * 2 ** 30 };
const AS_OF = '2021-01-01';
const ROWS_A_MONTH = 48;
/** First and last day of the rows to train on, which lie in two partitions, to test on, and out of time. */
const WINDOWS = { train: ['01-01', '02-07'], test: ['02-08', '02-17'], oot: ['02-18', '02-28'] } as const;

/** What the columns of a pipeline are called. */
interface Names {
  key: string;
  day: string;
  first: string;
  second: string;
  label: string;
  extra: string;
}
const PLAIN: Names = { key: 'id', day: 'on_day', first: 'x1', second: 'x2', label: 'y', extra: 'more' };
const ROLES = Object.keys(PLAIN) as (keyof Names)[];

interface Row {
  key: number;
  day: string;
  first: number;
  second: number;
  label: 0 | 1;
}

/** January and February 2020. Keys are in no order. */
const ROWS: Row[] = Array.from({ length: 2 * ROWS_A_MONTH }, (_, i) => {
  const first = ((i * 37) % 101) / 10;
  const second = ((i * 53) % 97) - 40;
  const noise = ((i * 71) % 89) / 89;
  return {
    key: 1_000 + ((i * 29) % 4_001),
    day: `2020-0${Math.floor(i / ROWS_A_MONTH) + 1}-${String((i % 28) + 1).padStart(2, '0')}`,
    first,
    second,
    label: first / 10 + second / 200 + noise / 2 > 0.75 ? 1 : 0,
  };
});
const rowsOf = (...windows: (keyof typeof WINDOWS)[]) =>
  ROWS.filter(({ day }) =>
    windows.some((name) => day.slice(5) >= WINDOWS[name][0] && day.slice(5) <= WINDOWS[name][1]),
  );

const root = temporaryFolder(afterAll);
const scratch = join(root, 'scratch');
const engines = createEnginePool(limitsOf(RESOURCES).engines);
let count = 0;
beforeAll(() => {
  process.env.PERDURE_CONF = join(root, 'conf');
});
afterAll(async () => {
  delete process.env.PERDURE_CONF;
  await engines.close();
});

/** Writes a pipeline and its CSV. Keys are `key` alone, as a partition column that is no key is the harder case. */
function writePipeline(names: Names): { pipeline: string; csv: string } {
  const pipeline = `p${count++}`;
  const folder = join(root, 'conf', 'pipelines', pipeline);
  mkdirSync(folder, { recursive: true });
  const write = (file: string, content: unknown) =>
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  const template = CONF['model_config.dev.json'];
  const window = ([from, to]: readonly [string, string]) => ({ start_date: `2020-${from}`, end_date: `2020-${to}` });
  write('pipeline.json', {
    ...CONF['pipeline.json'],
    name: pipeline,
    source: {
      file: 'data.csv',
      columns: Object.fromEntries([
        [names.extra, 'VARCHAR'],
        [names.label, 'INTEGER'],
        [names.second, 'DOUBLE'],
        [names.day, 'DATE'],
        [names.first, 'DOUBLE'],
        [names.key, 'BIGINT'],
      ]),
    },
    partition: { column: names.day, by: 'month' },
    keys: [names.key],
    label: names.label,
    features: [
      { name: names.first, type: 'numeric', scale: true },
      { name: names.second, type: 'numeric' },
    ],
  });
  write('bronze.sql', 'SELECT * FROM source');
  write('silver.sql', 'SELECT * FROM bronze');
  write('feature_store.sql', 'SELECT * FROM silver');
  write('label_store.sql', 'SELECT * FROM silver');
  write('expectations.json', {
    duplicates: { name: 'repeated', on_failure: 'drop' },
    silver: [{ name: 'day_known', check: `${identifier(names.day)} >= '2020-01-01'`, on_failure: 'drop' }],
  });
  write('model_config.dev.json', {
    ...template,
    storage: {
      datamart_bucket: `${pipeline}-datamart`,
      predictions_bucket: `${pipeline}-predictions`,
      monitoring_bucket: `${pipeline}-monitoring`,
    },
    temporal_splits: { train: window(WINDOWS.train), test: window(WINDOWS.test), oot: window(WINDOWS.oot) },
    model_config: {
      ...template.model_config,
      model_registry_bucket: `${pipeline}-registry`,
      champion_metric: 'oot.roc_auc',
    },
    training_config: { ...template.training_config, algorithms: ['logistic_regression'], feature_selection: false },
    algorithms: {
      logistic_regression: {
        estimator: 'logistic_regression',
        timeout_hours: 1,
        param_distributions: {},
        params: { penalty: 'l2', C: 1 },
      },
    },
    promotion_gate: { min_samples: 1 },
    inference_config: {
      ...template.inference_config,
      batch_size: 7,
      confidence_intervals: true,
      start_date: window(WINDOWS.test).start_date,
    },
  });
  const csv = join(root, `${pipeline}.csv`);
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  // An earlier row again, which the duplicates are to drop, and a column without a name.
  const lines = [...ROWS, ROWS[5]!].map((row, i) =>
    [i, row.key, row.day, row.first, row.second, row.label, `text ${row.key}`].join(','),
  );
  const header = ['', ...ROLES.map((role) => names[role])].map(quote).join(',');
  // The order of ROLES is that of the values above.
  writeFileSync(csv, `${[header, ...lines].join('\n')}\n`);
  return { pipeline, csv };
}

/** What a pipeline said of the rows to test on and those out of time. */
interface Outcome {
  probabilities: Map<number, number>;
  predicted: Map<number, number>;
  trained: { test: unknown; oot: unknown };
  monitored: unknown;
  driftRows: number;
  /** Weights by feature, and the bias. */
  weights: { features: string[]; weights: number[]; bias: number };
}

async function run(names: Names): Promise<Outcome | PerdureError> {
  const { pipeline, csv } = writePipeline(names);
  const loaded = await loadPipeline(pipeline).catch((error: unknown) => {
    if (error instanceof PerdureError && error.type === 'ConfigInvalid') return error;
    throw error;
  });
  if (loaded instanceof PerdureError) return loaded;

  const storeRoot = join(root, 'store');
  const runStage = createRunStage({ storeRoot, engines, resources: RESOURCES, scratchRoot: scratch });
  const { signal } = new AbortController();
  const nothing = () => {};
  const perform = <Input, Output>(stage: Stage<Input, Output>, input: Input) =>
    runStage(stage, input, { signal, report: nothing });
  const runRef: RunRef = { workflowId: pipeline, runId: `run-of-${pipeline}`, startedAt: `${AS_OF}T00:00:00Z` };
  const asked = { pipeline, run: runRef, asOf: AS_OF };

  const { written } = await perform(bronze, { ...asked, source: csv });
  await perform(silver, { ...asked, partitions: written });
  expect(await perform(gold, { ...asked, partitions: written })).toMatchObject({ rows: ROWS.length });
  const training = await trainLocally(
    { pipeline, asOf: AS_OF },
    { runStage, signal, onStep: nothing, onProgress: nothing, onAlgorithm: nothing },
  );
  if (training.status === 'skipped') throw new Error(training.reason);
  const result = training.algorithms.logistic_regression!;
  if (result.status !== 'completed') throw new Error(result.reason);
  const resolved = await perform(resolveModel, asked);
  if (resolved.status === 'skipped') throw new Error(resolved.reason);
  await perform(predict, { ...asked, model: resolved.model });
  const check = await perform(checkPredictionsExist, asked);
  if (check.status === 'skipped') throw new Error(check.reason);
  const monitor = { ...asked, predictions: { model: check.model, rows: check.rows } };
  const monitored = await perform(measurePerformance, monitor);
  const drift = await perform(detectDrift, monitor);
  if (monitored.status === 'skipped' || drift.status === 'skipped') throw new Error('monitoring was skipped');

  const stores = (await openStores(storeRoot, scratch))(loaded);
  const [file] = await openPredictions(stores.predictions, await predictionsFiles(stores.predictions));
  const rows = await withDuckDb({ resources: RESOURCES, scratch: join(scratch, pipeline), signal }, (database) =>
    database.rows<{ k: bigint; p: number; l: number; d: string }>(
      `SELECT ${identifier(names.key)} AS k, probability AS p, label AS l, CAST(${identifier(names.day)} AS VARCHAR) AS d FROM read_parquet(${literal(file!)}, hive_partitioning = false)`,
    ),
  );
  const days = new Map(ROWS.map(({ key, day }) => [key, day]));
  for (const { k, d } of rows) expect(d).toBe(days.get(Number(k)));
  return {
    probabilities: new Map(rows.map(({ k, p }) => [Number(k), p])),
    predicted: new Map(rows.map(({ k, l }) => [Number(k), l])),
    trained: (await readVersion(stores.modelRegistry, resolved.model))!.performance as { test: unknown; oot: unknown },
    monitored: monitored.metrics,
    driftRows: drift.rows,
    weights: await weightsOf(
      await stores.modelRegistry.localFile(versionKey(resolved.model, 'model.ubj'), resolved.model.checksum),
    ),
  };
}

const library = new XgBoost(libraryPath('libxgboost'));

async function weightsOf(path: string): Promise<Outcome['weights']> {
  const booster = library.loadModel(await readFile(path));
  const { learner } = JSON.parse(Buffer.from(booster.save('json')).toString('utf8')) as {
    learner: { gradient_booster: { model: { weights: number[] } } };
  };
  const features = booster.features();
  booster.free();
  const { weights } = learner.gradient_booster.model;
  return { features, weights: weights.slice(0, -1), bias: weights.at(-1)! };
}

/** The logistic score by hand: `first` scaled by the mean and population deviation of the rows to train on. */
function scoreByHand({ weights, bias }: Outcome['weights']): Map<number, number> {
  const train = rowsOf('train').map(({ first }) => first);
  const mean = train.reduce((sum, x) => sum + x, 0) / train.length;
  const deviation = Math.sqrt(train.reduce((sum, x) => sum + (x - mean) ** 2, 0) / train.length);
  return new Map(
    rowsOf('test', 'oot').map(({ key, first, second }) => {
      const margin = bias + weights[0]! * ((first - mean) / deviation) + weights[1]! * second;
      return [key, 1 / (1 + Math.exp(-margin))];
    }),
  );
}

/** ROC AUC by its definition, every pair of a positive and a negative row; accuracy, and how many rows. */
function metricsByHand(rows: Row[], probabilities: Map<number, number>): Record<string, number> {
  const score = ({ key }: Row) => probabilities.get(key)!;
  const positives = rows.filter(({ label }) => label === 1);
  const negatives = rows.filter(({ label }) => label === 0);
  let above = 0;
  for (const positive of positives)
    for (const negative of negatives) above += (Math.sign(score(positive) - score(negative)) + 1) / 2;
  return {
    roc_auc: above / (positives.length * negatives.length),
    accuracy: rows.filter((row) => (score(row) >= 0.5 ? 1 : 0) === row.label).length / rows.length,
    n: rows.length,
  };
}

let plain: Outcome;
beforeAll(async () => {
  const outcome = await run(PLAIN);
  if (outcome instanceof PerdureError) throw outcome;
  plain = outcome;
  checkNumbers(PLAIN, plain);
});

/** Compares what a pipeline said with the computation by hand, and with the pipeline of plain names. */
function checkNumbers(names: Names, outcome: Outcome): void {
  const { weights, probabilities } = outcome;
  expect(weights.features).toEqual([names.first, names.second]);
  const expected = scoreByHand(weights);
  expect([...probabilities.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [key, p] of probabilities) {
    // The model computes in single precision.
    expect(p).toBeCloseTo(expected.get(key)!, 5);
    expect(outcome.predicted.get(key)).toBe(p >= 0.5 ? 1 : 0);
  }
  const close = (byHand: Record<string, number>) =>
    Object.fromEntries(Object.entries(byHand).map(([name, value]) => [name, expect.closeTo(value, 12) as number]));
  expect(outcome.trained.test).toMatchObject(close(metricsByHand(rowsOf('test'), probabilities)));
  expect(outcome.trained.oot).toMatchObject(close(metricsByHand(rowsOf('oot'), probabilities)));
  expect(outcome.monitored).toMatchObject(close(metricsByHand(rowsOf('test', 'oot'), probabilities)));
  expect(outcome.driftRows).toBe(rowsOf('test', 'oot').length);
}

/** A pipeline with these names is refused when its config is read, or has the numbers of the one with plain names. */
async function runsRightOrIsRefused(names: Names): Promise<'ran' | 'refused'> {
  const outcome = await run(names);
  if (outcome instanceof PerdureError) {
    expect(outcome.message).toMatch(/pipeline\.json has \d+ faults?; correct and run again:/);
    return 'refused';
  }
  checkNumbers(names, outcome);
  expect({ ...outcome, weights: undefined }).toEqual({ ...plain, weights: undefined });
  expect(outcome.weights).toEqual({ ...plain.weights, features: [names.first, names.second] });
  return 'ran';
}

test('the pipeline with plain names learned what its data says', () => {
  expect(metricsByHand(rowsOf('oot'), plain.probabilities).roc_auc).toBeGreaterThan(0.8);
});

/** Names that Perdure gives to columns and tables of its own, from where they are defined. */
const OWN = [
  ...new Set([
    ...Object.values(INTERNAL),
    ...DUCKDB_COLUMNS,
    ...PREDICTION_COLUMNS,
    ...Object.keys(CONF['pipeline.json'].layers),
    'source',
  ]),
];
/** Those names without the prefix that keeps them apart, as they once were, and names of DuckDB's. */
const BARE = [
  ...new Set([
    ...Object.values(INTERNAL).map((name) => name.slice(INTERNAL_PREFIX.length)),
    'file_index',
    'rowid',
    'name',
    'row_id',
    'row_position',
    'partition_name',
    'partition_day',
    'gold',
    'p',
    'rows',
    'count',
    'text_0',
    'value_1',
    'input_0',
  ]),
];
/** What a CSV's header may hold, and words that mean something elsewhere. */
const ODD = [
  'default.payment.next.month',
  'a b',
  ' padded ',
  "it's",
  'say "x"',
  '"',
  '""',
  'a,b',
  'a;b',
  'a\\b',
  '{partition}',
  '$1',
  '*',
  'Größe',
  '日本',
  '🙂',
  '1',
  '-',
  'a-b',
  'select',
  'ORDER',
  'null',
  'true',
  'constructor',
  'toString',
  'CamelCase',
  'UPPER',
  '%d',
  "'; DROP TABLE x; --",
  '_',
  'key=value',
  '__index_level_0__',
];

/** What is kept for Perdure is refused throughout, what predictions have is refused for what they carry. */
function isRefused(name: string, role: keyof Names): boolean {
  if (name.startsWith(INTERNAL_PREFIX) || (DUCKDB_COLUMNS as readonly string[]).includes(name)) return true;
  return (PREDICTION_COLUMNS as readonly string[]).includes(name) && (role === 'key' || role === 'day');
}

/** Each name in each role that may have it, in as few pipelines as that takes: a pipeline has six. */
function pipelinesOf(own: string[]): Names[] {
  const left = new Map(ROLES.map((role) => [role, new Set(own.filter((name) => !isRefused(name, role)))]));
  const pipelines: Names[] = [];
  while ([...left.values()].some(({ size }) => size > 0)) {
    const names = { ...PLAIN };
    for (const [role, untried] of left) {
      const name = [...untried].find((name) => !Object.values(names).includes(name));
      if (name === undefined) continue;
      names[role] = name;
      untried.delete(name);
    }
    pipelines.push(names);
  }
  return pipelines;
}

describe("each of Perdure's own names, in each role", () => {
  test.each(OWN.filter((name) => ROLES.some((role) => isRefused(name, role))))(
    '%s is refused where it would stand for something else',
    async (name) => {
      for (const role of ROLES.filter((role) => isRefused(name, role))) {
        expect([role, await runsRightOrIsRefused({ ...PLAIN, [role]: name })]).toEqual([role, 'refused']);
      }
    },
  );

  test.each(pipelinesOf(OWN))('runs as $key, $day, $first, $second, $label and $extra', async (names) => {
    expect(await runsRightOrIsRefused(names)).toBe('ran');
  });
});

const anyName = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...BARE) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...OWN.filter((name) => !name.startsWith(INTERNAL_PREFIX)),
      ...OWN.filter((name) => !name.startsWith(INTERNAL_PREFIX)).map((name) => name.toUpperCase()),
    ),
  },
  { weight: 3, arbitrary: fc.constantFrom(...ODD) },
  { weight: 2, arbitrary: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }) },
);
const modelName = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...BARE, ...ODD.filter((name) => /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name))) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...PREDICTION_COLUMNS,
      ...PREDICTION_COLUMNS.map((name) => name.toUpperCase()),
      'source',
      'silver',
      'Bronze',
    ),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,10}$/) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD) },
);
/** Names that differ in the case of letters alone may be among them, the same name twice may not: JSON can't say that. */
const namesOfAPipeline: fc.Arbitrary<Names> = fc
  .record({ key: anyName, day: anyName, first: modelName, second: modelName, label: modelName, extra: anyName })
  .filter((names) => new Set(Object.values(names)).size === ROLES.length);

/** Random pipelines; that most are refused would say little of the numbers. */
const RANDOM = TRIES_ALL ? 200 : 20;

test(`any names: ${RANDOM} random pipelines`, async () => {
  const outcomes: string[] = [];
  await fc.assert(
    fc.asyncProperty(namesOfAPipeline, namesOfAPipeline, async (one, other) => {
      // Two at a time, as two cores are had.
      outcomes.push(...(await Promise.all([runsRightOrIsRefused(one), runsRightOrIsRefused(other)])));
    }),
    { numRuns: RANDOM / 2, endOnFailure: true },
  );
  expect(outcomes).toHaveLength(RANDOM);
  expect(outcomes.filter((outcome) => outcome === 'ran').length).toBeGreaterThan(RANDOM / 5);
}, 600_000);
