import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ScoringName, TaskSpec } from '../../src/contracts/index.js';
import { taskOf } from '../../src/ml/tasks/task.js';

const task = taskOf({ task: 'binary', classes: ['0', '1'] });
const outputOf = (probabilities: number[]) => ({ values: Float64Array.from(probabilities), width: 1 });
const classificationMetrics = (labels: number[], probabilities: number[], threshold: number) =>
  task.metrics(labels, outputOf(probabilities), threshold);
const score = (scoring: ScoringName, labels: number[], probabilities: number[]) =>
  task.foldScore(scoring, labels, outputOf(probabilities)).score;

describe('classification metrics', () => {
  test('a probability on the threshold counts as positive', () => {
    expect(classificationMetrics([1, 0, 1, 0], [0.5, 0.5, 0.4, 0.3], 0.5)).toMatchObject({
      accuracy: 0.5,
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
      roc_auc: 0.625,
      average_precision: 0.5833333333333333,
      confusion_matrix: [
        [1, 1],
        [1, 1],
      ],
      n: 4,
    });
  });

  test('tied probabilities count half', () => {
    expect(score('roc_auc', [0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5])).toBe(0.5);
  });

  test('nothing predicted positive is a precision of 0', () => {
    expect(classificationMetrics([1, 0], [0.1, 0.2], 0.5)).toMatchObject({ precision: 0, recall: 0, f1: 0 });
  });

  test('one class leaves the ranking metrics undefined', () => {
    expect(classificationMetrics([0, 0], [0.1, 0.9], 0.5)).toMatchObject({
      roc_auc: null,
      average_precision: null,
      accuracy: 0.5,
    });
    expect(classificationMetrics([1, 1], [0.1, 0.9], 0.5)).toMatchObject({ roc_auc: null, average_precision: 1 });
  });

  test.each(['roc_auc', 'average_precision', 'balanced_accuracy'] as const)(
    'a search by %s on one class says so',
    (scoring) => {
      expect(() => score(scoring, [0, 0], [0.1, 0.9])).toThrow(
        expect.objectContaining({ type: 'InputInvalid' }) as Error,
      );
    },
  );

  test('scorings that need labels take them at .5', () => {
    const labels = [1, 1, 1, 0];
    const probabilities = [0.9, 0.6, 0.2, 0.7];
    expect(score('accuracy', labels, probabilities)).toBe(0.5);
    expect(score('f1', labels, probabilities)).toBeCloseTo(2 / 3, 12);
    expect(score('balanced_accuracy', labels, probabilities)).toBeCloseTo(1 / 3, 12);
  });
});

describe('the order of the rows', () => {
  const TASKS: { spec: TaskSpec; width: number; label: fc.Arbitrary<number> }[] = [
    { spec: { task: 'binary', classes: ['0', '1'] }, width: 1, label: fc.integer({ min: 0, max: 1 }) },
    { spec: { task: 'multiclass', classes: ['a', 'b', 'c'] }, width: 3, label: fc.integer({ min: 0, max: 2 }) },
    { spec: { task: 'regression', objective: 'poisson' }, width: 1, label: fc.integer({ min: 0, max: 40 }) },
  ];

  // A query leaves the order open, and sums of floating point numbers depend on it.
  test.each(TASKS)('of a $spec.task changes no bit of a metric', ({ spec, width, label }) => {
    const value = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    const row = fc.record({ label, values: fc.array(value, { minLength: width, maxLength: width }), rank: fc.nat() });
    const metricsOf = (rows: { label: number; values: number[] }[]) =>
      taskOf(spec).metrics(
        rows.map((one) => one.label),
        { values: Float64Array.from(rows.flatMap((one) => one.values)), width },
        0.5,
      );
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 60 }), (rows) => {
        expect(metricsOf(rows.toSorted((a, b) => a.rank - b.rank))).toEqual(metricsOf(rows));
      }),
    );
  });
});
