import { INTERNAL } from '../config/columns.js';
import type { MonitorInput, PerformanceResult } from '../contracts/index.js';
import { identifier, readParquetSql, withDuckDb } from '../data/duckdb.js';
import { lastLabelledDay } from '../data/labels.js';
import { labelStoreFiles } from '../data/layers.js';
import { dayOf } from '../data/partitions.js';
import { classificationMetrics } from '../ml/metrics.js';
import { judgePerformance } from '../monitoring/performance.js';
import { loadScoredRows, SCORED_ROWS } from '../monitoring/scoredRows.js';
import { SCORE_ANEW, requireVersion } from '../registry/versions.js';
import type { Stage, StageContext } from './context.js';
import { agreeing, countOf } from '../contracts/counts.js';

/**
 * Metrics of a version's predictions whose labels are mature at `asOf` (the row's day lies `label_maturity_days` or
 * more back), against the metrics of its test window at training.
 */
export const measurePerformance: Stage<MonitorInput, PerformanceResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const { monitoring_config, inference_config } = pipeline.config;
  const { label_maturity_days, min_samples_for_metrics } = monitoring_config;
  const { model } = input.predictions;

  const { labels, probabilities } = await matureRows(context, input, lastLabelledDay(pipeline, input.asOf));
  if (labels.length < min_samples_for_metrics) {
    return {
      status: 'skipped',
      reason: `${countOf(labels.length, 'scored row')} ${agreeing(labels.length, 'has a label that is', 'have labels that are')} ${countOf(label_maturity_days, 'day')} old by ${dayOf(input.asOf)}; performance needs at least ${min_samples_for_metrics}.`,
    };
  }

  const metrics = classificationMetrics(labels, probabilities, inference_config.prediction_threshold);
  const { test: baseline } = (await requireVersion(stores.modelRegistry, model, SCORE_ANEW)).performance;
  const judged = judgePerformance(baseline, metrics, monitoring_config);
  return judged ?? { status: 'skipped', reason: `${monitoring_config.performance_metric} is undefined for labels of one class only; wait for more labels, or set monitoring_config.performance_metric to another.` };
};

async function matureRows(context: StageContext, input: MonitorInput, until: string): Promise<{ labels: number[]; probabilities: number[] }> {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const { keys, label } = pipeline.definition;
  const labels: number[] = [];
  const probabilities: number[] = [];
  await withDuckDb(context, async (database) => {
    const days = await loadScoredRows(database, pipeline, stores, input.predictions.model, until);
    const files = days ? await labelStoreFiles(stores, days) : [];
    if (files.length === 0) return;
    const rows = database.chunks(`
      SELECT CAST(${INTERNAL.labels}.${identifier(label)} AS DOUBLE), ${SCORED_ROWS}.${INTERNAL.probability}
      FROM ${SCORED_ROWS} JOIN ${readParquetSql(files.map(({ path }) => path))} AS ${INTERNAL.labels} USING (${keys.map(identifier).join(', ')})
      WHERE ${INTERNAL.labels}.${identifier(label)} IS NOT NULL`);
    for await (const chunk of rows) {
      labels.push(...(chunk.getColumnValues(0) as number[]));
      probabilities.push(...(chunk.getColumnValues(1) as number[]));
    }
  });
  return { labels, probabilities };
}
