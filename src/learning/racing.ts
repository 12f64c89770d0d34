import type { CandidateResult, Selection } from '../contracts/index.js';

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
 * Who stays in a search, best first, and who leads it.
 *
 * @param results every candidate with its scores so far (higher is better), aligned by fold
 * @param cvFolds folds of the whole search; only a candidate with all of them can be the best
 */
export function selectCandidates(results: CandidateResult[], cvFolds: number): Selection {
  const alive = results.filter((result) => result.dropped === undefined).sort((a, b) => mean(b.scores) - mean(a.scores) || a.index - b.index);
  const leader = alive.find((result) => result.scores.length === cvFolds);
  return {
    survivors: alive.map((result) => result.index),
    best: leader ? { index: leader.index, params: leader.params, cv_score: mean(leader.scores) } : null,
  };
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
