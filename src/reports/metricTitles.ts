import type { MetricName } from '../contracts/index.js';

const METRIC_TITLES: Partial<Record<MetricName, string>> = {
  roc_auc: 'ROC AUC',
  roc_auc_ovr: 'ROC AUC (one against the rest)',
  f1: 'F1',
  f1_macro: 'F1 (macro)',
  f1_weighted: 'F1 (weighted)',
  matthews_corrcoef: 'Matthews correlation',
  cohen_kappa: "Cohen's kappa",
  rmse: 'RMSE',
  mae: 'MAE',
  r2: 'R²',
};

/** A metric's name for people. */
export function titleOf(metric: string): string {
  return METRIC_TITLES[metric as MetricName] ?? metric.replaceAll('_', ' ');
}

/** An instant as people read it, in UTC. */
export function moment(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
