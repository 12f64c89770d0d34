import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { MonitorInput, PerformanceResult, TaskSpec } from '../contracts/index.js';
import { byArrival } from '../data/arrivals.js';
import { identifier, readParquetSql, withDuckDb } from '../data/duckdb.js';
import { labelReader, labelSql, lastLabelledDay, type RawLabel } from '../data/labels.js';
import { labelStoreFiles } from '../data/layers.js';
import { dayOf } from '../data/partitions.js';
import type { ModelOutput } from '../ml/modelOutput.js';
import { taskOf } from '../ml/tasks/task.js';
import { assessPerformance } from '../monitoring/performance.js';
import {
  besides,
  countArrivals,
  loadScoredRows,
  newestArrivals,
  ofDaysSql,
  scoreColumns,
  SCORED_ROWS,
  type LoadedRows,
} from '../data/scoredRows.js';
import { TRAINED_ROWS } from '../data/trainedRows.js';
import { baselineSplit, watchedMetric } from '../registry/championMetric.js';
import { SCORE_ANEW, readVersionFile, requireVersion, rowFile, versionThreshold } from '../registry/versions.js';
import type { Stage, StageContext } from './context.js';
import { thresholdOf } from './openModel.js';
import { agreeing, countOf } from '../contracts/counts.js';

/**
 * Metrics of a version's predictions whose labels are mature at `asOf` (the row's day lies `label_maturity_days` or
 * more back), against the metrics of its test split at training. Of rows that go by their arrival, the newest arrivals
 * count that have enough labels together.
 */
export const measurePerformance: Stage<MonitorInput, PerformanceResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  const { monitoring_config } = pipeline.config;
  const { label_maturity_days, min_samples_for_metrics } = monitoring_config;
  const { model } = input.predictions;
  const { task } = await readVersionFile(modelRegistry, model, 'preprocessing.json', SCORE_ANEW);

  const { labels, output, loaded } = await matureRows(context, pipeline, input, task);
  if (labels.length < min_samples_for_metrics) {
    const dated = pipeline.definition.partition.column !== undefined;
    const mature =
      dated && label_maturity_days > 0
        ? `${agreeing(labels.length, 'has a label that is', 'have labels that are')} ${countOf(label_maturity_days, 'day')} old by`
        : `${agreeing(labels.length, 'has a label', 'have labels')} by`;
    return {
      status: 'skipped',
      reason: `${countOf(labels.length, 'scored row')} ${mature} ${dayOf(input.asOf)}${besides(loaded, pipeline)}; performance needs at least ${min_samples_for_metrics}.`,
    };
  }

  const version = await requireVersion(modelRegistry, model, SCORE_ANEW);
  const { performance } = version;
  const threshold = thresholdOf(pipeline, await versionThreshold(modelRegistry, version, SCORE_ANEW));
  const metrics = taskOf(task).metrics(labels, output, threshold);
  const metric = watchedMetric(pipeline, task);
  const baseline = performance[baselineSplit(performance)];
  const assessed =
    baseline &&
    assessPerformance(
      baseline,
      metrics,
      { ...monitoring_config, performance_metric: metric },
      taskOf(task).standardError(metric, labels, output, threshold),
    );
  return (
    assessed ?? {
      status: 'skipped',
      reason: `${metric} is undefined for labels of one class only; wait for more labels, or set monitoring_config.performance_metric to another.`,
    }
  );
};

async function matureRows(
  context: StageContext,
  pipeline: Pipeline,
  { predictions, asOf }: MonitorInput,
  task: TaskSpec,
): Promise<{ labels: number[]; output: ModelOutput; loaded: LoadedRows }> {
  const stores = context.stores(pipeline);
  const { keys } = pipeline.definition;
  const read = labelReader(pipeline, task);
  const labels: number[] = [];
  const values: number[] = [];
  const scores = scoreColumns(task);
  const trainedRows = await rowFile(stores.modelRegistry, predictions.model, TRAINED_ROWS, SCORE_ANEW);
  const loaded = await withDuckDb(context, async (database) => {
    const loaded = await loadScoredRows(database, pipeline, stores, predictions.model, {
      task,
      trainedRows,
      until: lastLabelledDay(pipeline, asOf),
    });
    const files = loaded.days ? await labelStoreFiles(stores, loaded.days) : [];
    if (files.length === 0) return loaded;
    const table = readParquetSql(files.map(({ path }) => path));
    const label = await labelSql(database, pipeline, table, INTERNAL.labels);
    const from = `FROM ${SCORED_ROWS} JOIN ${table} AS ${INTERNAL.labels} USING (${keys.map(identifier).join(', ')})`;
    // Of rows that go by their arrival, the newest ones that have labels.
    const labelled = byArrival(pipeline)
      ? await countArrivals(database, `SELECT ${SCORED_ROWS}.${INTERNAL.day} ${from} WHERE ${label} IS NOT NULL`)
      : [];
    const { min_samples_for_metrics } = pipeline.config.monitoring_config;
    const newest = labelled.length > 0 ? ofDaysSql(newestArrivals(labelled, min_samples_for_metrics)) : 'true';
    const rows = database.chunks(`
      SELECT ${label}, ${scores.join(', ')} ${from}
      WHERE ${newest}
      ORDER BY ${keys.map(identifier).join(', ')}`);
    for await (const chunk of rows) {
      const found = chunk.getColumnValues(0) as RawLabel[];
      const said = scores.map((_, i) => chunk.getColumnValues(i + 1) as number[]);
      found.forEach((raw, row) => {
        const label = read(raw);
        if (label === undefined || label === null) return;
        labels.push(label);
        for (const column of said) values.push(column[row]!);
      });
    }
    return loaded;
  });
  return { loaded, labels, output: { values: Float64Array.from(values), width: scores.length } };
}
