import type { FoldScore, Scoring } from './engines/pool.js';
import { SCORING_THRESHOLD, isPositive, rowsFromHighest, score, tiesFromHighest, type Labels, type Probabilities } from './metrics.js';

type Decision = Exclude<Scoring, 'roc_auc' | 'average_precision'>;

/** Groups that the rows of a fold are dealt to. More would make the noise of a difference no clearer, and results larger. */
const GROUPS = 100;

/**
 * A score, and what is needed to say how certain its difference from another candidate's is.
 * @throws PerdureError `InputInvalid` where the labels' one class leaves it undefined
 */
export function foldScore(scoring: Scoring, labels: Labels, probabilities: Probabilities): FoldScore {
  return {
    score: score(scoring, labels, probabilities),
    influence: groupInfluence(scoring, labels, probabilities),
    step: stepOfOneRow(scoring, labels, probabilities),
  };
}

/**
 * What a row of a fold adds to or takes from a score: the first-order effect, a row, of one more row like it, as a share
 * of its class. With the classes' sizes fixed, as stratified folds have them, the sampling variance of a score is the sum
 * over both classes of the variance of these values divided by the class's rows; of the difference of two candidates on
 * the same rows it is the same of the values' differences. For ROC AUC these are DeLong's structural components.
 *
 * @param labels 0 or 1 a row
 * @param probabilities probability of the positive class a row, aligned with the labels
 */
export function rowInfluence(scoring: Scoring, labels: Labels, probabilities: Probabilities): Float64Array {
  switch (scoring) {
    case 'roc_auc':
      return aucInfluence(labels, probabilities);
    case 'average_precision':
      return averagePrecisionInfluence(labels, probabilities);
    default:
      return decisionInfluence(scoring, labels, probabilities);
  }
}

/**
 * The part that each of some groups of rows has in the deviation of a score from its expected value. They add up to 0,
 * and the sum of the squares of two candidates' differences estimates the variance of the difference of their scores.
 * Rows of each class are dealt in turn, so that the groups are alike.
 *
 * @returns {@link GROUPS} numbers, fewer where there are fewer rows
 */
export function groupInfluence(scoring: Scoring, labels: Labels, probabilities: Probabilities): number[] {
  const influence = rowInfluence(scoring, labels, probabilities);
  const groups = new Array<number>(Math.min(GROUPS, labels.length)).fill(0);
  let dealt = 0;
  for (const positive of [true, false]) {
    const rows = Array.from(influence.keys()).filter((row) => (labels[row] === 1) === positive);
    const mean = rows.reduce((sum, row) => sum + influence[row]!, 0) / rows.length;
    for (const row of rows) groups[dealt++ % groups.length]! += (influence[row]! - mean) / rows.length;
  }
  return groups;
}

function aucInfluence(labels: Labels, probabilities: Probabilities): Float64Array {
  const { positives, negatives } = classSizes(labels);
  const influence = new Float64Array(labels.length);
  let above = { positives: 0, negatives: 0 };
  for (const tie of tiesFromHighest(labels, probabilities)) {
    const tied = { positives: tie.positives, negatives: tie.rows.length - tie.positives };
    for (const row of tie.rows) {
      influence[row] =
        labels[row] === 1
          ? 1 - (above.negatives + tied.negatives / 2) / negatives
          : (above.positives + tied.positives / 2) / positives;
    }
    above = { positives: above.positives + tied.positives, negatives: above.negatives + tied.negatives };
  }
  return influence;
}

/**
 * AP is the mean over the positive rows of the precision at their probability, TP / (TP + FP). One more row moves the
 * precision at its own probability and at every lower one; a positive row has its own precision besides.
 */
function averagePrecisionInfluence(labels: Labels, probabilities: Probabilities): Float64Array {
  const { positives, negatives } = classSizes(labels);
  const order = rowsFromHighest(probabilities);
  const influence = new Float64Array(labels.length);
  let tp = positives;
  let fp = negatives;
  let byPositive = 0;
  let byNegative = 0;
  // From the lowest probability up, a tie at a time.
  for (let end = order.length; end > 0; ) {
    const start = startOfTie(order, probabilities, end);
    const tied = order.subarray(start, end);
    const tiedPositives = tied.reduce((sum, row) => sum + (labels[row] === 1 ? 1 : 0), 0);
    const ranked = tp + fp;
    byPositive += (tiedPositives * fp) / ranked ** 2;
    byNegative -= (tiedPositives * negatives * tp) / (positives * ranked ** 2);
    for (const row of tied) influence[row] = labels[row] === 1 ? tp / ranked + byPositive : byNegative;
    tp -= tiedPositives;
    fp -= tied.length - tiedPositives;
    end = start;
  }
  return influence;
}

function startOfTie(order: Uint32Array, probabilities: Probabilities, end: number): number {
  const probability = probabilities[order[end - 1]!];
  let start = end - 1;
  while (start > 0 && probabilities[order[start - 1]!] === probability) start--;
  return start;
}

/** Of scorings that only ask on which side of the threshold a row lies: what it is worth there, by class. */
function decisionInfluence(scoring: Decision, labels: Labels, probabilities: Probabilities): Float64Array {
  const { positives, negatives } = classSizes(labels);
  const { ofPositive, ofNegative } = decisionSteps(scoring, labels, probabilities);
  return Float64Array.from({ length: labels.length }, (_, row) => {
    if (!isPositive(probabilities[row]!, SCORING_THRESHOLD)) return 0;
    return labels[row] === 1 ? positives * ofPositive : negatives * ofNegative;
  });
}

/** By how much one more row over the threshold moves a score, a class of row. */
function decisionSteps(scoring: Decision, labels: Labels, probabilities: Probabilities): { ofPositive: number; ofNegative: number } {
  const { positives, negatives } = classSizes(labels);
  if (scoring === 'accuracy') return { ofPositive: 1 / labels.length, ofNegative: -1 / labels.length };
  if (scoring === 'balanced_accuracy') return { ofPositive: 1 / (2 * positives), ofNegative: -1 / (2 * negatives) };
  let tp = 0;
  let fp = 0;
  for (let row = 0; row < labels.length; row++) {
    if (!isPositive(probabilities[row]!, SCORING_THRESHOLD)) continue;
    if (labels[row] === 1) tp++;
    else fp++;
  }
  // The derivatives of 2 tp / (positives + tp + fp).
  const denominator = positives + tp + fp;
  return { ofPositive: (2 * (positives + fp)) / denominator ** 2, ofNegative: (-2 * tp) / denominator ** 2 };
}

/**
 * The larger of the two steps in which a score moves by one row, 0 for scorings that move with every change of order.
 * Two candidates that decide alike on every row of a fold show no variance, and yet may differ on the next fold.
 */
function stepOfOneRow(scoring: Scoring, labels: Labels, probabilities: Probabilities): number {
  if (scoring === 'roc_auc' || scoring === 'average_precision') return 0;
  const { ofPositive, ofNegative } = decisionSteps(scoring, labels, probabilities);
  return Math.max(ofPositive, -ofNegative);
}

function classSizes(labels: Labels): { positives: number; negatives: number } {
  let positives = 0;
  for (let row = 0; row < labels.length; row++) if (labels[row] === 1) positives++;
  return { positives, negatives: labels.length - positives };
}
