import type { Metrics, PerformanceResult } from '../contracts/index.js';
import { twoSidedP } from '../ml/normal.js';

/** The metrics that monitoring may watch. */
export type WatchedMetric = Exclude<keyof Metrics, 'confusion_matrix' | 'n'>;

export interface PerformanceSettings {
  performance_metric: WatchedMetric;
  performance_threshold_drop: number;
  alpha: number;
}

/** The rule behind `breached`, to be named beside it. */
export const BREACH_CONVENTION =
  'breached: the drop is above performance_threshold_drop, and a one-sided normal test of the two independent samples rejects at alpha that there is none; variances by Hanley and McNeil (1982) for ROC AUC, by Boyd, Eng and Page (2013) for average precision, binomial with two rows of each kind added (Agresti and Coull 1998) for the others';

/** Metrics on labelled rows against those at training; `null` where the watched metric is undefined for either. */
export function judgePerformance(baseline: Metrics, metrics: Metrics, settings: PerformanceSettings): Extract<PerformanceResult, { status: 'measured' }> | null {
  const metric = settings.performance_metric;
  const [before, now] = [baseline[metric], metrics[metric]];
  if (before === null || now === null) return null;
  const drop = before - now;
  const p_value = upperP(drop, Math.sqrt(metricVariance(baseline, metric) + metricVariance(metrics, metric)));
  return { status: 'measured', metrics, baseline, drop, metric, p_value, breached: drop > settings.performance_threshold_drop && p_value < settings.alpha };
}

/** The probability that a normal variate with this standard error exceeds `value`. */
function upperP(value: number, standardError: number): number {
  const half = value === 0 ? 0.5 : twoSidedP(value / standardError) / 2;
  return value > 0 ? half : 1 - half;
}

/** Sampling variance of a metric, from the metrics themselves. A metric must not be `null`. */
export function metricVariance(metrics: Metrics, metric: WatchedMetric): number {
  const [[tn, fp], [fn, tp]] = metrics.confusion_matrix;
  const [positives, negatives] = [fn + tp, tn + fp];
  switch (metric) {
    case 'accuracy':
      return shareVariance(tp + tn, metrics.n);
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
  return (auc * (1 - auc) + (positives - 1) * (q1 - auc ** 2) + (negatives - 1) * (q2 - auc ** 2)) / (positives * negatives);
}
