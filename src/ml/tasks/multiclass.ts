import { SCORERS, metricsOf, sameName, type ScoringOf, type TaskSpec } from '../../contracts/index.js';
import { wrongDecisions } from '../metrics/decisions.js';
import { multiclassCurves } from '../metrics/curves.js';
import { ClassifiedRows } from '../metrics/classification.js';
import { isProbability, mostProbable } from '../modelOutput.js';
import type { Kind } from './kind.js';

/** Engines give probabilities in single precision, and a forest adds up those of its trees. */
const SUM_TOLERANCE = 1e-4;

/** One of several classes: a model says a probability for each, and decides for the most probable. */
export function multiclassTask({ classes }: Extract<TaskSpec, { task: 'multiclass' }>): Kind {
  return {
    name: 'multiclass',
    width: classes.length,
    classes,
    decidesByThreshold: false,
    metricNames: metricsOf('multiclass'),
    scorings: Object.keys(SCORERS.multiclass) as ScoringOf<'multiclass'>[],
    defaultScoring: 'neg_log_loss',
    measuresOf(labels, output) {
      const rows = new ClassifiedRows(classes.length, labels, output, mostProbable(output));
      return { measure: (metric) => rows.measure(metric), confusionMatrix: () => rows.matrix.toArrays() };
    },
    rowErrors: (labels, output) => wrongDecisions(labels, mostProbable(output)),
    errorScale: () => 1,
    curves: (labels, output) => multiclassCurves(labels, output, classes),
    estimation: {
      classes: classes.map((_, of) => of),
      metrics: { rocAuc: 'roc_auc_ovr', accuracy: 'accuracy', f1: 'f1_macro' },
      decide: mostProbable,
    },
    isSound: (row) =>
      row.every(isProbability) && Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) <= SUM_TOLERANCE,
    predictionColumns(output) {
      const { values, width } = output;
      const decided = mostProbable(output);
      const names = probabilityNames(classes);
      return [
        { name: 'label', type: 'VARCHAR', values: Array.from(decided, (of) => classes[of]!) },
        ...names.map((name, of) => ({
          name,
          type: 'DOUBLE' as const,
          values: Float64Array.from(decided, (_, row) => values[row * width + of]!),
        })),
      ];
    },
  };
}

/**
 * The columns of the classes' probabilities. Columns are not told apart by the case of letters, as classes are: the later
 * one of two would be read as the first.
 */
function probabilityNames(classes: readonly string[]): string[] {
  const names = classes.map((of) => `probability_${of}`);
  const known = new Map<string, string>();
  for (const name of names) if (!known.has(sameName(name))) known.set(sameName(name), name);
  return names.map((name) => {
    if (known.get(sameName(name)) === name) return name;
    let number = 2;
    while (known.has(sameName(`${name}_${number}`))) number++;
    known.set(sameName(`${name}_${number}`), name);
    return `${name}_${number}`;
  });
}
