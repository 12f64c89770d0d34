import type { CandidateResult, Selection } from '../contracts/index.js';

/** Standard deviations by which a candidate must be out of reach: a one-sided 2.3%. */
const REACH = 2;
/**
 * The standard deviation to expect of the difference of two candidates on one fold, times the square root of the
 * fold's rows: .0028 at the 14,319 rows of a fold of the reference data, where candidates within .002 of the best show .0010
 * to .0028.
 */
const EXPECTED_NOISE = 1 / 3;

/**
 * The folds in the order they are evaluated. Without racing all at once; with it one, one more, then the rest, with
 * a look after each at who can still win.
 */
export function raceRungs(cvFolds: number, racing: boolean): number[][] {
  const folds = Array.from({ length: cvFolds }, (_, fold) => fold);
  if (!racing) return [folds];
  return [folds.slice(0, 1), folds.slice(1, 2), folds.slice(2)].filter((rung) => rung.length > 0);
}

/**
 * Who stays in a search, best first, and who leads it. With folds outstanding a candidate leaves when its paired
 * differences against the leader say that it can't catch up; see {@link reach}. Equal means go by index, as in
 * scikit-learn's `RandomizedSearchCV`.
 *
 * @param results every candidate with its scores so far, aligned by fold, higher is better; those with `dropped` are out
 * @param cvFolds folds of the whole search: only a candidate with all of them can be the best
 * @param rows rows of the training window
 */
export function selectCandidates(results: CandidateResult[], cvFolds: number, rows: number): Selection {
  const racers = results
    .filter(({ dropped }) => dropped === undefined)
    .map(({ index, params, scores }) => ({ index, params, scores, mean: mean(scores) }))
    .sort((a, b) => b.mean - a.mean || a.index - b.index);
  const leader = racers[0];
  if (!leader) return { survivors: [], best: null };

  const folds = leader.scores.length;
  if (folds === cvFolds) {
    const { index, params, mean } = leader;
    return { survivors: racers.map(({ index }) => index), best: { index, params, cv_score: mean } };
  }
  const differences = racers.slice(1).map(({ scores }) => scores.map((score, fold) => leader.scores[fold]! - score));
  const expected = EXPECTED_NOISE ** 2 / (rows / cvFolds);
  // One fold shows no variance, and a few show it badly: what is seen counts as much as what is expected.
  const variance = folds === 1 || differences.length === 0 ? expected : (expected + pooledVariance(differences)) / 2;
  const within = reach(variance, folds, cvFolds);
  return { survivors: racers.filter((racer) => leader.mean - racer.mean <= within).map(({ index }) => index), best: null };
}

/**
 * How far behind a candidate may be, in the mean of k folds of n, and still win. With independent differences of
 * variance v on each fold, the mean of all n given that of the k has the variance v (n - k) / (n k): v / k for what
 * the k folds know of the rest, v / (n - k) for the rest itself, both times the rest's share ((n - k) / n)^2.
 */
function reach(variance: number, k: number, n: number): number {
  return REACH * Math.sqrt((variance * (n - k)) / (n * k));
}

/** Mean of the sample variances of some series of equal length, at least 2. */
function pooledVariance(series: number[][]): number {
  return mean(series.map((values) => values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1)));
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
