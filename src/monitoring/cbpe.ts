import type { EstimatedMetric, EstimatedPerformance, MetricName, TaskMetrics, TaskSpec } from '../contracts/index.js';
import { calibrated, fitCurves } from '../ml/calibrator.js';
import { rank, rankStatistics } from '../ml/metrics/ranking.js';
import { columnOf, type ModelOutput } from '../ml/modelOutput.js';
import { stratifiedShuffleSplits } from '../ml/stratifiedShuffleSplit.js';
import { taskOf } from '../ml/tasks/task.js';
import type { Estimation } from '../ml/tasks/kind.js';
import { dropFrom, exceedsLimit, type PerformanceSettings } from './performance.js';

/** The rule behind `estimated`, to be named beside it. */
export const ESTIMATE_CONVENTION =
  "estimated: CBPE as NannyML has it, from the model's probabilities alone: each row counts as positive by its probability, and as negative by the rest. Where it lowers the expected calibration error (10 bins of equally many rows, over 10 draws of a tenth of the held-out rows of the training) probabilities are first made so by isotonic regression on those rows. sampling_error: one standard error by NannyML's components of the same rows. Of several classes ROC AUC and F1 are means over the classes. It holds while the relation of features and label stays; concept drift is not seen by it. estimate.breached: as for performance, by a one-sided normal test with the sampling errors of both";

/** How it is looked at whether calibrating helps: by rows that are left out, as NannyML draws them. */
const TRIALS = { splits: 10, testShare: 0.1, seed: 42 };
/** Bins of the expected calibration error. */
const BINS = 10;
/** Held-out rows below which nothing can be said of it. */
const LEAST_ROWS = 20;
/** A model that ranks better than this has probabilities that are as good as certain. */
const NEARLY_PERFECT = 0.999;
/** By experiments of NannyML's the errors of several classes add up to this much more. */
const SEVERAL_CLASSES = 1.2;

/** Of one class that a model says a probability of. */
interface ClassReference {
  /** `undefined` where the probabilities are best left as they are. */
  curves: ReturnType<typeof fitCurves> | undefined;
  /** Variance per row, and the share of the rows that count; see `standardError`. */
  rocAuc: Component;
  f1: Component;
}
interface Component {
  variance: number;
  share: number;
}

/**
 * Estimates how well a model does on rows without labels: confidence-based performance estimation (CBPE), as NannyML
 * defines it.
 */
export class PerformanceEstimator {
  private readonly classes: ClassReference[];
  private readonly accuracyDeviation: number;

  private constructor(
    private readonly estimation: Estimation,
    private readonly threshold: number,
    labels: ArrayLike<number>,
    output: ModelOutput,
  ) {
    const decisions = estimation.decide(output, threshold);
    const several = estimation.classes.length > 1;
    this.classes = estimation.classes.map((of, column) => {
      const isOf = Uint8Array.from(labels, (label) => Number(label === of));
      const decided = Uint8Array.from(decisions, (decision) => Number(decision === of));
      const scores = columnOf(output, column);
      return {
        curves: needsCalibration(isOf, scores) ? isotonic(isOf, scores) : undefined,
        rocAuc: rocAucComponent(isOf, scores),
        f1: f1Component(isOf, decided, { isWeighted: !several }),
      };
    });
    const wrong = mean(Array.from(labels, (label, row) => Number(label !== decisions[row])));
    this.accuracyDeviation = Math.sqrt(wrong * (1 - wrong));
  }

  /**
   * Learns from held-out rows whose labels are known.
   * @returns `undefined` for a task without probabilities
   */
  static of(
    task: TaskSpec,
    labels: ArrayLike<number>,
    output: ModelOutput,
    threshold: number,
  ): PerformanceEstimator | undefined {
    const { estimation } = taskOf(task);
    return estimation && labels.length > 0
      ? new PerformanceEstimator(estimation, threshold, labels, output)
      : undefined;
  }

  /** The metrics that are estimated, by the names that they have where they are measured. */
  get metrics(): MetricName[] {
    return Object.values(this.estimation.metrics);
  }

  /** Whether the probabilities of each class are calibrated first. */
  get calibrated(): boolean[] {
    return this.classes.map(({ curves }) => curves !== undefined);
  }

  /** The metrics of rows by what the model says of them; one that is undefined, as of no rows, is left out. */
  estimate(output: ModelOutput): Partial<Record<MetricName, EstimatedMetric>> {
    const { classes, metrics, decide } = this.estimation;
    const rows = output.values.length / output.width;
    if (rows === 0) return {};
    const several = classes.length > 1;
    const probabilities = this.probabilities(output, rows);
    const decisions = decide(output, this.threshold);

    let right = 0;
    for (let row = 0; row < rows; row++) {
      const column = classes.indexOf(decisions[row]!);
      right += column === -1 ? 1 - probabilities[0]![row]! : probabilities[column]![row]!;
    }
    const rocAucs = classes.map((_, column) => estimatedRocAuc(columnOf(output, column), probabilities[column]!));
    const f1s = classes.map((of, column) => estimatedF1(decisions, of, probabilities[column]!));

    const found: [MetricName, number | null, number | null][] = [
      [
        metrics.rocAuc,
        rocAucs.includes(null) ? null : mean(rocAucs as number[]),
        scaled(
          standardError(
            this.classes.map(({ rocAuc }) => rocAuc),
            rows,
          ),
          several ? SEVERAL_CLASSES : 1,
        ),
      ],
      [metrics.accuracy, right / rows, this.accuracyDeviation / Math.sqrt(rows)],
      [
        metrics.f1,
        mean(f1s),
        standardError(
          this.classes.map(({ f1 }) => f1),
          rows,
        ),
      ],
    ];
    return Object.fromEntries(
      found.flatMap(([metric, value, sampling_error]) => (value === null ? [] : [[metric, { value, sampling_error }]])),
    );
  }

  /** Calibrated probabilities, a column a class; of several they add up to 1 in each row. */
  private probabilities(output: ModelOutput, rows: number): Float64Array[] {
    const columns = this.classes.map(
      ({ curves }, column) => calibrated(curves, { values: columnOf(output, column), width: 1 }).values,
    );
    if (columns.length === 1) return columns;
    for (let row = 0; row < rows; row++) {
      const all = columns.reduce((sum, column) => sum + column[row]!, 0);
      for (const column of columns) column[row] = all === 0 ? 1 / columns.length : column[row]! / all;
    }
    return columns;
  }
}

/** An estimate against what was measured at training; `null` where the metric is undefined for either. */
export function assessEstimate(
  baseline: TaskMetrics,
  estimated: Partial<Record<MetricName, EstimatedMetric>>,
  metric: MetricName,
  rows: number,
  settings: PerformanceSettings,
): Omit<EstimatedPerformance, 'from' | 'to'> | null {
  const [before, now] = [baseline[metric] ?? null, estimated[metric]];
  if (before === null || !now || now.sampling_error === null) return null;
  const error = now.sampling_error * Math.sqrt(1 + rows / baseline.n);
  const { drop, p_value } = dropFrom(metric, before, now.value, error);
  const breached = exceedsLimit({ baseline, drop, metric }, settings) && p_value < settings.alpha;
  return { rows, metric, ...now, sampling_error: now.sampling_error, baseline: before, drop, p_value, breached };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function scaled(value: number | null, by: number): number | null {
  return value === null ? null : value * by;
}

/** Of the mean over the classes, each of whose variances is per row that counts; `null` where none counts. */
function standardError(components: Component[], rows: number): number | null {
  if (components.some(({ share }) => share === 0)) return null;
  const variance = components.reduce((sum, { variance, share }) => sum + variance / (rows * share), 0);
  return Math.sqrt(variance) / components.length;
}

/** The area below the curve of the expected true and false positives. */
function estimatedRocAuc(scores: Float64Array, probabilities: Float64Array): number | null {
  const { order, ends } = rank(scores, () => false);
  let [positives, negatives, area, at] = [0, 0, 0, 0];
  for (const end of ends) {
    let [tp, fp] = [0, 0];
    for (; at < end; at++) {
      tp += probabilities[order[at]!]!;
      fp += 1 - probabilities[order[at]!]!;
    }
    area += fp * (positives + tp / 2);
    positives += tp;
    negatives += fp;
  }
  return positives > 0 && negatives > 0 ? area / (positives * negatives) : null;
}

function estimatedF1(decisions: ArrayLike<number>, of: number, probabilities: Float64Array): number {
  let [tp, fp, fn] = [0, 0, 0];
  for (let row = 0; row < decisions.length; row++) {
    const probability = probabilities[row]!;
    if (decisions[row] === of) {
      tp += probability;
      fp += 1 - probability;
    } else fn += probability;
  }
  const all = tp + (fp + fn) / 2;
  return all === 0 ? 0 : tp / all;
}

/** Of the rows of the rarer class: the variance of the share of the others that each is told from. */
function rocAucComponent(isOf: Uint8Array, scores: Float64Array): Component {
  const share = mean(isOf);
  const isRarer = (row: number) => (isOf[row] === 1) === share <= 0.5;
  const { order, positive, ends, positives } = rank(scores, isRarer);
  const others = order.length - positives;
  if (positives === 0 || others === 0) return { variance: 0, share: 0 };
  const shares: number[] = [];
  let [above, start] = [0, 0];
  for (const end of ends) {
    let tied = 0;
    for (let at = start; at < end; at++) tied += 1 - positive[at]!;
    for (let at = start; at < end; at++) if (positive[at] === 1) shares.push((above + tied / 2) / others);
    above += tied;
    start = end;
  }
  return { variance: varianceOf(shares), share: positives / order.length };
}

/** Of the rows that F1 counts, which are 1 where they are found and 0 where not. */
function f1Component(isOf: Uint8Array, decided: Uint8Array, { isWeighted }: { isWeighted: boolean }): Component {
  let [tp, wrong] = [0, 0];
  for (let row = 0; row < isOf.length; row++) {
    if (isOf[row] === 1 && decided[row] === 1) tp++;
    else if (isOf[row] === 1 || decided[row] === 1) wrong++;
  }
  const counting = tp + wrong;
  if (counting === 0) return { variance: 0, share: 0 };
  const found = tp / counting;
  const weight = isWeighted ? counting / (tp + wrong / 2) : 1;
  return { variance: found * (1 - found) * weight ** 2, share: counting / isOf.length };
}

function varianceOf(values: number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length;
}

function isotonic(isOf: ArrayLike<number>, scores: Float64Array): ReturnType<typeof fitCurves> {
  return fitCurves('isotonic', isOf, { values: scores, width: 1 });
}

/** Whether isotonic regression brings scores nearer to probabilities, on rows that it was not fitted on. */
function needsCalibration(isOf: Uint8Array, scores: Float64Array): boolean {
  const positives = isOf.reduce((sum, value) => sum + value, 0);
  const rarer = Math.min(positives, isOf.length - positives);
  if (rarer < 2 || isOf.length < LEAST_ROWS) return false;
  const { roc_auc } = rankStatistics(rank(scores, (row) => isOf[row] === 1));
  if (roc_auc! > NEARLY_PERFECT) return false;
  const tried = stratifiedShuffleSplits(isOf, TRIALS).map(({ train, test }) => {
    const of = (rows: Uint32Array) => Float64Array.from(rows, (row) => scores[row]!);
    const fit = isotonic(
      train.map((row) => isOf[row]!),
      of(train),
    );
    return {
      isOf: test.map((row) => isOf[row]!),
      scores: of(test),
      after: calibrated(fit, { values: of(test), width: 1 }).values,
    };
  });
  const left = tried.flatMap(({ isOf }) => Array.from(isOf));
  const before = tried.flatMap(({ scores }) => Array.from(scores));
  const after = tried.flatMap(({ after }) => Array.from(after));
  return calibrationError(left, before) > calibrationError(left, after);
}

/** Expected calibration error over bins of equally many rows. */
function calibrationError(isOf: number[], probabilities: number[]): number {
  const order = Uint32Array.from({ length: isOf.length }, (_, row) => row).sort(
    (a, b) => probabilities[a]! - probabilities[b]!,
  );
  const width = Math.floor(order.length / BINS);
  let error = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const rows = order.subarray(bin * width, bin === BINS - 1 ? order.length : (bin + 1) * width);
    const [said, been] = [
      mean(Float64Array.from(rows, (row) => probabilities[row]!)),
      mean(rows.map((row) => isOf[row]!)),
    ];
    error += (rows.length / order.length) * Math.abs(said - been);
  }
  return error;
}
