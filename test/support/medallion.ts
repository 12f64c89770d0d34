import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPipeline } from '../../src/config/load.js';
import type { BronzeResult, GoldResult, Progress, RunRef, SilverResult } from '../../src/contracts/index.js';
import { readParquetSql, withDuckDb, type SqlValue } from '../../src/data/duckdb.js';
import { readManifest, tableFiles, type LayerName, type TableName } from '../../src/data/layers.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { bronze } from '../../src/stages/bronze.js';
import type { Stage } from '../../src/stages/context.js';
import { createRunStage } from '../../src/stages/createContext.js';
import { gold } from '../../src/stages/gold.js';
import { silver } from '../../src/stages/silver.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { temporaryFolder } from './temporaryFolder.js';

export const RESOURCES = { cpus: 1, memory: 2 * 2 ** 30 };
export const RUN: RunRef = { workflowId: 'medallion', runId: 'medallion-run', startedAt: '2020-06-01T08:30:00.000Z' };
export const VISITS = 'visits';

/** A visit as the small pipeline's CSV has it. */
export interface Visit {
  id: number;
  day: string;
  kind: string;
  cost: number | string;
}

/** Results of the three layers. */
export interface Processed {
  bronze: BronzeResult;
  silver: SilverResult;
  gold: GoldResult;
}

/**
 * A small pipeline in a folder of its own: visits with a date, a kind and a cost, over real files and real SQL.
 * @param storeRoot where its buckets lie; by default in that folder too
 */
export async function createMedallion(storeRoot?: string) {
  const root = temporaryFolder();
  storeRoot ??= join(root, 'store');
  const folder = join(root, 'conf', 'pipelines', VISITS);
  mkdirSync(folder, { recursive: true });
  const writeConf = (file: string, content: unknown) =>
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  for (const [file, content] of Object.entries(CONF)) writeConf(file, content);
  const env = { PERDURE_CONF: join(root, 'conf') };
  process.env.PERDURE_CONF = env.PERDURE_CONF;

  const stores = (await openStores(storeRoot, join(root, 'scratch')))(await loadPipeline(VISITS, env));
  const runStage = createRunStage({
    storeRoot,
    engines: {} as EnginePool,
    resources: RESOURCES,
    scratchRoot: join(root, 'scratch'),
  });
  const csv = join(root, 'visits.csv');
  const stage = { pipeline: VISITS, run: RUN };

  const world = {
    root,
    env,
    csv,
    stage,
    stores,
    writeConf,
    writeCsv: (visits: Visit[]) => writeFileSync(csv, csvOf(visits)),
    perform: <Input, Output>(
      work: Stage<Input, Output>,
      input: Input,
      {
        signal = new AbortController().signal,
        report = () => {},
      }: { signal?: AbortSignal; report?: (news: Progress) => void } = {},
    ) => runStage(work, input, { signal, report }),
    bronze: (source: string | undefined = csv, asOf = '2020-12-31', replace?: boolean) =>
      world.perform(bronze, { ...stage, source, asOf, replace }),
    silver: (partitions: string[]) => world.perform(silver, { ...stage, partitions }),
    gold: (partitions: string[]) => world.perform(gold, { ...stage, partitions }),
    async process(source?: string, asOf?: string, replace?: boolean): Promise<Processed> {
      const raw = await world.bronze(source, asOf, replace);
      const partitions = [...raw.written, ...raw.unchanged].sort();
      return { bronze: raw, silver: await world.silver(partitions), gold: await world.gold(partitions) };
    },
    /** Rows of a table, in the order of partitions and files. */
    rows: async (layer: LayerName, table: TableName): Promise<Record<string, SqlValue>[]> => {
      const files = await tableFiles(stores.datamart, layer, table);
      if (files.length === 0) return [];
      const context = { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal };
      return withDuckDb(context, (database) =>
        database.rows(
          `SELECT * REPLACE (CAST(day AS VARCHAR) AS day) FROM ${readParquetSql(files.map(({ path }) => path))}`,
        ),
      );
    },
    manifest: (layer: LayerName) => readManifest(stores.datamart, layer),
    /** Local path of a partition's object. */
    path: async (layer: LayerName, partition: string) => {
      const { partitions } = await readManifest(stores.datamart, layer);
      return new URL(stores.datamart.uri(partitions[partition]!.objects[0]!.key)).pathname;
    },
    /** Every file of the store with its content, as `cat` would show it. */
    snapshot: () => contentsOf(storeRoot),
  };
  return world;
}
export type Medallion = Awaited<ReturnType<typeof createMedallion>>;

export function csvOf(visits: Visit[]): string {
  return (
    ['id,day,kind,cost', ...visits.map(({ id, day, kind, cost }) => [id, day, kind, cost].join(','))].join('\n') + '\n'
  );
}

/** `count` visits a month, from January 2020. */
export function visitsOf(months: number, count = 4): Visit[] {
  return Array.from({ length: months * count }, (_, i) => {
    const month = String(Math.floor(i / count) + 1).padStart(2, '0');
    return {
      id: i + 1,
      day: `2020-${month}-${String((i % count) + 10)}`,
      kind: i % 2 ? 'urgent' : 'None',
      cost: 10 * (i + 1),
    };
  });
}

function contentsOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => [file, readFileSync(join(folder, file), 'latin1')]),
  );
}

const window = (month: string) => ({ start_date: `2020-${month}-01`, end_date: `2020-${month}-28` });

/** What a pipeline's folder holds, by file. */
export const CONF = {
  'pipeline.json': {
    name: VISITS,
    title: 'A small pipeline for tests',
    source: { file: 'visits.csv', columns: { id: 'BIGINT', day: 'DATE', kind: 'VARCHAR', cost: 'DOUBLE' } },
    partition: { column: 'day', by: 'month' },
    keys: ['id', 'day'],
    label: 'costly',
    layers: {
      bronze: { sql: 'bronze.sql', path: 'bronze/visits_{partition}.parquet' },
      silver: { sql: 'silver.sql', path: 'silver/visits_{partition}.parquet' },
      feature_store: { sql: 'feature_store.sql', path: 'gold/features_{partition}.parquet' },
      label_store: { sql: 'label_store.sql', path: 'gold/labels_{partition}.parquet' },
    },
    features: [
      { name: 'urgent', type: 'binary' },
      { name: 'cost', type: 'numeric', scale: true },
      { name: 'constant', type: 'numeric' },
    ],
  },
  'bronze.sql': 'SELECT * FROM source',
  'silver.sql': "SELECT id, day, coalesce(trim(kind), 'None') AS kind, cost FROM bronze",
  'feature_store.sql': "SELECT id, day, CAST(kind = 'urgent' AS INTEGER) AS urgent, cost, 1 AS constant FROM silver",
  'label_store.sql': 'SELECT id, day, CAST(id % 4 IN (0, 3) AS INTEGER) AS costly FROM silver',
  'expectations.json': {
    duplicates: { name: 'repeated_visit', on_failure: 'drop' },
    silver: [
      { name: 'cost_not_negative', check: 'cost >= 0', on_failure: 'drop' },
      { name: 'one_row_a_visit', check: 'count(*) OVER (PARTITION BY id, day) = 1', on_failure: 'drop' },
      { name: 'kind_known', check: "kind IN ('None', 'urgent')", on_failure: 'fail' },
    ],
  },
  'model_config.dev.json': {
    storage: {
      datamart_bucket: 'visits-datamart',
      predictions_bucket: 'visits-predictions',
      monitoring_bucket: 'visits-monitoring',
    },
    temporal_splits: { train: window('01'), test: window('02'), oot: window('03') },
    model_config: {
      model_registry_bucket: 'visits-registry',
      random_state: 1,
      cv_folds: 2,
      n_iter_search: 1,
      champion_metric: 'oot.roc_auc',
    },
    search: {},
    training_config: {
      algorithms: ['xgboost'],
      enabled_algorithms: {},
      hyperparameter_tuning: false,
      feature_selection: true,
      class_weight: null,
      min_partitions: 1,
    },
    algorithms: { xgboost: { estimator: 'xgboost', timeout_hours: 1, param_distributions: {}, params: {} } },
    inference_config: {
      batch_size: 10,
      prediction_threshold: 0.5,
      confidence_intervals: false,
      start_date: '2020-03-01',
    },
    monitoring_config: {
      drift_threshold_psi: 0.2,
      performance_threshold_drop: 0.05,
      performance_metric: 'roc_auc',
      missing_rate_threshold: 0.1,
      min_samples_for_metrics: 1,
      label_maturity_days: 30,
      window_days: 366,
    },
  },
};
