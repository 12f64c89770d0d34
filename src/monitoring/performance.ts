import { METRICS, directionOf, type MetricName, type PerformanceResult, type TaskMetrics } from '../contracts/index.js';
import { twoSidedP } from '../ml/normal.js';

export interface PerformanceSettings {
  performance_metric: MetricName;
  performance_threshold_drop: number;
  alpha: number;
}

/** The rule behind `breached`, to be named beside it. */
export const BREACH_CONVENTION =
  'breached: the drop is above performance_threshold_drop (for metrics in units of the label a share of what it was at training), and a one-sided normal test of the two independent samples rejects at alpha that there is none; variances by Hanley and McNeil (1982) for ROC AUC, by Boyd, Eng and Page (2013) for average precision, binomial with two rows of each kind added (Agresti and Coull 1998) for accuracy, precision, recall and F1, by the influence of groups of rows for the others';

/**
 * Metrics on labelled rows against those at training; `null` where the watched metric, or how certain it is, is undefined
 * for either.
 *
 * @param standardError of the watched metric on the labelled rows, for metrics that {@link metricVariance} doesn't know
 */
export function assessPerformance(
  baseline: TaskMetrics,
  metrics: TaskMetrics,
  settings: PerformanceSettings,
  standardError: number | null = null,
): Extract<PerformanceResult, { status: 'measured' }> | null {
  const metric = settings.performance_metric;
  const [before, now] = [baseline[metric] ?? null, metrics[metric] ?? null];
  if (before === null || now === null) return null;
  const variances = hasVariance(metric)
    ? metricVariance(baseline, metric) + metricVariance(metrics, metric)
    : standardError === null
      ? null
      : standardError ** 2 * (1 + metrics.n / baseline.n);
  if (variances === null) return null;
  const { drop, p_value } = dropFrom(metric, before, now, Math.sqrt(variances));
  const measured = { baseline, drop, metric };
  return {
    status: 'measured',
    metrics,
    baseline,
    drop,
    metric,
    p_value,
    breached: exceedsLimit(measured, settings) && p_value < settings.alpha,
  };
}

/** How much worse a metric is, and the p-value of its not being worse by a normal test. @param standardError of the drop */
export function dropFrom(
  metric: MetricName,
  before: number,
  now: number,
  standardError: number,
): { drop: number; p_value: number } {
  const drop = directionOf(metric) === 'higher' ? before - now : now - before;
  return { drop, p_value: upperP(drop, standardError) };
}

/** Whether a drop is above `performance_threshold_drop`, whatever sampling explains of it. */
export function exceedsLimit(
  { baseline, drop, metric }: { baseline: TaskMetrics; drop: number; metric: MetricName },
  { performance_threshold_drop }: PerformanceSettings,
): boolean {
  return drop > performance_threshold_drop * (inUnits(metric) ? Math.abs(baseline[metric]!) : 1);
}

/** Whether a metric is in units of the label rather than a share. */
function inUnits(metric: MetricName): boolean {
  return METRICS[metric].tasks.some((task) => task === 'regression') && metric !== 'r2';
}

/** The probability that a normal variate with this standard error exceeds `value`. */
function upperP(value: number, standardError: number): number {
  const half = value === 0 ? 0.5 : twoSidedP(value / standardError) / 2;
  return value > 0 ? half : 1 - half;
}

/** Metrics whose sampling variance follows from the metrics of a binary task themselves. */
const KNOWN_VARIANCES = [
  'accuracy',
  'precision',
  'recall',
  'average_precision',
  'f1',
  'roc_auc',
] as const satisfies readonly MetricName[];
export type KnownVariance = (typeof KNOWN_VARIANCES)[number];

function hasVariance(metric: MetricName): metric is KnownVariance {
  return (KNOWN_VARIANCES as readonly MetricName[]).includes(metric);
}

/** Sampling variance of a metric, from the metrics themselves. A metric must not be `null`. */
export function metricVariance(metrics: TaskMetrics, metric: KnownVariance): number {
  if (metric === 'accuracy') return shareVariance(metrics.accuracy! * metrics.n, metrics.n);
  const [[tn, fp], [fn, tp]] = metrics.confusion_matrix as [[number, number], [number, number]];
  const [positives, negatives] = [fn + tp, tn + fp];
  switch (metric) {
    case 'precision':
      return shareVariance(tp, tp + fp);
    case 'recall':
      return shareVariance(tp, positives);
    case 'average_precision':
      return shareVariance(metrics.average_precision! * positives, positives);
    case 'f1': {
      // F1 = 2 J / (1 + J), with the Jaccard index J a share of tp + fp + fn rows.
      const rows = tp + fp + fn;
      return (shareVariance(tp, rows) * 4) / (1 + (tp + 2) / (rows + 4)) ** 4;
    }
    case 'roc_auc':
      return aucVariance(metrics.roc_auc!, positives, negatives);
  }
}

/** Variance of a share of independent rows; two of each kind are added, so that it is above 0 for shares of 0 and 1. */
function shareVariance(having: number, rows: number): number {
  const share = (having + 2) / (rows + 4);
  return (share * (1 - share)) / (rows + 4);
}

/** Hanley and McNeil (1982), Radiology 143, 29. */
function aucVariance(auc: number, positives: number, negatives: number): number {
  const q1 = auc / (2 - auc);
  const q2 = (2 * auc ** 2) / (1 + auc);
  return (
    (auc * (1 - auc) + (positives - 1) * (q1 - auc ** 2) + (negatives - 1) * (q2 - auc ** 2)) / (positives * negatives)
  );
}
