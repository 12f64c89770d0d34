import { median } from './transforms/statistics.js';

/** When candidates are given up. */
export interface MedianPrunerSettings {
  /** Candidates that have every fold, below which nobody is pruned. */
  startupTrials: number;
  /** Folds that everybody has, at least, before it is pruned after one more. */
  warmupSteps: number;
}

/**
 * Optuna's `MedianPruner`, a step of which is a fold, and an intermediate value the mean score so far: for each fold but the
 * last, the median that those that have every fold had after it; see {@link isPruned}. Optuna compares a candidate by its
 * best value so far, as training goes up and down from step to step. Folds are of different difficulty, the same for
 * everybody: after an easy first fold nobody would be pruned at a later one, so that it is the value of the last fold that counts here.
 *
 * @param complete scores by fold of each candidate that has them all, higher is better
 * @param folds of the search
 * @returns `null` for a fold after which nobody leaves
 */
export function pruningLimits(
  complete: number[][],
  folds: number,
  { startupTrials, warmupSteps }: MedianPrunerSettings,
): (number | null)[] {
  const enough = complete.length >= Math.max(1, startupTrials);
  const means = complete.map(runningMeans);
  return Array.from({ length: folds }, (_, fold) =>
    enough && fold >= warmupSteps && fold < folds - 1
      ? median(Float64Array.from(means, (values) => values[fold]!).sort())
      : null,
  );
}

/**
 * Whether a candidate leaves after its last fold so far: its mean so far is below the limit of that fold.
 *
 * @param scores by fold
 */
export function isPruned(scores: number[], limits: readonly (number | null)[]): boolean {
  const limit = limits[scores.length - 1];
  return limit !== undefined && limit !== null && runningMeans(scores).at(-1)! < limit;
}

/** The mean of the first score, of the first two, and so on. */
function runningMeans(scores: number[]): number[] {
  let sum = 0;
  return scores.map((score, i) => (sum += score) / (i + 1));
}
