import type { Metrics } from '../contracts/index.js';
import type { Scoring } from './engines/pool.js';
import { PerdureError } from '../errors.js';
import { countOf } from '../contracts/counts.js';

/** Threshold of the scorings that need labels, as scikit-learn's `predict` has it. */
export const SCORING_THRESHOLD = 0.5;

export type Labels = ArrayLike<number>;
export type Probabilities = ArrayLike<number>;

/** Whether a probability counts as positive; a probability on the threshold does, as in scikit-learn's `FixedThresholdClassifier`. */
export function isPositive(probability: number, threshold: number): boolean {
  return probability >= threshold;
}

/**
 * Classification metrics of a binary classifier, as scikit-learn defines them (`zero_division=0`).
 *
 * @param labels 0 or 1 a row
 * @param probabilities probability of the positive class a row, aligned with the labels
 * @param threshold from which a row counts as positive, 0 to 1
 */
export function classificationMetrics(labels: Labels, probabilities: Probabilities, threshold: number): Metrics {
  const [[tn, fp], [fn, tp]] = confusionMatrix(labels, probabilities, threshold);
  return {
    accuracy: (tp + tn) / labels.length,
    precision: ratio(tp, tp + fp),
    recall: ratio(tp, tp + fn),
    f1: ratio(2 * tp, 2 * tp + fp + fn),
    roc_auc: rocAuc(labels, probabilities),
    average_precision: averagePrecision(labels, probabilities),
    confusion_matrix: [[tn, fp], [fn, tp]],
    n: labels.length,
  };
}

/**
 * The figure that a search maximises, in scikit-learn's names; those that need labels take them at .5.
 * @throws PerdureError `InputInvalid` where the labels' one class leaves it undefined
 */
export function score(scoring: Scoring, labels: Labels, probabilities: Probabilities): number {
  const value = scoreOrNull(scoring, labels, probabilities);
  if (value === null) {
    throw new PerdureError('InputInvalid', `The ${scoring} of ${countOf(labels.length, 'row')} of one class is undefined; use fewer folds or a window with both classes.`);
  }
  return value;
}

function scoreOrNull(scoring: Scoring, labels: Labels, probabilities: Probabilities): number | null {
  switch (scoring) {
    case 'roc_auc':
      return rocAuc(labels, probabilities);
    case 'average_precision':
      return averagePrecision(labels, probabilities);
    case 'balanced_accuracy':
      return balancedAccuracy(labels, probabilities, SCORING_THRESHOLD);
    case 'accuracy':
    case 'f1':
      return classificationMetrics(labels, probabilities, SCORING_THRESHOLD)[scoring];
  }
}

/** Rows are actual, columns predicted: [[tn, fp], [fn, tp]]. */
export function confusionMatrix(labels: Labels, probabilities: Probabilities, threshold: number): Metrics['confusion_matrix'] {
  const matrix: Metrics['confusion_matrix'] = [[0, 0], [0, 0]];
  for (let row = 0; row < labels.length; row++) {
    matrix[labels[row] === 1 ? 1 : 0][isPositive(probabilities[row]!, threshold) ? 1 : 0]++;
  }
  return matrix;
}

/** Mean of the recalls of both classes; `null` with one class. */
export function balancedAccuracy(labels: Labels, probabilities: Probabilities, threshold: number): number | null {
  const [[tn, fp], [fn, tp]] = confusionMatrix(labels, probabilities, threshold);
  if (tn + fp === 0 || fn + tp === 0) return null;
  return (tn / (tn + fp) + tp / (tp + fn)) / 2;
}

/** Area under the ROC curve by the Mann-Whitney statistic with mid-ranks for ties; `null` with one class. */
export function rocAuc(labels: Labels, probabilities: Probabilities): number | null {
  let positives = 0;
  let rankSum = 0;
  let ranked = 0;
  for (const tie of tiesFromHighest(labels, probabilities)) {
    const midRank = labels.length - ranked - (tie.rows.length - 1) / 2;
    rankSum += tie.positives * midRank;
    positives += tie.positives;
    ranked += tie.rows.length;
  }
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Step sum of precision over the gains in recall, sum of (R_n - R_(n-1)) P_n; `null` without positives. */
export function averagePrecision(labels: Labels, probabilities: Probabilities): number | null {
  let positives = 0;
  let ranked = 0;
  let sum = 0;
  for (const tie of tiesFromHighest(labels, probabilities)) {
    positives += tie.positives;
    ranked += tie.rows.length;
    sum += tie.positives * (positives / ranked);
  }
  return positives === 0 ? null : sum / positives;
}

/** Rows by falling probability. */
export function rowsFromHighest(probabilities: Probabilities): Uint32Array {
  return Uint32Array.from({ length: probabilities.length }, (_, row) => row).sort((a, b) => probabilities[b]! - probabilities[a]!);
}

/** Groups of rows with one probability, from the highest down. */
export function* tiesFromHighest(labels: Labels, probabilities: Probabilities): Generator<{ rows: Uint32Array; positives: number }> {
  const order = rowsFromHighest(probabilities);
  let start = 0;
  while (start < order.length) {
    const probability = probabilities[order[start]!]!;
    let end = start;
    let positives = 0;
    for (; end < order.length && probabilities[order[end]!] === probability; end++) {
      if (labels[order[end]!] === 1) positives++;
    }
    yield { rows: order.subarray(start, end), positives };
    start = end;
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
