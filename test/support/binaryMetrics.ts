import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import type { TaskMetrics } from '../../src/contracts/index.js';
import { taskOf } from '../../src/ml/tasks/task.js';

/** Metrics of probabilities of the label 1. */
export function binaryMetrics(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  threshold: number,
): TaskMetrics {
  return taskOf(ZERO_OR_ONE).metrics(labels, { values: Float64Array.from(probabilities), width: 1 }, threshold);
}
