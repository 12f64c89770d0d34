import { join } from 'node:path';
import { loadPipeline, type Pipeline } from '../src/config/load.js';
import type { VersionRef } from '../src/contracts/index.js';
import { ZERO_OR_ONE } from '../src/contracts/task.js';
import { withDuckDb } from '../src/data/duckdb.js';
import { goldFilesAsOf } from '../src/data/goldAsOf.js';
import { writeMatrix } from '../src/data/matrix.js';
import { generateCsv } from '../src/data/synthetic.js';
import { readTrainingRows } from '../src/data/trainingRows.js';
import { createEnginePool } from '../src/ml/engines/hostPool.js';
import { Mt19937 } from '../src/ml/mt19937.js';
import { profileColumn } from '../src/monitoring/profile.js';
import { watchedMetric } from '../src/registry/championMetric.js';
import { readVersionFile } from '../src/registry/versions.js';
import { limitsOf } from '../src/platform/resources/limits.js';
import { bronze } from '../src/stages/bronze.js';
import type { StageContext } from '../src/stages/context.js';
import { createRunStage } from '../src/stages/createContext.js';
import { gold } from '../src/stages/gold.js';
import { openModel } from '../src/stages/openModel.js';
import { silver } from '../src/stages/silver.js';
import { trainLocally } from '../src/stages/trainLocally.js';
import {
  besideVerdict,
  drawRows,
  driftedRows,
  monitorRows,
  sampleOf,
  tieHeavyColumns,
  type MonitoringSettings,
  type ScoredSample,
  type Trained,
} from '../test/support/resamples.js';
import { configured } from './configuration.js';
import type { Section } from './section.js';

const AS_OF = '2009-01-31';
const RESOURCES = { cpus: 2, memory: 2 * 2 ** 30 };
const RUNS = 200;
const SEED = 20261126;
/** PSI of the drift that is injected. */
const DRIFT = 0.25;

/**
 * How often monitoring asks for a retraining where nothing has changed, and how often it finds a drift. A run's rows are
 * drawn, with replacement, from the rows out of time of the generated data, which have the distribution of the training
 * rows; columns with ties, gaps and missing values stand beside the pipeline's own. The model is trained on those data.
 */
export const falseAlarms: Section = {
  title: `False alarms: ${RUNS} runs of monitoring for each number of rows`,
  async run(name, folder, tell) {
    tell('training on generated data');
    const { trained, pool, settings } = await trainOnGenerated(name, folder);
    const random = new Mt19937(SEED);

    const lines = [
      `${pool.features.length} features and the score, alpha ${settings.alpha}`,
      'no drift      asked for a retraining   drift  missing  performance',
    ];
    for (const rows of [100, 1_000, 10_000]) {
      tell(`${rows} rows`);
      const verdicts = Array.from(
        { length: RUNS },
        () => monitorRows(trained, pool, drawRows(random, pool.labels.length, rows), settings).verdict,
      );
      const share = (finding: 'retrain' | 'drift' | 'missing' | 'performance_drop') =>
        percent(verdicts.filter((verdict) => verdict[finding]).length);
      lines.push(
        `${String(rows).padStart(6)} rows  ${share('retrain').padStart(23)}  ${share('drift').padStart(6)}  ${share('missing').padStart(7)}  ${share('performance_drop').padStart(11)}`,
      );
    }

    lines.push(...besideTheVerdict(tell));
    lines.push(`PSI ${DRIFT} in one feature, 1,000 rows: found`);
    for (const { name: feature } of pool.features) {
      const draw = driftedRows(random, trained, pool, feature, DRIFT);
      tell(`drift of ${feature}`);
      const found =
        draw &&
        Array.from({ length: RUNS }, () =>
          monitorRows(trained, pool, draw(1_000), settings).drifted.includes(feature),
        ).filter(Boolean).length;
      lines.push(`  ${feature.padEnd(28)} ${found === null ? 'cannot drift so far' : percent(found).padStart(6)}`);
    }
    return lines;
  },
};

/** How often what is told beside the verdict is told where nothing has changed: of drawn rows, each run's its own. */
function besideTheVerdict(tell: (what: string) => void): string[] {
  const random = new Mt19937(SEED + 2);
  const train = sampleOf(random, 20_000);
  const toldOf = besideVerdict({ train, test: sampleOf(random, 5_000) });
  const lines = [
    `no drift      any of ${train.features.length} columns and the score, adjusted  labels  estimated drop  errors by ADWIN`,
  ];
  for (const rows of [100, 1_000, 10_000]) {
    tell(`beside the verdict, ${rows} rows`);
    const found = Array.from({ length: RUNS }, () => toldOf(sampleOf(random, rows)));
    const share = (kind: keyof (typeof found)[number]) => percent(found.filter((one) => one[kind]).length);
    lines.push(
      `${String(rows).padStart(6)} rows  ${share('columns').padStart(40)}  ${share('labels').padStart(6)}  ${share('estimated').padStart(14)}  ${share('errors').padStart(15)}`,
    );
  }
  return lines;
}

function percent(runs: number): string {
  return `${((100 * runs) / RUNS).toFixed(1)}%`;
}

/** Processes generated data, trains the first enabled algorithm, and gives its memory of the training with the rows to draw from. */
async function trainOnGenerated(
  name: string,
  folder: string,
): Promise<{ trained: Trained; pool: ScoredSample; settings: MonitoringSettings }> {
  process.env.PERDURE_CONF = await configured(
    folder,
    name,
    ({ training_config }) => (training_config.hyperparameter_tuning = false),
  );
  const engines = createEnginePool(limitsOf(RESOURCES).engines);
  try {
    const pipeline = await loadPipeline(name);
    const runStage = createRunStage({ storeRoot: join(folder, 'store'), engines, resources: RESOURCES });
    const watch = { signal: new AbortController().signal, report: () => {} };
    const asked = {
      pipeline: name,
      run: { workflowId: 'bench', runId: 'bench', startedAt: `${AS_OF}T00:00:00Z` },
      asOf: AS_OF,
    };

    const source = join(folder, 'generated.csv');
    await generateCsv(pipeline, source);
    const { written } = await runStage(bronze, { ...asked, source }, watch);
    const partitions = [...written].sort();
    await runStage(silver, { ...asked, partitions }, watch);
    await runStage(gold, { ...asked, partitions }, watch);
    const [algorithm] = pipeline.config.training_config.algorithms;
    const quiet = { runStage, signal: watch.signal, onStep: () => {}, onProgress: () => {}, onAlgorithm: () => {} };
    const training = await trainLocally({ pipeline: name, asOf: AS_OF, algorithms: [algorithm!] }, quiet);
    if (training.status === 'skipped') throw new Error(training.reason);

    const { start_date: from, end_date: to } = pipeline.config.temporal_splits!.oot;
    const registry = (await runStage(async (context) => context.stores(pipeline), {}, watch)).modelRegistry;
    const profile = await readVersionFile(registry, training.challenger, 'profile.json');
    const { test: baseline } = await readVersionFile(registry, training.challenger, 'performance.json');

    const random = new Mt19937(SEED + 1);
    const extra = tieHeavyColumns(random, profile.rows);
    for (const { name, type, values } of extra) profile.columns[name] = profileColumn(values, type);
    const pool = await runStage(
      (context) => scoredRows(context, pipeline, training.challenger, { from, to }),
      {},
      watch,
    );
    pool.features.push(...tieHeavyColumns(random, pool.labels.length));
    const { inference_config, monitoring_config } = pipeline.config;
    const performance_metric = watchedMetric(pipeline, ZERO_OR_ONE);
    return {
      trained: { profile, baseline: baseline! },
      pool,
      settings: { ...monitoring_config, performance_metric, threshold: inference_config.prediction_threshold },
    };
  } finally {
    delete process.env.PERDURE_CONF;
    await engines.close();
  }
}

/** The rows of some days with what a version says of them. */
async function scoredRows(
  context: StageContext,
  pipeline: Pipeline,
  version: VersionRef,
  days: { from: string; to: string },
): Promise<ScoredSample> {
  const stores = context.stores(pipeline);
  const { modelPath, preprocessing } = await openModel(stores.modelRegistry, version);
  const { inputs, task } = preprocessing;
  const asked = { name: 'oot', asOf: AS_OF, labelledTo: days.to } as const;
  const rows = await withDuckDb(context, async (database) => {
    const files = await goldFilesAsOf({ database, scratch: context.scratch, pipeline, stores }, days, AS_OF);
    return readTrainingRows(database, pipeline, files, asked, inputs, task);
  });
  const path = join(context.scratch, 'scored.parquet');
  await writeMatrix(path, preprocessing.transforms, rows.table);
  const { values: scores } = await context.engines.predict(
    { modelPath, task, data: { path, features: preprocessing.features } },
    context.signal,
  );
  return {
    features: inputs.map(({ name, type }) => ({
      name,
      type,
      values: (rows.table.columns.get(name) as { values: Float64Array }).values,
    })),
    scores,
    labels: rows.labels,
  };
}
