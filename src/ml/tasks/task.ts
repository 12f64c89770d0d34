import { countOf } from '../../contracts/counts.js';
import {
  SCORERS,
  directionOf,
  type MetricComparison,
  type MetricName,
  type ScoringName,
  type TaskMetrics,
  type TaskSpec,
} from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { bootstrapIntervals, pairedBootstrap } from '../comparison/bootstrap.js';
import type { FoldScore } from '../engines/pool.js';
import { foldScoreOf, standardErrorOf, strataOf } from '../foldScore.js';
import type { Curves } from '../metrics/curves.js';
import type { ModelOutput } from '../modelOutput.js';
import { binaryTask } from './binary.js';
import type { Kind, TaskLabels } from './kind.js';
import { multiclassTask } from './multiclass.js';
import { regressionTask } from './regression.js';

export type { TaskLabels };

/** Threshold of the scorings that need a decision, as scikit-learn's `predict` has it. */
const SCORING_THRESHOLD = 0.5;

/** What differs between predicting yes or no, one of several classes, and a number. */
export interface Task extends Pick<
  Kind,
  | 'width'
  | 'decidesByThreshold'
  | 'metricNames'
  | 'scorings'
  | 'defaultScoring'
  | 'predictionColumns'
  | 'isSound'
  | 'rowErrors'
  | 'errorScale'
  | 'estimation'
> {
  /**
   * @param output aligned with the labels
   * @param threshold probability from which a row counts as positive; of binary tasks alone
   * @throws PerdureError `InputInvalid` where the output is not of these rows or of this task
   */
  metrics(labels: TaskLabels, output: ModelOutput, threshold: number): TaskMetrics;

  /**
   * One of the metrics; `null` where the rows leave it undefined.
   * @throws PerdureError as {@link metrics}, and `ConfigInvalid` where the task has no such metric
   */
  metric(metric: MetricName, labels: TaskLabels, output: ModelOutput, threshold: number): number | null;

  /**
   * What a report draws of a model's output.
   * @throws PerdureError as {@link metrics}
   */
  curves(labels: TaskLabels, output: ModelOutput): Curves;

  /**
   * How far a metric lies from its expected value by the chance that drew these rows: the square root of the sum over
   * the classes of the variance of the rows' influences divided by the class's rows (for ROC AUC DeLong's), and of the
   * step of one row where decisions are counted, so that it isn't 0 where all are right.
   * @returns `null` where the metric is undefined, or a class has a single row
   * @throws PerdureError as {@link metrics}, and `ConfigInvalid` where the task has no such metric
   */
  standardError(metric: MetricName, labels: TaskLabels, output: ModelOutput, threshold: number): number | null;

  /**
   * Where each metric lies with a confidence of 95%, by the chance that drew these rows; see {@link bootstrapIntervals}.
   * @param options.seed of the bootstrap, 0 to 2^32 - 1
   * @throws PerdureError as {@link metrics}
   */
  intervals(
    labels: TaskLabels,
    output: ModelOutput,
    threshold: number,
    options: { seed: number; signal: AbortSignal; draws?: number },
  ): Promise<NonNullable<TaskMetrics['intervals']>>;

  /**
   * A score of a fold, greater is better, with what is needed to say how certain its difference from another model's is.
   * Scorings that need a decision take it at .5, or at the most probable class.
   * @throws PerdureError `InputInvalid` where the rows leave it undefined, `ConfigInvalid` where the task has no such scoring
   */
  foldScore(scoring: ScoringName, labels: TaskLabels, output: ModelOutput): FoldScore;

  /**
   * Whether two models that predicted the same rows differ in a metric.
   * @param options.alpha one minus the confidence of the interval
   * @param options.seed of the bootstrap, 0 to 2^32 - 1
   * @param options.thresholds of each model, as in {@link metrics}. @default .5
   * @returns `null` where the metric, or its sampling variance, is undefined for these rows
   * @throws PerdureError `InputInvalid` where the outputs are not of the same rows, `ConfigInvalid` where the task has no such metric
   */
  compare(
    metric: MetricName,
    labels: TaskLabels,
    a: ModelOutput,
    b: ModelOutput,
    options: { alpha: number; seed: number; thresholds?: [number, number] },
  ): MetricComparison | null;
}

/** The task of a pipeline. */
export function taskOf(spec: TaskSpec): Task {
  const kind = kindOf(spec);
  return {
    width: kind.width,
    decidesByThreshold: kind.decidesByThreshold,
    metricNames: kind.metricNames,
    scorings: kind.scorings,
    defaultScoring: kind.defaultScoring,
    predictionColumns: (output, threshold) => kind.predictionColumns(output, threshold),
    isSound: (row) => kind.isSound(row),
    rowErrors: (labels, output, threshold) => kind.rowErrors(labels, output, threshold),
    errorScale: (baseline) => kind.errorScale(baseline),
    estimation: kind.estimation,
    metrics(labels, output, threshold) {
      checkRows(kind, labels, output);
      const { measure, confusionMatrix } = kind.measuresOf(labels, output, threshold);
      const values = Object.fromEntries(kind.metricNames.map((metric) => [metric, measure(metric).value()])) as Partial<
        Record<MetricName, number | null>
      >;
      return {
        ...values,
        ...(confusionMatrix ? { confusion_matrix: confusionMatrix() } : {}),
        ...(kind.decidesByThreshold ? { threshold } : {}),
        n: labels.length,
      };
    },
    metric(metric, labels, output, threshold) {
      checkMetric(kind, metric);
      checkRows(kind, labels, output);
      return kind.measuresOf(labels, output, threshold).measure(metric).value();
    },
    curves(labels, output) {
      checkRows(kind, labels, output);
      return kind.curves(labels, output);
    },
    standardError(metric, labels, output, threshold) {
      checkMetric(kind, metric);
      checkRows(kind, labels, output);
      const measure = kind.measuresOf(labels, output, threshold).measure(metric);
      return measure.value() === null ? null : standardErrorOf(measure, strataOf(labels, kind.classes?.length ?? null));
    },
    intervals(labels, output, threshold, options) {
      checkRows(kind, labels, output);
      const { measure } = kind.measuresOf(labels, output, threshold);
      return bootstrapIntervals(
        new Map(kind.metricNames.map((metric) => [metric, measure(metric)])),
        labels.length,
        options,
      );
    },
    foldScore(scoring, labels, output) {
      const metric = metricOf(kind, scoring);
      checkRows(kind, labels, output);
      const measure = kind.measuresOf(labels, output, SCORING_THRESHOLD).measure(metric);
      const value = measure.value();
      if (value === null) throw new PerdureError('InputInvalid', undefinedScore(kind, scoring, labels));
      return foldScoreOf(value, measure, directionOf(metric), strataOf(labels, kind.classes?.length ?? null));
    },
    compare(metric, labels, a, b, { alpha, seed, thresholds = [SCORING_THRESHOLD, SCORING_THRESHOLD] }) {
      checkMetric(kind, metric);
      for (const output of [a, b]) checkRows(kind, labels, output);
      const exactly = kind.compareExactly?.(metric, labels, a, b, alpha);
      if (exactly !== undefined) return exactly === null ? null : { metric, ...exactly };
      const [ofA, ofB] = [a, b].map((output, i) => kind.measuresOf(labels, output, thresholds[i]!).measure(metric));
      const drawn = pairedBootstrap(ofA!, ofB!, labels.length, { alpha, seed });
      return drawn === null ? null : { metric, ...drawn, method: 'bootstrap' };
    },
  };
}

/** A line per kind of task. */
export function kindOf(spec: TaskSpec): Kind {
  switch (spec.task) {
    case 'binary':
      return binaryTask(spec);
    case 'multiclass':
      return multiclassTask(spec);
    case 'regression':
      return regressionTask(spec);
  }
}

/** The metric behind a scoring of a task. */
function metricOf(kind: Kind, scoring: ScoringName): MetricName {
  const metric = (SCORERS[kind.name] as Partial<Record<ScoringName, MetricName>>)[scoring];
  if (metric === undefined)
    throw new PerdureError(
      'ConfigInvalid',
      `A ${kind.name} task has no scoring ${scoring}; it has ${kind.scorings.join(', ')}.`,
    );
  return metric;
}

function checkMetric(kind: Kind, metric: MetricName): void {
  if (!kind.metricNames.includes(metric))
    throw new PerdureError(
      'ConfigInvalid',
      `A ${kind.name} task has no metric ${metric}; it has ${kind.metricNames.join(', ')}.`,
    );
}

function undefinedScore(kind: Kind, scoring: ScoringName, labels: TaskLabels): string {
  if (scoring === 'neg_mean_poisson_deviance') {
    return `The ${scoring} of ${countOf(labels.length, 'row')} is undefined, as a label is below 0 or a prediction is not above 0; use labels that are counts and estimators with the objective poisson, or another scoring.`;
  }
  if (kind.classes === null)
    return `The ${scoring} of ${countOf(labels.length, 'row')} with one value is undefined; use fewer folds or a split with more values.`;
  return `The ${scoring} of ${countOf(labels.length, 'row')} of one class is undefined; use fewer folds or a split with more classes.`;
}

/** What is measured must be of these rows and be numbers: a number that was never computed would count as some. */
function checkRows(kind: Kind, labels: TaskLabels, { values, width }: ModelOutput): void {
  if (width !== kind.width || values.length !== labels.length * width) {
    throw new PerdureError(
      'InputInvalid',
      `${countOf(labels.length, 'label')} of a ${kind.name} task need ${labels.length} x ${kind.width} numbers of a model, and there are ${values.length / width} x ${width}; score the same rows.`,
    );
  }
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    if (kind.classes === null ? !Number.isFinite(label) : !isPosition(label, kind.classes.length)) {
      throw new PerdureError(
        'InputInvalid',
        `Row ${row} has the label ${label}, which is ${kind.classes === null ? 'no number' : `no position among its classes`}; leave unlabelled rows out.`,
      );
    }
  }
  for (let at = 0; at < values.length; at++) {
    if (Number.isFinite(values[at])) continue;
    const row = Math.floor(at / width);
    throw new PerdureError(
      'InputInvalid',
      `Row ${row} has the prediction ${values[at]}, of which nothing can be measured, as of a model whose fit has diverged; lower its learning rate, or have the transforms scale its columns.`,
    );
  }
}

function isPosition(label: number, classes: number): boolean {
  return Number.isInteger(label) && label >= 0 && label < classes;
}
