import { SCORERS, metricsOf, type ScoringOf, type TaskSpec } from '../../contracts/index.js';
import { delongComparison } from '../comparison/delong.js';
import { wrongDecisions } from '../metrics/decisions.js';
import { binaryCurves } from '../metrics/curves.js';
import { ClassifiedRows } from '../metrics/classification.js';
import { isProbability } from '../modelOutput.js';
import type { Kind } from './kind.js';

/** Yes or no: a model says the probability of the positive class. */
export function binaryTask({ classes }: Extract<TaskSpec, { task: 'binary' }>): Kind {
  return {
    name: 'binary',
    width: 1,
    classes,
    decidesByThreshold: true,
    metricNames: metricsOf('binary'),
    scorings: Object.keys(SCORERS.binary) as ScoringOf<'binary'>[],
    defaultScoring: 'roc_auc',
    measuresOf(labels, output, threshold) {
      const rows = new ClassifiedRows(2, labels, output, decisionsOf(output.values, threshold));
      return { measure: (metric) => rows.measure(metric), confusionMatrix: () => rows.matrix.toArrays() };
    },
    compareExactly: (metric, labels, a, b, alpha) =>
      metric === 'roc_auc' ? delongComparison(labels, a.values, b.values, alpha) : undefined,
    rowErrors: (labels, { values }, threshold) => wrongDecisions(labels, decisionsOf(values, threshold)),
    errorScale: () => 1,
    curves: (labels, output) => binaryCurves(labels, output, classes),
    estimation: {
      classes: [1],
      metrics: { rocAuc: 'roc_auc', accuracy: 'accuracy', f1: 'f1' },
      decide: ({ values }, threshold) => decisionsOf(values, threshold),
    },
    isSound: (row) => row.every(isProbability),
    predictionColumns: ({ values }, threshold) => [
      { name: 'probability', type: 'DOUBLE', values },
      { name: 'label', type: 'TINYINT', values: decisionsOf(values, threshold) },
    ],
  };
}

/** Whether a probability counts as positive; a probability on the threshold does, as in scikit-learn's `FixedThresholdClassifier`. */
export function isPositive(probability: number, threshold: number): boolean {
  return probability >= threshold;
}

function decisionsOf(probabilities: Float64Array, threshold: number): Int8Array {
  const decisions = new Int8Array(probabilities.length);
  for (let row = 0; row < decisions.length; row++) decisions[row] = isPositive(probabilities[row]!, threshold) ? 1 : 0;
  return decisions;
}
