import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import {
  type FeatureDistances,
  type LabelDrift,
  type MetricName,
  type MonitorInput,
  type PerformanceDetails,
  type PerformanceResult,
  type SplitName,
  type TaskMetrics,
  type TaskSpec,
  type VersionRef,
  versionName,
} from '../contracts/index.js';
import { byArrival } from '../data/arrivals.js';
import { withDuckDb } from '../data/duckdb.js';
import { requireOneRowAKey } from '../data/goldKeys.js';
import { lastLabelledDay } from '../data/labels.js';
import { dayOf } from '../data/partitions.js';
import { readReferenceScores, REFERENCE_ROWS, REFERENCE_SCORES } from '../data/referenceRows.js';
import { taskOf } from '../ml/tasks/task.js';
import { profileDistances } from '../monitoring/distances.js';
import { assessLabels } from '../monitoring/drift.js';
import { assessPerformance } from '../monitoring/performance.js';
import { countInto, emptyLike, labelValues } from '../monitoring/profile.js';
import { countedValues, twoSampleDistances } from '../monitoring/twoSamples.js';
import { readColumns } from '../platform/files/parquet.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import {
  besides,
  countArrivals,
  loadScoredRows,
  newestArrivals,
  ofDaysSql,
  type LoadedRows,
} from '../data/scoredRows.js';
import { TRAINED_ROWS } from '../data/trainedRows.js';
import { baselineSplit, watchedMetric } from '../registry/championMetric.js';
import { SCORE_ANEW, readVersionFile, requireVersion, rowFile, readVersionFileIfAny } from '../registry/versions.js';
import type { Stage, StageContext } from './context.js';
import { leftOutOfMetrics, readLabelledScores, unknownInWords, type LabelledScores } from './labelledScores.js';
import { thresholdOf } from './openModel.js';
import { warningsOf } from './driftDistances.js';
import { performanceBatches, type BatchSettings } from './performanceBatches.js';
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
  const version = await requireVersion(modelRegistry, model, SCORE_ANEW);
  const { performance } = version;
  const threshold = thresholdOf(
    pipeline,
    await readVersionFileIfAny(modelRegistry, version, 'threshold.json', SCORE_ANEW),
  );
  const metric = watchedMetric(pipeline, task);
  const settings = { ...monitoring_config, performance_metric: metric };
  const baseline = performance[baselineSplit(performance)];

  const { labels, output, unknown, loaded, batches } = await matureRows(context, pipeline, input, {
    task,
    asOf: input.asOf,
    threshold,
    baseline,
    performance: settings,
    reference: await referenceScores(modelRegistry, model, task),
  });
  if (labels.length < min_samples_for_metrics) {
    const dated = pipeline.definition.partition.column !== undefined;
    const mature =
      dated && label_maturity_days > 0
        ? `${agreeing(labels.length, 'has a label that is', 'have labels that are')} ${countOf(label_maturity_days, 'day')} old by`
        : `${agreeing(labels.length, 'has a label', 'have labels')} by`;
    return {
      status: 'skipped',
      reason: `${countOf(labels.length, 'scored row')} ${mature} ${dayOf(input.asOf)}${besides(loaded)}${unknown.length > 0 ? `, and ${unknownInWords(unknown)}` : ''}; performance needs at least ${min_samples_for_metrics}.`,
      ...batches,
    };
  }

  const details = { ...(await labelDrift(context, pipeline, model, task, { labels, unknown })), ...batches };
  const metrics = taskOf(task).metrics(labels, output, threshold);
  const assessed =
    baseline &&
    assessPerformance(baseline, metrics, settings, taskOf(task).standardError(metric, labels, output, threshold));
  if (assessed) return { ...assessed, ...leftOutOfMetrics(unknown), ...details };
  return {
    status: 'skipped',
    reason: whyUndefined(metric, task, { split: baselineSplit(performance), baseline, metrics }),
    ...details,
  };
};

function whyUndefined(
  metric: MetricName,
  task: TaskSpec,
  { split, baseline, metrics }: { split: SplitName; baseline: TaskMetrics | undefined; metrics: TaskMetrics },
): string {
  const another = 'set monitoring_config.performance_metric to another';
  if ((baseline?.[metric] ?? null) === null)
    return `${metric} was undefined on the ${split} split at training, and there is nothing to hold it against; ${another}, or train again with more labels in that split.`;
  if ((metrics[metric] ?? null) !== null)
    return `How certain ${metric} is can't be told while a class has a single label; wait for more labels, or ${another}.`;
  const labels = task.task === 'regression' ? 'these labels and predictions' : 'labels of one class only';
  return `${metric} is undefined for ${labels}; wait for more labels, or ${another}.`;
}

/** What a version said of held-out rows; nothing of one that kept nothing, or whose task has no estimates. */
async function referenceScores(
  registry: ObjectStore,
  model: VersionRef,
  task: TaskSpec,
): Promise<BatchSettings['reference']> {
  const { estimation, width } = taskOf(task);
  const file = estimation && (await rowFile(registry, model, REFERENCE_SCORES, SCORE_ANEW));
  return file ? readReferenceScores(file, width) : undefined;
}

/** The labels against those of the version's training rows; nothing of a version that knows nothing of its own. */
async function labelDrift(
  context: StageContext,
  pipeline: Pipeline,
  model: VersionRef,
  task: TaskSpec,
  { labels, unknown }: Pick<LabelledScores, 'labels' | 'unknown'>,
): Promise<{ labels?: LabelDrift }> {
  const { modelRegistry } = context.stores(pipeline);
  const { label: reference } = await readVersionFile(modelRegistry, model, 'profile.json', SCORE_ANEW);
  if (!reference) return {};
  const { monitoring_config } = pipeline.config;
  const current = countInto(countInto(emptyLike(reference), labelValues(task, labels)), unknown);
  const assessed = assessLabels(reference, current, monitoring_config);
  const limits = monitoring_config.drift_warnings;
  if (!limits) return { labels: assessed };
  let distances: FeatureDistances | null = profileDistances(reference, current);
  const rows = reference.kind === 'bins' ? await rowFile(modelRegistry, model, REFERENCE_ROWS, SCORE_ANEW) : undefined;
  if (rows !== undefined && distances) {
    const [values] = await readColumns(rows, [INTERNAL.label]);
    distances = { ...distances, ...twoSampleDistances(countedValues(values as Float64Array, labels)) };
  }
  const column = { feature: 'the label', of: 'label' } as const;
  return { labels: { ...assessed, distances, warnings: warningsOf(column, distances, assessed.psi, limits) } };
}

async function matureRows(
  context: StageContext,
  pipeline: Pipeline,
  { predictions, asOf }: MonitorInput,
  settings: BatchSettings,
): Promise<LabelledScores & { loaded: LoadedRows; batches: PerformanceDetails }> {
  const { task } = settings;
  const stores = context.stores(pipeline);
  const trainedRows = await rowFile(stores.modelRegistry, predictions.model, TRAINED_ROWS, SCORE_ANEW);
  return withDuckDb(context, async (database) => {
    await requireOneRowAKey(database, pipeline, stores);
    const load = (until: string, from?: string) =>
      loadScoredRows(database, pipeline, stores, predictions.model, { task, trainedRows, from, until });
    const loaded = await load(lastLabelledDay(pipeline, asOf));
    const labelled = await readLabelledScores(database, pipeline, stores, task, loaded.days, newest);
    // The batches begin as far back, and go on to the rows whose labels are still to come.
    const { label_maturity_days } = pipeline.config.monitoring_config;
    const { days } = label_maturity_days === 0 ? loaded : await load(dayOf(asOf), loaded.days?.from);
    const batches: PerformanceDetails = days ? await performanceBatches(database, pipeline, stores, settings) : {};
    if (taskOf(task).estimation && !settings.reference)
      batches.estimate_not_measured = `${versionName(predictions.model)} was trained before versions kept their scores, by which estimates go; train again.`;
    return { ...labelled, loaded, batches };

    /** Of rows that go by their arrival, the newest ones that have labels. */
    async function newest(query: string): Promise<string> {
      const arrivals = byArrival(pipeline) ? await countArrivals(database, query) : [];
      const { min_samples_for_metrics } = pipeline.config.monitoring_config;
      return arrivals.length > 0 ? ofDaysSql(newestArrivals(arrivals, min_samples_for_metrics)) : 'true';
    }
  });
}
