import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import type { BronzeResult, DatasetRef, GoldResult, SilverResult, SplitName } from '../../src/contracts/index.js';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { datasetKey, readDatasetMetadata } from '../../src/data/dataset.js';
import { goldPartitions, featureStoreFiles, labelStoreFiles } from '../../src/data/layers.js';
import { readColumns } from '../../src/platform/files/parquet.js';
import { generateCsv } from '../../src/data/synthetic.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import { rocAuc } from '../../src/ml/metrics/ranking.js';
import { bronze } from '../../src/stages/bronze.js';
import { createRunStage } from '../../src/stages/createContext.js';
import { gold } from '../../src/stages/gold.js';
import { preprocess } from '../../src/stages/preprocess.js';
import { silver } from '../../src/stages/silver.js';
import type { Stores } from '../../src/platform/storage/objectStore.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { isThere, REAL_READMISSION } from '../support/realData.js';
import { scalerOf } from '../support/scaler.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Made by `fixtures/make_readmission_fixtures.py` from the real file. */
interface Expected {
  encounter_id: string;
  label: { sha256: string; mean: number };
  features: Record<
    string,
    { sha256: string; mean: number; roc_auc: number; values?: number[]; edges?: number[]; share: number[] }
  >;
  scaler: Record<string, { mean: number; scale: number }>;
  windows: Record<'train' | 'test' | 'oot', { rows: number; positives: number; columns: Record<string, string> }>;
}
const expected = JSON.parse(readFileSync(new URL('fixtures/readmission.json', import.meta.url), 'utf8')) as Expected;

const hasRealFile = isThere(REAL_READMISSION);
const ROWS = 101_766;
const SPLITS_OF_FILE = ['train', 'test', 'oot'] as const;
/** Thirty days after the last row's day, when every label is known. */
const AS_OF = '2009-01-31';
const never = new AbortController().signal;
const engines = createEnginePool({ hosts: 1, memory: 2 ** 30 });
afterAll(() => engines.close());

/** All that the medallion and preprocessing make of a CSV. */
interface Made {
  pipeline: Pipeline;
  stores: Stores;
  bronze: BronzeResult;
  silver: SilverResult;
  gold: GoldResult;
  dataset: DatasetRef;
  features: Map<string, Float64Array>;
  ids: Float64Array;
  labels: Float64Array;
}

async function make(csv: string, folder: string): Promise<Made> {
  const pipeline = await loadPipeline('readmission', {});
  const storeRoot = join(folder, 'store');
  const runStage = createRunStage({
    storeRoot,
    engines,
    resources: { cpus: 1, memory: 2 * 2 ** 30 },
    scratchRoot: join(folder, 'scratch'),
  });
  const stage = {
    pipeline: 'readmission',
    run: { workflowId: 'golden', runId: 'golden', startedAt: '2009-01-01T00:00:00Z' },
  };
  const call = { signal: never, report: () => {} };
  const raw = await runStage(bronze, { ...stage, source: csv, asOf: AS_OF }, call);
  const partitions = [...raw.written, ...raw.unchanged];
  const clean = await runStage(silver, { ...stage, partitions }, call);
  const refined = await runStage(gold, { ...stage, partitions }, call);
  const dataset = await runStage(preprocess, { ...stage, asOf: AS_OF }, call);

  const stores = (await openStores(storeRoot))(pipeline);
  const names = pipeline.definition.features.map(({ name }) => name);
  const [ids, ...columns] = await readAll(
    (await featureStoreFiles(stores)).map(({ path }) => path),
    ['encounter_id', ...names],
  );
  const [labels] = await readAll(
    (await labelStoreFiles(stores)).map(({ path }) => path),
    ['label'],
  );
  const features = new Map(names.map((name, i) => [name, columns[i]!]));
  return { pipeline, stores, bronze: raw, silver: clean, gold: refined, dataset, features, ids: ids!, labels: labels! };
}

/** Columns of many files, one after the other. */
async function readAll(paths: string[], names: string[]): Promise<Float64Array[]> {
  const columns = names.map(() => new Float64Array(ROWS));
  let start = 0;
  for (const path of paths) {
    const part = await readColumns(path, names);
    for (const [i, values] of part.entries())
      for (let row = 0; row < values.length; row++) columns[i]![start + row] = Number(values[row]);
    start += part[0]!.length;
  }
  expect(start).toBe(ROWS);
  return columns;
}

/** SHA-256 of a column as little-endian float64. */
function digest(values: ArrayLike<number>): string {
  return createHash('sha256')
    .update(new Uint8Array(Float64Array.from(values).buffer))
    .digest('hex');
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Scorecard PSI against shares of the real file. */
function psi(values: Float64Array, { share, values: kinds, edges }: Expected['features'][string]): number {
  const counts = new Array<number>(share.length).fill(0);
  for (const value of values) {
    const above = edges?.findIndex((edge) => value < edge) ?? kinds!.indexOf(value);
    const bin = above === -1 ? share.length - 1 : above;
    counts[bin] = counts[bin]! + 1;
  }
  return share.reduce((sum, shareOfBin, bin) => {
    const [p, q] = [Math.max(shareOfBin, 1e-4), Math.max(counts[bin]! / values.length, 1e-4)];
    return sum + (q - p) * Math.log(q / p);
  }, 0);
}

const folder = temporaryFolder(afterAll);

describe.each([
  {
    source: 'generated data',
    csv: () => join(folder, 'generated.csv'),
    prepare: async () => void (await generateCsv(await loadPipeline('readmission', {}), join(folder, 'generated.csv'))),
  },
  ...(hasRealFile ? [{ source: 'the real file', csv: () => REAL_READMISSION, prepare: async () => {} }] : []),
])('of $source', ({ source, csv, prepare }) => {
  let made: Made;
  beforeAll(async () => {
    await prepare();
    made = await make(csv(), join(folder, source.replaceAll(' ', '-')));
  }, 300_000);

  test('every row is kept, in 120 months of 783 to 868 rows', async () => {
    expect(made.bronze.written).toHaveLength(120);
    expect([made.bronze.rows, made.silver.rows, made.gold.rows]).toEqual([ROWS, ROWS, ROWS]);
    expect(made.silver.dropped).toEqual({});
    const sizes = (await goldPartitions(made.stores)).map(({ rows }) => rows);
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([783, 868]);
  });

  test('the splits have their sizes, and train scales to mean 0 and deviation 1', async () => {
    expect(made.dataset.rows).toEqual({ train: 71_596, test: 20_288, oot: 9_882 });
    const metadata = await readDatasetMetadata(made.stores.datamart, made.dataset);
    const { features } = metadata;
    const scaler = scalerOf(metadata);
    expect(features).toEqual(Object.keys(expected.windows.train.columns));
    const path = await made.stores.datamart.localFile(datasetKey(made.dataset.id, 'train_processed.parquet'));
    for (const values of await readColumns(path, Object.keys(scaler))) {
      const scaled = Float64Array.from(values as Float32Array);
      expect(mean(scaled)).toBeCloseTo(0, 5);
      expect(mean(scaled.map((value) => value ** 2))).toBeCloseTo(1, 4);
    }
  });

  test('patients that stand on both sides of a split are counted and told', async () => {
    const { entity, warnings, features } = await readDatasetMetadata(made.stores.datamart, made.dataset);
    expect(entity!.column).toBe('patient_nbr');
    expect(features).not.toContain('patient_nbr');
    const [test] = entity!.shared;
    expect(test).toMatchObject({ split: 'test', rows: 20_288 });
    const share = `${Math.round((100 * test!.sharedRows) / 20_288)}%`;
    // Of the real file the share was counted apart from this code.
    if (source === 'the real file') expect(share).toBe('38%');
    expect(warnings).toContainEqual(expect.stringContaining(`${share} of the rows of test belong to a patient_nbr`));
  });

  test('every feature is spread as in the real file, and says as much about the label', () => {
    expect(mean(made.labels)).toBeCloseTo(expected.label.mean, 4);
    for (const [name, values] of made.features) {
      const real = expected.features[name]!;
      expect(psi(values, real), `PSI of ${name}`).toBeLessThan(0.02);
      expect(Math.abs(rocAuc(made.labels, values)! - real.roc_auc), `ROC AUC of ${name}`).toBeLessThan(0.015);
    }
  });

  test('models at the documented parameters find about as much as the documents say', async () => {
    const { features, label, splits } = await readDatasetMetadata(made.stores.datamart, made.dataset);
    const fileOf = (name: SplitName) =>
      made.stores.datamart.localFile(datasetKey(made.dataset.id, `${name}_processed.parquet`));
    const train = { path: await fileOf('train'), checksum: source, features, label, rows: splits.train!.rows };
    for (const [name, documented] of Object.entries({
      logistic_regression: 0.612,
      random_forest: 0.6202,
      xgboost: 0.6198,
    })) {
      const { estimator, params } = made.pipeline.config.algorithms[name]!;
      const modelPath = join(folder, `${name}.ubj`);
      await engines.fit({ train, task: ZERO_OR_ONE, estimator, params, seed: 42, modelPath }, never);
      const path = await fileOf('test');
      const { values: probabilities } = await engines.predict(
        { modelPath, task: ZERO_OR_ONE, data: { path, features } },
        never,
      );
      const [labels] = await readColumns(path, [label]);
      expect(Math.abs(rocAuc(labels as Int8Array, probabilities)! - documented), `test AUC of ${name}`).toBeLessThan(
        0.02,
      );
    }
  });

  if (csv() === REAL_READMISSION) {
    test('all 101,766 rows of gold are what pandas makes of them', () => {
      expect(digest(made.ids)).toBe(expected.encounter_id);
      expect(digest(made.labels)).toBe(expected.label.sha256);
      for (const [name, values] of made.features) expect(digest(values), name).toBe(expected.features[name]!.sha256);
    });

    test("every number of the splits is what scikit-learn's scaler makes of it", async () => {
      const metadata = await readDatasetMetadata(made.stores.datamart, made.dataset);
      const scaler = scalerOf(metadata);
      for (const [name, { mean, scale }] of Object.entries(expected.scaler)) {
        expect(scaler[name]!.mean).toBeCloseTo(mean, 12);
        expect(scaler[name]!.scale).toBeCloseTo(scale, 10);
      }
      for (const split of SPLITS_OF_FILE) {
        const { rows, positives, columns } = expected.windows[split];
        expect(metadata.splits[split]).toMatchObject({ rows, classes: [rows - positives, positives] });
        const path = await made.stores.datamart.localFile(datasetKey(made.dataset.id, `${split}_processed.parquet`));
        const read = await readColumns(path, Object.keys(columns));
        const digests = Object.keys(columns).map((name, i) => [name, digest(read[i] as Float32Array)]);
        expect(Object.fromEntries(digests)).toEqual(columns);
      }
    });
  }
});

if (!hasRealFile) {
  test(`THE REAL FILE IS NOT HERE: the checks above ran on generated data only; put it at ../shared/data/readmission/diabetic_data.csv`, () => {
    expect(hasRealFile).toBe(false);
  });
}
