import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPipeline } from '../../src/config/load.js';
import type { ModelTrainingCompleted, RunRef } from '../../src/contracts/index.js';
import { literal, withDuckDb, type SqlValue } from '../../src/data/duckdb.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { bronze } from '../../src/stages/bronze.js';
import { checkNewData } from '../../src/stages/checkNewData.js';
import { createRunStage } from '../../src/stages/createContext.js';
import type { Stage } from '../../src/stages/context.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { gold } from '../../src/stages/gold.js';
import { measurePerformance } from '../../src/stages/measurePerformance.js';
import { publishFeatures } from '../../src/stages/publishFeatures.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { silver } from '../../src/stages/silver.js';
import { writeReport } from '../../src/stages/writeReport.js';
import { trainLocally } from '../../src/stages/trainLocally.js';

const RESOURCES = { cpus: 2, memory: 2 * 2 ** 30 };
const AS_OF = '2030-01-01';
const NAME = 'table';

/** A pipeline whose rows have a day in `seen`, and in `fold` what they are for: those of another fold are scored alone. */
export const DATED_FOLDS = {
  source: 'table.csv',
  key: 'id',
  label: 'label',
  time: 'seen',
  partition: 'month',
  drop: ['fold'],
  split: { by: 'column', column: 'fold', train: 'train', test: 'test' },
};

/**
 * A pipeline of nothing but a short `pipeline.json`, whose stages a test runs one after the other.
 * @param parent a folder that goes when the tests are over
 * @param config what its model config says otherwise than by default
 * @param store where its buckets lie; by default in a folder of its own
 */
export async function createShortPipeline(
  engines: EnginePool,
  parent: string,
  definition: object,
  config?: object,
  store?: string,
) {
  const root = mkdtempSync(join(parent, 'short-'));
  const folder = join(root, 'conf', 'pipelines', NAME);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'pipeline.json'), JSON.stringify(definition));
  if (config) writeFileSync(join(folder, 'model_config.dev.json'), JSON.stringify(config));
  process.env.PERDURE_CONF = join(root, 'conf');
  const storeRoot = store ?? join(root, 'store');
  const scratchRoot = join(root, 'scratch');
  const runStage = createRunStage({ storeRoot, engines, resources: RESOURCES, scratchRoot });
  const stores = (await openStores(storeRoot, scratchRoot))(await loadPipeline(NAME));
  const never = new AbortController().signal;
  let runs = 0;
  const run = (): RunRef => ({
    workflowId: NAME,
    runId: `run-${++runs}`,
    startedAt: `2030-01-01T00:00:${String(runs).padStart(2, '0')}.000Z`,
  });
  const perform = <Input, Output>(stage: Stage<Input, Output>, input: Input) => {
    process.env.PERDURE_CONF = join(root, 'conf');
    return runStage(stage, input, { signal: never, report: () => {} });
  };
  const csv = join(root, 'table.csv');

  return {
    stores,
    /** Where its buckets lie. */
    store: storeRoot,
    folder,
    csv,
    /** Writes the CSV and makes gold of it. */
    async process(
      text: string | Uint8Array,
      { asOf = AS_OF, ...more }: { asOf?: string; replace?: boolean; labels?: string } = {},
    ) {
      writeFileSync(csv, text);
      const asked = { pipeline: NAME, run: run() };
      const { written, unchanged, labels } = await perform(bronze, { ...asked, source: csv, asOf, ...more });
      const partitions = [...written, ...unchanged].sort();
      await perform(silver, { ...asked, partitions, asOf });
      return { ...(await perform(gold, { ...asked, partitions, asOf })), labels };
    },
    /** Whether a look finds that bronze has nothing to do. */
    async isRead(more: { labels?: string } = {}, asOf = AS_OF): Promise<boolean> {
      const { pending } = await perform(bronze, {
        pipeline: NAME,
        run: run(),
        source: csv,
        asOf,
        dryRun: true,
        ...more,
      });
      return pending !== true;
    },
    async train(algorithms: string[], asOf = AS_OF, again = false): Promise<ModelTrainingCompleted> {
      process.env.PERDURE_CONF = join(root, 'conf');
      const quiet = { runStage, signal: never, onStep: () => {}, onProgress: () => {}, onAlgorithm: () => {} };
      const result = await trainLocally({ pipeline: NAME, asOf, algorithms, again }, quiet);
      if (result.status === 'skipped') throw new Error(result.reason);
      return result;
    },
    /** Scores what is new, or with `again` all, with a version, and returns the file's rows. */
    async predict(
      algorithm: string,
      asOf = AS_OF,
      more: { again?: boolean } = {},
    ): Promise<Record<string, SqlValue>[]> {
      const asked = { pipeline: NAME, run: run() };
      const resolved = await perform(resolveModel, { ...asked, model: { algorithm } });
      if (resolved.status === 'skipped') throw new Error(resolved.reason);
      const { uri } = await perform(predict, { ...asked, asOf, model: resolved.model, ...more });
      const path = await stores.predictions.localFile(stores.predictions.key(uri));
      return withDuckDb(
        { resources: RESOURCES, scratch: mkdtempSync(join(root, 'look-')), signal: never },
        (database) => database.rows(`SELECT * FROM read_parquet(${literal(path)}, hive_partitioning = false)`),
      );
    },
    /** Partitions that no training has seen, by `asOf`. */
    newData: async (asOf = AS_OF) =>
      (await perform(checkNewData, { pipeline: NAME, run: { ...run(), startedAt: asOf } })).partitions,
    publish: () => perform(publishFeatures, { pipeline: NAME, run: run() }),
    /** The whole of a monitoring run. */
    async report(model: { algorithm: string; version: string }, asOf = AS_OF) {
      const input = { pipeline: NAME, run: run(), asOf, predictions: { model, rows: 0 } };
      const performance = await perform(measurePerformance, input);
      return perform(writeReport, { ...input, performance, drift: await perform(detectDrift, input) });
    },
    async monitor(model: { algorithm: string; version: string }, asOf = AS_OF) {
      const input = { pipeline: NAME, run: run(), asOf, predictions: { model, rows: 0 } };
      return { performance: await perform(measurePerformance, input), drift: await perform(detectDrift, input) };
    },
  };
}
export type ShortPipeline = Awaited<ReturnType<typeof createShortPipeline>>;
