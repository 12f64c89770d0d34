import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import type { Progress, RunRef } from '../../src/contracts/index.js';
import { literal, withDuckDb } from '../../src/data/duckdb.js';
import { LayerWriter, type BuiltTable } from '../../src/data/layerWriter.js';
import { partitionKey } from '../../src/data/partitions.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import type { Stage } from '../../src/stages/context.js';
import { createRunStage, type RunStage } from '../../src/stages/createContext.js';
import type { Stores } from '../../src/platform/storage/objectStore.js';
import { openStores } from '../../src/platform/storage/stores.js';

/** Name of the pipeline: two numbers and a flag say whether something happens, 60 rows a month over two years. */
export const TINY = 'tiny';
export const ROWS_A_MONTH = 60;
/** `2000_01` to `2001_12`: 18 months of training, 3 of test, 3 out of time. */
export const MONTHS = [2000, 2001].flatMap((year) =>
  Array.from({ length: 12 }, (_, i) => `${year}_${String(i + 1).padStart(2, '0')}`),
);
/** After the last row, and its label's maturity. */
export const AFTER_ALL = '2002-03-01';

export const RESOURCES = { cpus: 2, memory: 2 * 2 ** 30 };

/** SQL instead of a column's own values; `null` leaves the column out. */
export type Columns = Record<string, string | null>;

/** A pipeline in a folder of its own, with settings and gold data that a test may change. */
export interface TinyWorld {
  runStage: RunStage;
  /** Runs a stage and forgets its progress. */
  perform<Input, Output>(stage: Stage<Input, Output>, input: Input): Promise<Output>;
  /** What the last performed stage reported. */
  progress: Progress[];
  pipeline(): Promise<Pipeline>;
  stores: Stores;
  /** The folder that holds them. */
  storeRoot: string;
  /** Changes `model_config.dev.json`. */
  configure(change: (config: typeof CONFIG) => void): void;
  /** Writes a CSV with the rows of some months, for bronze. */
  writeCsv(months: string[]): Promise<string>;
  /** Replaces the SQL of a layer, which by default lets every row through. */
  writeSql(layer: keyof typeof SQL, text: string): void;
  /** Writes gold for some months; `columns` replaces some by SQL over `id`, `x1`, `x2`, `flag` and `label`, or leaves a feature out. */
  writeGold(months: string[], columns?: Columns): Promise<void>;
  /** Remembers the stores as they are. */
  save(): void;
  /** Brings stores and settings back to what was saved. */
  restore(): void;
  close(): void;
}

/** In place of engines, for tests that need none: no process is started for them. */
export const NO_ENGINES = new Proxy({} as EnginePool, {
  get(_, name) {
    throw new Error(`This test asks engines for ${String(name)}, and has none; give it tinyEngines().`);
  },
});

/** @param storeRoot where its buckets lie; by default in a folder of its own, and only there can they be saved */
export async function createTinyWorld(engines: EnginePool, storeRoot?: string): Promise<TinyWorld> {
  const root = mkdtempSync(join(tmpdir(), 'tiny-'));
  storeRoot ??= join(root, 'store');
  const folder = join(root, 'conf', 'pipelines', TINY);
  mkdirSync(folder, { recursive: true });
  const write = (file: string, value: unknown) => writeFileSync(join(folder, file), JSON.stringify(value));
  write('pipeline.json', PIPELINE);
  write('expectations.json', { silver: [] });
  write('model_config.dev.json', CONFIG);
  const writeSql = (name: string, text: string) => writeFileSync(join(folder, `${name}.sql`), text);
  for (const [name, text] of Object.entries(SQL)) writeSql(name, text);
  process.env.PERDURE_CONF = join(root, 'conf');

  const savedRoot = join(root, 'saved');
  const runStage = createRunStage({ storeRoot, engines, resources: RESOURCES, scratchRoot: join(root, 'scratch') });
  const stores = (await openStores(storeRoot, join(root, 'scratch')))(await loadPipeline(TINY));
  const progress: Progress[] = [];
  return {
    runStage,
    perform: (stage, input) => {
      progress.length = 0;
      return runStage(stage, input, { signal: new AbortController().signal, report: (news) => progress.push(news) });
    },
    progress,
    pipeline: () => loadPipeline(TINY),
    stores,
    storeRoot,
    configure: (change) => {
      const config = structuredClone(CONFIG);
      change(config);
      write('model_config.dev.json', config);
    },
    writeCsv: (months) => writeCsv(root, months),
    writeSql,
    writeGold: (months, columns = {}) => writeGold(root, stores, months, columns),
    save: () => cpSync(storeRoot, savedRoot, { recursive: true }),
    restore: () => {
      rmSync(storeRoot, { recursive: true });
      cpSync(savedRoot, storeRoot, { recursive: true });
      write('model_config.dev.json', CONFIG);
    },
    close: () => {
      rmSync(root, { recursive: true, force: true });
      delete process.env.PERDURE_CONF;
    },
  };
}

/** A run as a workflow would name it. */
export function runRef(runId: string, startedAt = '2002-03-01T12:00:00.000Z'): RunRef {
  return { workflowId: `tiny-${runId}`, runId, startedAt };
}

async function writeCsv(root: string, months: string[]): Promise<string> {
  const scratch = mkdtempSync(join(root, 'csv-'));
  const path = join(scratch, PIPELINE.source.file);
  await withDuckDb(
    { resources: { ...RESOURCES, cpus: 1 }, scratch, signal: new AbortController().signal },
    (database) =>
      database.run(
        `COPY (${months.map((month) => `(${rowsSql(month)})`).join(' UNION ALL ')} ORDER BY id) TO ${literal(path)} (FORMAT csv, HEADER)`,
      ),
  );
  return path;
}

async function writeGold(root: string, stores: Stores, months: string[], columns: Columns): Promise<void> {
  const scratch = mkdtempSync(join(root, 'gold-'));
  const writer = await LayerWriter.open(stores.datamart, 'gold');
  await withDuckDb(
    { resources: { ...RESOURCES, cpus: 1 }, scratch, signal: new AbortController().signal },
    async (database) => {
      const column = (name: string) => `${columns[name] ?? name} AS ${name}`;
      for (const month of months) {
        const built = async (table: 'feature_store' | 'label_store', names: string[]): Promise<BuiltTable> => {
          const path = join(scratch, `${table}_${month}.parquet`);
          await database.run(
            `COPY (SELECT ${['id', 'day', ...names.map(column)].join(', ')} FROM (${rowsSql(month)}) ORDER BY id) TO ${literal(path)} (FORMAT parquet)`,
          );
          return { table, path, key: partitionKey(PIPELINE.layers[table].path, month), rows: ROWS_A_MONTH };
        };
        const tables = [
          await built(
            'feature_store',
            ['x1', 'x2', 'flag'].filter((name) => columns[name] !== null),
          ),
          await built('label_store', ['label']),
        ];
        await writer.write(month, JSON.stringify(columns), tables);
      }
    },
  );
  await writer.commit();
}

/** Rows of a month: `x1` and `x2` are spread evenly, and the label follows `x1`, with a third of the rows by chance. */
function rowsSql(month: string): string {
  const [year, ofYear] = month.split('_').map(Number) as [number, number];
  const offset = ((year - 2000) * 12 + ofYear - 1) * ROWS_A_MONTH;
  return `
    SELECT id, day, x1, x2, CAST(flag AS INTEGER) AS flag,
      CAST(CASE WHEN chance < 0.33 THEN chance * 3 < 0.3 ELSE x1 + x2 / 4 > 0.8 END AS INTEGER) AS label
    FROM (
      SELECT CAST(${offset} + i AS BIGINT) AS id, DATE '${month.replace('_', '-')}-01' + CAST(i % 28 AS INTEGER) AS day,
        ((${offset} + i) * 7919 % 1009) / 1009 AS x1,
        ((${offset} + i) * 104729 % 997) / 997 AS x2,
        (${offset} + i) % 3 = 0 AS flag,
        ((${offset} + i) * 15485863 % 991) / 991 AS chance
      FROM range(${ROWS_A_MONTH}) AS rows(i)
    )`;
}

const layer = (name: string) => ({ sql: `${name}.sql`, path: `gold/${name}/${name}_{partition}.parquet` });

const PIPELINE = {
  name: TINY,
  title: 'A small pipeline for tests',
  source: {
    file: 'tiny.csv',
    columns: { id: 'BIGINT', day: 'DATE', x1: 'DOUBLE', x2: 'DOUBLE', flag: 'INTEGER', label: 'INTEGER' },
  },
  partition: { column: 'day', by: 'month' },
  keys: ['id', 'day'],
  label: 'label',
  layers: {
    bronze: layer('bronze'),
    silver: layer('silver'),
    feature_store: layer('feature_store'),
    label_store: layer('label_store'),
  },
  features: [
    { name: 'x1', type: 'numeric', scale: true },
    { name: 'flag', type: 'binary' },
    { name: 'x2', type: 'numeric', scale: true },
  ],
};

const SQL = {
  bronze: 'SELECT * FROM source',
  silver: 'SELECT * FROM bronze',
  feature_store: 'SELECT id, day, x1, x2, flag FROM silver',
  label_store: 'SELECT id, day, label FROM silver',
};

export const CONFIG = {
  storage: {
    datamart_bucket: 'tiny-datamart',
    predictions_bucket: 'tiny-predictions',
    monitoring_bucket: 'tiny-monitoring',
  },
  temporal_splits: {
    train: { start_date: '2000-01-01', end_date: '2001-06-30' },
    test: { start_date: '2001-07-01', end_date: '2001-09-30' },
    oot: { start_date: '2001-10-01', end_date: '2001-12-31' },
  },
  model_config: {
    model_registry_bucket: 'tiny-registry',
    random_state: 42,
    cv_folds: 3,
    n_iter_search: 4,
    champion_metric: 'oot.roc_auc',
  },
  search: { scoring: 'roc_auc', racing: false },
  evaluation: { calibration: 'none' as 'none' | 'auto' | 'sigmoid' },
  training_config: {
    algorithms: ['logistic_regression', 'xgboost'],
    enabled_algorithms: { logistic_regression: true, xgboost: true },
    hyperparameter_tuning: true,
    feature_selection: false,
    class_weight: 'balanced' as 'balanced' | null,
    min_partitions: 10,
  },
  algorithms: {
    logistic_regression: {
      estimator: 'logistic_regression',
      timeout_hours: 2,
      param_distributions: { penalty: ['l1', 'l2'], C: [0.01, 1, 100], class_weight: [null, 'balanced'] },
      params: { penalty: 'l2', C: 1 },
    },
    xgboost: {
      estimator: 'xgboost',
      timeout_hours: 3,
      param_distributions: {
        max_depth: [2, 3],
        n_estimators: [10, 20],
        learning_rate: [0.1, 0.3],
        scale_pos_weight: [1, 'balanced'],
      },
      params: { max_depth: 2, n_estimators: 10, learning_rate: 0.3, scale_pos_weight: 'balanced' },
    },
  },
  inference_config: { batch_size: 50, prediction_threshold: 0.5, confidence_intervals: true, start_date: '2001-10-01' },
  monitoring_config: {
    drift_threshold_psi: 0.2,
    performance_threshold_drop: 0.05,
    performance_metric: 'roc_auc',
    missing_rate_threshold: 0.1,
    min_samples_for_metrics: 100,
    label_maturity_days: 30,
    window_days: 366,
  },
};
