import type { MetricComparison, MetricName, ScoringName, TaskMetrics, TaskName } from '../../contracts/index.js';
import type { Curves } from '../metrics/curves.js';
import type { Measure } from '../metrics/measure.js';
import type { ModelOutput } from '../modelOutput.js';

/** Labels of rows: a position in the task's classes, or a regression's value; never null. */
export type TaskLabels = ArrayLike<number>;

/** A column of a predictions file. */
export type PredictionColumn =
  | { name: string; type: 'DOUBLE'; values: Float64Array }
  | { name: string; type: 'TINYINT'; values: Int8Array }
  | { name: string; type: 'VARCHAR'; values: string[] };

/** What is known of a model's performance from its probabilities alone. */
export interface Estimation {
  /** The class that each number of a model's output is the probability of. */
  classes: readonly number[];
  /** The metrics, by the names that they have where they are measured. */
  metrics: Record<'rocAuc' | 'accuracy' | 'f1', MetricName>;
  /** The class that is decided for, per row. */
  decide: (output: ModelOutput, threshold: number) => ArrayLike<number>;
}

/** What a kind of task has of its own; `taskOf` makes a `Task` of it. */
export interface Kind {
  name: TaskName;
  /** Numbers that a model says per row, as {@link ModelOutput} has them. */
  width: number;
  /** `null` where labels are values. */
  classes: readonly string[] | null;
  /** Whether a row's class is decided by a threshold of its probability. */
  decidesByThreshold: boolean;
  /** In the order in which they are shown. */
  metricNames: readonly MetricName[];
  /** What a search may maximise. */
  scorings: readonly ScoringName[];
  defaultScoring: ScoringName;
  /** The metrics, each made ready when asked for; of classifications also the confusion matrix. */
  measuresOf(
    labels: TaskLabels,
    output: ModelOutput,
    threshold: number,
  ): { measure: (metric: MetricName) => Measure; confusionMatrix?: () => number[][] };
  /** The comparison by a metric whose sampling distribution is known; `undefined` for the others. */
  compareExactly?(
    metric: MetricName,
    labels: TaskLabels,
    a: ModelOutput,
    b: ModelOutput,
    alpha: number,
  ): Omit<MetricComparison, 'metric'> | null | undefined;
  /** How wrong each row is: 1 for a wrong class and 0 for the right one, or the absolute error of a value. */
  rowErrors(labels: TaskLabels, output: ModelOutput, threshold: number): Float64Array;
  /** What is a large error of one row, by the metrics on other rows: `null` where they don't tell. */
  errorScale(baseline: TaskMetrics | undefined): number | null;
  /** What a report draws of a model's output on labelled rows. */
  curves(labels: TaskLabels, output: ModelOutput): Curves;
  /** `null` where a model says no probabilities. */
  estimation: Estimation | null;
  /** Whether what a model says of one row can be what this task asks for: finite, of probabilities 0 to 1, and those of classes adding up to 1. */
  isSound(row: Float64Array): boolean;
  /** What a predictions file has per row beside the keys. */
  predictionColumns(output: ModelOutput, threshold: number): PredictionColumn[];
}
