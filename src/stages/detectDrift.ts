import { INTERNAL, sameName } from '../config/columns.js';
import type { DriftResult, MonitorInput } from '../contracts/index.js';
import { columnsOf, identifier, readParquetSql, withDuckDb } from '../data/duckdb.js';
import { featureStoreFiles } from '../data/layers.js';
import { dayOf } from '../data/partitions.js';
import { judgeDrift, type CurrentProfile } from '../monitoring/drift.js';
import { countInto, emptyLike, type ModelProfile } from '../monitoring/profile.js';
import { loadScoredRows, SCORED_ROWS } from '../monitoring/scoredRows.js';
import { SCORE_ANEW, readVersionFile } from '../registry/versions.js';
import type { Stage, StageContext } from './context.js';
import { agreeing, countOf } from '../contracts/counts.js';

/**
 * How far the rows that a version scored have moved from those it was trained on: PSI and missing rate per raw feature
 * against the training window, PSI of the score against the test window.
 */
export const detectDrift: Stage<MonitorInput, DriftResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { min_samples_for_metrics } = pipeline.config.monitoring_config;
  const reference = await readVersionFile<ModelProfile>(context.stores(pipeline).modelRegistry, input.predictions.model, 'profile.json', SCORE_ANEW);

  const current = await profileScoredRows(context, input, reference);
  if (current.rows < min_samples_for_metrics) {
    return { status: 'skipped', reason: `${countOf(current.rows, 'row')} ${agreeing(current.rows, 'is', 'are')} scored by ${dayOf(input.asOf)}; drift needs at least ${min_samples_for_metrics}.` };
  }

  return judgeDrift(reference, current, pipeline.config.monitoring_config);
};

/** Counts the scored rows into the bins of the reference. A feature that gold no longer has counts as missing. */
async function profileScoredRows(context: StageContext, input: MonitorInput, reference: ModelProfile): Promise<CurrentProfile> {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const keys = pipeline.definition.keys.map(identifier).join(', ');
  const features = Object.keys(reference.columns);
  const current: CurrentProfile = {
    rows: 0,
    columns: Object.fromEntries(features.map((name) => [name, emptyLike(reference.columns[name]!)])),
    score: emptyLike(reference.score),
  };
  await withDuckDb(context, async (database) => {
    const days = await loadScoredRows(database, pipeline, stores, input.predictions.model, dayOf(input.asOf));
    const files = days ? await featureStoreFiles(stores, days) : [];
    if (files.length === 0) return;
    const gold = readParquetSql(files.map(({ path }) => path));
    const known = new Set((await columnsOf(database, gold)).map(sameName));
    const values = features.map((name) => (known.has(sameName(name)) ? `TRY_CAST(${INTERNAL.features}.${identifier(name)} AS DOUBLE)` : 'NULL'));
    const rows = database.chunks(`SELECT ${SCORED_ROWS}.${INTERNAL.probability}, ${values.join(', ')} FROM ${SCORED_ROWS} JOIN ${gold} AS ${INTERNAL.features} USING (${keys})`);
    for await (const chunk of rows) {
      current.rows += chunk.rowCount;
      countInto(current.score, chunk.getColumnValues(0) as number[]);
      features.forEach((name, i) => countInto(current.columns[name]!, chunk.getColumnValues(i + 1) as (number | null)[]));
    }
  });
  return current;
}
