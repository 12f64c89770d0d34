import type { FoldScore, Scoring } from './engines/pool.js';
import { taskOf } from './tasks/task.js';

/** {@link Task.foldScore} of labels of 0 and 1. */
export function foldScore(scoring: Scoring, labels: ArrayLike<number>, probabilities: ArrayLike<number>): FoldScore {
  return taskOf({ task: 'binary', classes: ['0', '1'] }).foldScore(scoring, labels, { values: Float64Array.from(probabilities), width: 1 });
}
