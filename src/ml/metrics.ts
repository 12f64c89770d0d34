import type { Metrics } from '../contracts/index.js';
import { taskOf } from './tasks/task.js';

export { rocAuc } from './metrics/ranking.js';
export { isPositive } from './tasks/binary.js';

/** Today's metrics of a pipeline with labels of 0 and 1; {@link Task.metrics} has more, and of any task. */
export function classificationMetrics(labels: ArrayLike<number>, probabilities: ArrayLike<number>, threshold: number): Metrics {
  const task = taskOf({ task: 'binary', classes: ['0', '1'] });
  const metrics = task.metrics(labels, { values: Float64Array.from(probabilities), width: 1 }, threshold);
  const { accuracy, precision, recall, f1, roc_auc, average_precision, confusion_matrix, n } = metrics;
  return { accuracy, precision, recall, f1, roc_auc, average_precision, confusion_matrix, n } as Metrics;
}
