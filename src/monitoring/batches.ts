import {
  METRICS,
  type MeasuredMetric,
  type MetricName,
  type PerformanceBatch,
  type TaskMetrics,
  type TaskSpec,
} from '../contracts/index.js';
import type { ModelOutput } from '../ml/modelOutput.js';
import { taskOf } from '../ml/tasks/task.js';
import { assessPerformance, exceedsLimit, type PerformanceSettings } from './performance.js';
import { rejected } from './homogeneity.js';

/** The rule behind `batches` and `concept_drift`, to be named beside them. */
export const BATCHES_CONVENTION =
  "batches: scored rows by their days, as many days together as hold min_samples_for_metrics rows, 20 batches at most. interval: the metric give or take 1.96 standard errors by the rows' influence, held to the metric's range. breached: as for performance, the batches' tests held to alpha together by Benjamini and Hochberg. concept_drift: ADWIN (delta .002, as river has it) over the errors of the labelled rows, day after day, those of a day by a digest of their keys: 1 for a wrong class, 0 for a right one; for numbers the absolute error, in units of four times its mean at training, at most 1";

/** Batches that a report shows at most. */
const MOST_BATCHES = 20;
/** Standard errors on each side of an interval of 95%. */
const CONFIDENCE = 1.96;

/** Days with the number of their rows. */
export interface DayOfRows {
  /** ISO 8601 day. */
  day: string;
  rows: number;
}

/**
 * Days that follow one another, put together until each batch has `least` rows; of many rows a batch has more, so that
 * there are {@link MOST_BATCHES} at most.
 * @param days oldest first
 */
export function planBatches(
  days: readonly DayOfRows[],
  least: number,
): Pick<PerformanceBatch, 'from' | 'to' | 'rows'>[] {
  const all = days.reduce((sum, { rows }) => sum + rows, 0);
  const size = Math.max(least, Math.ceil(all / MOST_BATCHES));
  const batches: Pick<PerformanceBatch, 'from' | 'to' | 'rows'>[] = [];
  let isFull = true;
  for (const { day, rows } of days) {
    if (isFull) batches.push({ from: day, to: day, rows: 0 });
    const batch = batches.at(-1)!;
    batch.to = day;
    batch.rows += rows;
    isFull = batch.rows >= size;
  }
  // What is left over is told with the batch before it.
  if (!isFull && batches.length > 1) {
    const { to, rows } = batches.pop()!;
    const last = batches.at(-1)!;
    last.to = to;
    last.rows += rows;
  }
  return batches;
}

/** What the labelled rows of one batch say, before the batches are looked at together. */
export interface LabelledBatch {
  measured: NonNullable<PerformanceBatch['measured']>;
  /** Of the watched metric; `null` where it is undefined. */
  drop: { p_value: number; isLarge: boolean } | null;
}

/** Metrics of the labelled rows of a batch, each with its interval. */
export function measureBatch(
  task: TaskSpec,
  labels: ArrayLike<number>,
  output: ModelOutput,
  about: {
    metrics: readonly MetricName[];
    threshold: number;
    baseline: TaskMetrics | undefined;
    settings: PerformanceSettings;
  },
): LabelledBatch {
  const { metrics, threshold, baseline, settings } = about;
  const kind = taskOf(task);
  const found = kind.metrics(labels, output, threshold);
  const errors = new Map(metrics.map((metric) => [metric, kind.standardError(metric, labels, output, threshold)]));
  const measured: LabelledBatch['measured'] = {};
  for (const metric of metrics) {
    const value = found[metric];
    if (value === undefined || value === null) continue;
    const error = errors.get(metric);
    measured[metric] = { value, interval: typeof error === 'number' ? intervalOf(metric, value, error) : null };
  }
  const watched = settings.performance_metric;
  const assessed = baseline && assessPerformance(baseline, found, settings, errors.get(watched) ?? null);
  return {
    measured,
    drop: assessed ? { p_value: assessed.p_value, isLarge: exceedsLimit(assessed, settings) } : null,
  };
}

/** Which batches' drops count, when all of them are looked at. */
export function breachedBatches(batches: readonly (LabelledBatch | undefined)[], alpha: number): boolean[] {
  const significant = rejected(
    batches.map((batch) => batch?.drop?.p_value ?? null),
    alpha,
  );
  return batches.map((batch, i) => significant[i]! && batch!.drop!.isLarge);
}

/** Metrics that are not shares of 0 to 1. */
const RANGES: Partial<Record<MetricName, [number, number]>> = {
  matthews_corrcoef: [-1, 1],
  cohen_kappa: [-1, 1],
  r2: [-Infinity, 1],
};

function intervalOf(metric: MetricName, value: number, error: number): MeasuredMetric['interval'] {
  const [least, most] = RANGES[metric] ?? (METRICS[metric].better === 'lower' ? [0, Infinity] : [0, 1]);
  return [Math.max(value - CONFIDENCE * error, least), Math.min(value + CONFIDENCE * error, most)];
}
