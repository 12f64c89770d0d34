import { MAX_EVALUATIONS, type Selection } from '../contracts/index.js';
import type { FoldScore } from './engines/pool.js';
import { normalQuantile } from './normal.js';
import { mean } from './transforms/statistics.js';

/** How often noise alone may send away, anywhere in a search, a candidate that would have won by more than {@link INDIFFERENCE}. */
const CHANCE = 0.01;
/** A difference of mean scores, in their units, that is worth no fold: who can't win by more leaves as well. */
const INDIFFERENCE = 0.0005;

/** A candidate that races. */
export interface Contender {
  index: number;
  /** What it scored, aligned by fold. */
  folds: FoldScore[];
}

/**
 * The folds in the order they are evaluated. Without racing all at once; with it one after the other, with a look after
 * each at who can still win, and after the first five at growing distances. Many candidates get fewer looks, so that
 * there are no more than {@link MAX_EVALUATIONS}.
 */
export function raceRungs(cvFolds: number, racing: boolean, candidates: number): number[][] {
  const looks = racing ? Math.max(1, Math.floor(MAX_EVALUATIONS / candidates)) : 1;
  const rungs: number[][] = [];
  for (let start = 0; start < cvFolds;) {
    const end = rungs.length + 1 === looks ? cvFolds : Math.min(cvFolds, Math.max(start + 1, Math.round(start * 1.25)));
    rungs.push(Array.from({ length: end - start }, (_, i) => start + i));
    start = end;
  }
  return rungs;
}

/**
 * Who stays in a search, best first, and who leads it. With folds outstanding a candidate leaves when it will hardly end
 * above the leader by more than {@link INDIFFERENCE}; see {@link spread}. As everybody is compared with the leader after
 * each fold, and one mistake is enough, {@link CHANCE} is shared by all these comparisons (Bonferroni). Equal means go
 * by index, as in scikit-learn's `RandomizedSearchCV`.
 *
 * @param contenders with scores of the same folds, higher is better
 * @param cvFolds folds of the whole search
 */
export function selectCandidates(contenders: Contender[], cvFolds: number): Selection {
  const ranked = contenders
    .map((contender) => ({ ...contender, mean: mean(contender.folds.map(({ score }) => score)) }))
    .sort((a, b) => b.mean - a.mean || a.index - b.index);
  const leader = ranked[0];
  if (!leader) return { survivors: [], score: null };

  const folds = leader.folds.length;
  const deviations = normalQuantile(CHANCE / ((contenders.length - 1) * (cvFolds - 1)));
  const indifference = INDIFFERENCE * mean(leader.folds.map(({ unit = 1 }) => unit));
  const canWin = (contender: Contender & { mean: number }) =>
    folds === cvFolds ||
    contender === leader ||
    leader.mean - contender.mean + indifference <= deviations * spread(leader, contender, cvFolds);
  return { survivors: ranked.filter(canWin).map(({ index }) => index), score: leader.mean };
}

/**
 * The standard deviation of the difference of two candidates' means over n folds, as k of them foretell it. With independent differences of
 * variance v on each fold, the mean of all n given that of the k has the variance v (n - k) / (n k): v / k for what
 * the k folds know of the rest, v / (n - k) for the rest itself, both times the rest's share ((n - k) / n)^2.
 */
function spread(leader: Contender, contender: Contender, n: number): number {
  const k = leader.folds.length;
  const variance = mean(leader.folds.map((fold, i) => differenceVariance(fold, contender.folds[i]!)));
  return Math.sqrt((variance * (n - k)) / (n * k));
}

/**
 * Variance of the difference of two scores on the same rows: what another draw of the rows would make of it, from the
 * rows themselves. Where scores move in steps it is that of one row more, as candidates that decide alike on every row
 * show none at all.
 */
export function differenceVariance(a: FoldScore, b: FoldScore): number {
  const groups = a.influence.length;
  const squares = a.influence.reduce((sum, part, group) => sum + (part - b.influence[group]!) ** 2, 0);
  return (squares * groups) / Math.max(1, groups - 1) + Math.max(a.step, b.step) ** 2;
}
