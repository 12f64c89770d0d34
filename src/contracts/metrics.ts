import type { TaskName } from './task.js';

/** What a metric is: which way is better, and the tasks that have it. */
export interface MetricDefinition {
  better: 'higher' | 'lower';
  tasks: readonly TaskName[];
}

const BINARY = ['binary'] as const;
const MULTICLASS = ['multiclass'] as const;
const CLASSES = ['binary', 'multiclass'] as const;
const REGRESSION = ['regression'] as const;

/**
 * Every metric, by the name that it has wherever it is shown. Each is as scikit-learn defines it, with these rules for
 * all: a metric that the rows leave undefined is `null`, never a number by convention; a ratio without a denominator is
 * 0 (`zero_division=0`).
 *
 * - `accuracy`, `balanced_accuracy` (mean of the recalls of the classes that occur), `matthews_corrcoef`, `cohen_kappa`
 * - `precision`, `recall`, `f1` of the positive class; `_macro` is the mean over the classes that occur or are
 *   predicted, `_weighted` weights them by their rows
 * - `roc_auc`; `roc_auc_ovr` is the mean over the classes that occur, of each against the rest
 * - `average_precision`, the step sum; `average_precision_macro` is the mean over the classes that occur
 * - `log_loss`, probabilities held to [2.2e-16, 1 - 2.2e-16]; `brier_score`, of more than two classes the sum over classes
 * - `rmse`, `mae`, `r2`, `mean_poisson_deviance` (labels of 0 or more, predictions above 0), and
 *   `mean_pinball_loss` at the median
 */
export const METRICS = {
  accuracy: { better: 'higher', tasks: CLASSES },
  balanced_accuracy: { better: 'higher', tasks: CLASSES },
  precision: { better: 'higher', tasks: BINARY },
  recall: { better: 'higher', tasks: BINARY },
  f1: { better: 'higher', tasks: BINARY },
  precision_macro: { better: 'higher', tasks: MULTICLASS },
  recall_macro: { better: 'higher', tasks: MULTICLASS },
  f1_macro: { better: 'higher', tasks: MULTICLASS },
  precision_weighted: { better: 'higher', tasks: MULTICLASS },
  recall_weighted: { better: 'higher', tasks: MULTICLASS },
  f1_weighted: { better: 'higher', tasks: MULTICLASS },
  roc_auc: { better: 'higher', tasks: BINARY },
  average_precision: { better: 'higher', tasks: BINARY },
  roc_auc_ovr: { better: 'higher', tasks: MULTICLASS },
  average_precision_macro: { better: 'higher', tasks: MULTICLASS },
  matthews_corrcoef: { better: 'higher', tasks: CLASSES },
  cohen_kappa: { better: 'higher', tasks: CLASSES },
  log_loss: { better: 'lower', tasks: CLASSES },
  brier_score: { better: 'lower', tasks: CLASSES },
  rmse: { better: 'lower', tasks: REGRESSION },
  mae: { better: 'lower', tasks: REGRESSION },
  r2: { better: 'higher', tasks: REGRESSION },
  mean_poisson_deviance: { better: 'lower', tasks: REGRESSION },
  mean_pinball_loss: { better: 'lower', tasks: REGRESSION },
} as const satisfies Record<string, MetricDefinition>;
export type MetricName = keyof typeof METRICS;

/** Which way of a metric is better. */
export function directionOf(metric: MetricName): 'higher' | 'lower' {
  return METRICS[metric].better;
}

/** The metrics that a task has, in the order of {@link METRICS}. */
export function metricsOf(task: TaskName): MetricName[] {
  return (Object.keys(METRICS) as MetricName[]).filter((metric) =>
    (METRICS[metric].tasks as readonly TaskName[]).includes(task),
  );
}

/**
 * What a search can maximise, in the names of scikit-learn's scorers, and the metric behind each: where lower is better
 * the score is the metric's negative.
 */
export const SCORERS = {
  binary: {
    roc_auc: 'roc_auc',
    average_precision: 'average_precision',
    accuracy: 'accuracy',
    balanced_accuracy: 'balanced_accuracy',
    precision: 'precision',
    recall: 'recall',
    f1: 'f1',
    matthews_corrcoef: 'matthews_corrcoef',
    neg_log_loss: 'log_loss',
    neg_brier_score: 'brier_score',
  },
  multiclass: {
    roc_auc_ovr: 'roc_auc_ovr',
    average_precision: 'average_precision_macro',
    accuracy: 'accuracy',
    balanced_accuracy: 'balanced_accuracy',
    precision_macro: 'precision_macro',
    precision_weighted: 'precision_weighted',
    recall_macro: 'recall_macro',
    recall_weighted: 'recall_weighted',
    f1_macro: 'f1_macro',
    f1_weighted: 'f1_weighted',
    matthews_corrcoef: 'matthews_corrcoef',
    neg_log_loss: 'log_loss',
    neg_brier_score: 'brier_score',
  },
  regression: {
    neg_root_mean_squared_error: 'rmse',
    neg_mean_absolute_error: 'mae',
    r2: 'r2',
    neg_mean_poisson_deviance: 'mean_poisson_deviance',
  },
} as const satisfies Record<TaskName, Record<string, MetricName>>;
export type ScoringOf<T extends TaskName> = keyof (typeof SCORERS)[T];
/** A scoring of any task. */
export type ScoringName = { [T in TaskName]: ScoringOf<T> }[TaskName];

/** What a model is worth on some rows: each metric of its task, `null` where the rows leave it undefined. */
export type TaskMetrics = { [M in MetricName]?: number | null } & {
  /** Of classifications: rows are actual, columns predicted, in the order of the task's classes. */
  confusion_matrix?: number[][];
  /** Where each metric lies with a confidence of 95%; `null` where that can't be told. */
  intervals?: { [M in MetricName]?: [low: number, high: number] | null };
  /** Of binary tasks: the probability from which a row counted as positive. */
  threshold?: number;
  /** Rows measured. */
  n: number;
};

/** Whether two models differ in a metric on the same rows. */
export interface MetricComparison {
  metric: MetricName;
  /** What the first model has, and the second. */
  a: number;
  b: number;
  /** a - b, in the metric's own units: which sign is better {@link directionOf} says. */
  difference: number;
  /** Two-sided: how likely a difference this large is where there is none. */
  p: number;
  /** Where the difference lies with a confidence of 1 - alpha. */
  interval: [low: number, high: number];
  method: 'delong' | 'bootstrap';
}
