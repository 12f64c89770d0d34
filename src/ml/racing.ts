import { MAX_EVALUATIONS, type Selection } from '../contracts/index.js';
import type { FoldScore } from './engines/pool.js';
import { normalQuantile } from './normal.js';
import { mean } from './transforms/statistics.js';

/** How often noise alone may send away, anywhere in a search, a candidate that would have won by more than {@link INDIFFERENCE}. */
const CHANCE = 0.01;
/** A difference of mean scores, in their units, that is worth no fold: who can't win by more leaves as well. */
const INDIFFERENCE = 0.001;
/**
 * Times that differences vary more from fold to fold than the rows of a fold explain, while a single fold is known: what
 * other training rows make of a model comes on top. Of 960 searches (`npm run bench -- racing`) 8 ended more than .002
 * below the best candidate where the rows alone counted, up to .0146; one did with this, at .0022.
 */
const BETWEEN_FOLDS = 9;

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
 * above the leader by more than {@link INDIFFERENCE}; see {@link foretold}. As everybody is compared with the leader after
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
  const others = ranked.slice(1).map((contender) => ({ ...contender, ...differenceOf(leader, contender) }));
  const noise = foldNoise(others, folds);
  const canWin = ({ difference, ofRows }: Difference) =>
    folds === cvFolds || difference + indifference <= deviations * Math.sqrt(foretold(noise * ofRows, folds, cvFolds));
  return { survivors: [leader, ...others.filter(canWin)].map(({ index }) => index), score: leader.mean };
}

/** By how much one candidate is above another. */
interface Difference {
  /** Of their mean scores. */
  difference: number;
  /** The variance on a fold that its rows explain. */
  ofRows: number;
  /** The variance from fold to fold, of two folds or more. */
  ofFolds: number;
}

function differenceOf(a: Contender, b: Contender): Difference {
  const differences = a.folds.map(({ score }, fold) => score - b.folds[fold]!.score);
  const center = mean(differences);
  const squares = differences.reduce((sum, difference) => sum + (difference - center) ** 2, 0);
  return {
    difference: center,
    ofRows: mean(a.folds.map((fold, i) => differenceVariance(fold, b.folds[i]!))),
    ofFolds: squares / (differences.length - 1),
  };
}

/**
 * Times that the differences vary more from fold to fold than the rows explain, at least 1. A single difference tells
 * that badly by a few folds; the mean over the candidates tells it for all.
 */
function foldNoise(differences: Difference[], folds: number): number {
  if (folds === 1) return BETWEEN_FOLDS;
  const ratios = differences.filter(({ ofRows }) => ofRows > 0).map(({ ofRows, ofFolds }) => ofFolds / ofRows);
  return ratios.length === 0 ? 1 : Math.max(1, mean(ratios));
}

/**
 * The variance of the mean of n folds' differences, as k of them foretell it. With independent differences of variance
 * v on each fold, the mean of all n given that of the k has the variance v (n - k) / (n k): v / k for what the k folds
 * know of the rest, v / (n - k) for the rest itself, both times the rest's share ((n - k) / n)^2.
 */
function foretold(variance: number, k: number, n: number): number {
  return (variance * (n - k)) / (n * k);
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
