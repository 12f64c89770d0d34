import { SCORERS, metricsOf, type ScoringOf, type TaskSpec } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { delongTest } from '../../monitoring/delong.js';
import type { Scoring } from '../engines/pool.js';
import { foldScore } from '../influence.js';
import { balancedAccuracy, classificationMetrics, isPositive } from '../metrics.js';
import type { Task } from './task.js';

/** Yes or no: a model says the probability of the positive class. */
export function binaryTask(_spec: Extract<TaskSpec, { task: 'binary' }>): Task {
  return {
    width: 1,
    metricNames: metricsOf('binary'),
    scorings: Object.keys(SCORERS.binary) as ScoringOf<'binary'>[],
    defaultScoring: 'roc_auc',
    metrics: (labels, { values }, threshold) => ({
      ...classificationMetrics(labels, values, threshold),
      balanced_accuracy: balancedAccuracy(labels, values, threshold),
    }),
    foldScore: (scoring, labels, { values }) => foldScore(scoring as Scoring, labels, values),
    compare(metric, labels, a, b) {
      if (metric !== 'roc_auc') throw new PerdureError('ConfigInvalid', `Models can't be compared by ${metric} yet; use roc_auc.`);
      const compared = delongTest(labels, a.values, b.values);
      if (!compared) return null;
      const { auc, difference, p, standard_error } = compared;
      return { metric, a: auc[0], b: auc[1], difference, p, interval: [difference - 1.96 * standard_error, difference + 1.96 * standard_error], method: 'delong' };
    },
    predictionColumns: ({ values }, threshold) => [
      { name: 'probability', type: 'DOUBLE', values },
      { name: 'label', type: 'TINYINT', values: Int8Array.from(values, (p) => (isPositive(p, threshold) ? 1 : 0)) },
    ],
  };
}
