import { PerdureError } from '../../errors.js';
import type { AucComparison, MetricComparison } from '../../contracts/index.js';
import { normalQuantile, twoSidedP } from '../normal.js';
import { countOf } from '../../contracts/counts.js';

/** The convention behind every result shown, to be named beside it. */
export const DELONG_CONVENTION =
  'DeLong test of two correlated ROC AUCs: mid-ranks for ties, covariances with ddof 1, z = (first - second) / its standard error, two-sided p of the normal distribution';

/**
 * Whether two models that scored the same rows differ in ROC AUC: the test of DeLong, DeLong and Clarke-Pearson (1988)
 * by the mid-ranks of Sun and Xu (2014, IEEE Signal Processing Letters 21), in O(n log n).
 *
 * Where the AUCs differ without any variance (one model ranks all rows right, the other all wrong) z is `null`, for
 * infinite, and p is 0; where they don't differ at all z is 0 and p is 1.
 *
 * @param labels 0 or 1 a row
 * @param first probability of the positive class a row, aligned with the labels
 * @param second the other model's, aligned too
 * @returns `null` where either class has fewer than two rows: its variance is undefined
 * @throws PerdureError `InputInvalid` where the lengths differ, or a probability is not a number
 */
export function delongTest(
  labels: ArrayLike<number>,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
): AucComparison | null {
  checkAligned(labels, first, second);
  const a = placements(labels, first);
  const b = placements(labels, second);
  const positives = a.positives.length;
  const negatives = a.negatives.length;
  if (positives < 2 || negatives < 2) return null;

  const covarianceOf = (x: Placements, y: Placements) =>
    covariance(x.positives, y.positives) / positives + covariance(x.negatives, y.negatives) / negatives;
  // The variance of the difference comes from the differences themselves: exactly 0 for equal rankings.
  const apart = { positives: minus(a.positives, b.positives), negatives: minus(a.negatives, b.negatives) };
  const difference = mean(apart.positives);
  const standardError = Math.sqrt(covarianceOf(apart, apart));
  const z = difference === 0 ? 0 : difference / standardError;
  return {
    auc: [mean(a.positives), mean(b.positives)],
    variance: [covarianceOf(a, a), covarianceOf(b, b)],
    covariance: covarianceOf(a, b),
    difference,
    standard_error: standardError,
    z: Number.isFinite(z) ? z : null,
    p: twoSidedP(z),
    positives,
    negatives,
  };
}

/**
 * {@link delongTest} with the interval of the difference by the same normal distribution.
 * @param alpha one minus the confidence of the interval
 */
export function delongComparison(
  labels: ArrayLike<number>,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  alpha: number,
): Omit<MetricComparison, 'metric'> | null {
  const compared = delongTest(labels, first, second);
  if (compared === null) return null;
  const { auc, difference, p, standard_error } = compared;
  const margin = normalQuantile(alpha / 2) * standard_error;
  return {
    a: auc[0],
    b: auc[1],
    difference,
    p,
    interval: [difference - margin, difference + margin],
    method: 'delong',
  };
}

/**
 * The structural components of an AUC, in row order: a positive row's is the share of negatives that it outranks, a
 * negative row's the share of positives that outrank it; a tie counts half. The mean of either is the AUC.
 */
interface Placements {
  positives: Float64Array;
  negatives: Float64Array;
}

/** Sun and Xu's difference of a row's mid-ranks among all rows and among its own class: its mid-rank in the other class. */
function placements(labels: ArrayLike<number>, scores: ArrayLike<number>): Placements {
  const all = Float64Array.from(scores);
  const positives = all.filter((_, row) => labels[row] === 1);
  const negatives = all.filter((_, row) => labels[row] !== 1);
  const sortedPositives = positives.slice().sort();
  const sortedNegatives = negatives.slice().sort();
  return {
    positives: positives.map((score) => midRank(sortedNegatives, score) / negatives.length),
    negatives: negatives.map((score) => 1 - midRank(sortedPositives, score) / positives.length),
  };
}

/** How many of the sorted values lie below a score, and half of those equal to it. */
function midRank(sorted: Float64Array, score: number): number {
  return (countWhile(sorted, (value) => value < score) + countWhile(sorted, (value) => value <= score)) / 2;
}

/** How many values a condition holds for that holds for the first ones only, by bisection. */
function countWhile(sorted: Float64Array, holds: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(sorted[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** With ddof 1. */
function covariance(x: Float64Array, y: Float64Array): number {
  const meanX = mean(x);
  const meanY = mean(y);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - meanX) * (y[i]! - meanY);
  return sum / (x.length - 1);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function minus(x: Float64Array, y: Float64Array): Float64Array {
  return x.map((value, i) => value - y[i]!);
}

function checkAligned(labels: ArrayLike<number>, first: ArrayLike<number>, second: ArrayLike<number>): void {
  if (first.length !== labels.length || second.length !== labels.length) {
    throw new PerdureError(
      'InputInvalid',
      `Two models are compared on the same rows, but there are ${countOf(labels.length, 'label')} and probabilities of ${first.length} and ${countOf(second.length, 'row')}; score the same rows with both.`,
    );
  }
  for (let row = 0; row < labels.length; row++) {
    if (Number.isNaN(first[row]) || Number.isNaN(second[row])) {
      throw new PerdureError(
        'InputInvalid',
        `Row ${row} has no probability of one of the models; score it, or leave it out of both.`,
      );
    }
  }
}
