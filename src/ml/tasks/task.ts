import type { MetricComparison, MetricName, ScoringName, TaskMetrics, TaskSpec } from '../../contracts/index.js';
import { binaryTask } from './binary.js';
import { PerdureError } from '../../errors.js';
import type { FoldScore } from '../engines/pool.js';
import type { ModelOutput } from '../modelOutput.js';

/** Labels of rows: a position in the task's classes, or a regression's value; never null. */
export type TaskLabels = ArrayLike<number>;

/** A column of a predictions file. */
export type PredictionColumn =
  | { name: string; type: 'DOUBLE'; values: Float64Array }
  | { name: string; type: 'TINYINT'; values: Int8Array }
  | { name: string; type: 'VARCHAR'; values: string[] };

/** What differs between predicting yes or no, one of several classes, and a number. */
export interface Task {
  /** Numbers that a model says per row, as {@link ModelOutput} has them. */
  width: number;
  /** Those of {@link metrics}, in the order in which they are shown. */
  metricNames: readonly MetricName[];
  /** What a search may maximise. */
  scorings: readonly ScoringName[];
  defaultScoring: ScoringName;

  /**
   * @param output aligned with the labels
   * @param threshold probability from which a row counts as positive; of binary tasks alone
   * @throws PerdureError `InputInvalid` where the output is not of these rows or of this task
   */
  metrics(labels: TaskLabels, output: ModelOutput, threshold: number): TaskMetrics;

  /**
   * A score of a fold, greater is better, with what is needed to say how certain its difference from another model's is.
   * Scorings that need a decision take it at .5, or at the most probable class.
   * @throws PerdureError `InputInvalid` where the rows leave it undefined, or the task has no such scoring
   */
  foldScore(scoring: ScoringName, labels: TaskLabels, output: ModelOutput): FoldScore;

  /**
   * Whether two models that predicted the same rows differ in a metric.
   * @param options.alpha one minus the confidence of the interval
   * @param options.seed of the bootstrap, 0 to 2^32 - 1
   * @param options.threshold as in {@link metrics}. @default .5
   * @returns `null` where the metric, or its sampling variance, is undefined for these rows
   * @throws PerdureError `InputInvalid` where the outputs are not of the same rows, or the task has no such metric
   */
  compare(
    metric: MetricName,
    labels: TaskLabels,
    a: ModelOutput,
    b: ModelOutput,
    options: { alpha: number; seed: number; threshold?: number },
  ): MetricComparison | null;

  /** What a predictions file has per row beside the keys. */
  predictionColumns(output: ModelOutput, threshold: number): PredictionColumn[];
}

const TASKS = {
  binary: binaryTask,
};

/** The task of a pipeline. */
export function taskOf(spec: TaskSpec): Task {
  if (spec.task !== 'binary') throw new PerdureError('ConfigInvalid', `The task ${spec.task} can't be trained yet; use binary.`);
  return TASKS[spec.task](spec);
}
