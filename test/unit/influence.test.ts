import { describe, expect, test } from 'vitest';
import { SCORERS, type ScoringOf } from '../../src/contracts/index.js';
import { isMissing, presentSql } from '../../src/ml/missing.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { gridCells, sampleCells } from '../../src/ml/parameterSampler.js';
import { differenceVariance } from '../../src/ml/racing.js';
import { fitStandardScale } from '../../src/ml/standardScaler.js';
import { stratifiedFolds } from '../../src/ml/stratifiedKFold.js';
import { kindOf, taskOf } from '../../src/ml/tasks/task.js';

type Scoring = ScoringOf<'binary'>;
const BINARY = { task: 'binary' as const, classes: ['0', '1'] as [string, string] };
const outputOf = (probabilities: number[]) => ({ values: Float64Array.from(probabilities), width: 1 });
const foldScore = (scoring: Scoring, labels: number[], probabilities: number[]) =>
  taskOf(BINARY).foldScore(scoring, labels, outputOf(probabilities));
const rowInfluence = (scoring: Scoring, labels: number[], probabilities: number[]) =>
  kindOf(BINARY).measuresOf(labels, outputOf(probabilities), 0.5).measure(SCORERS.binary[scoring]).influence();
const groupInfluence = (scoring: Scoring, labels: number[], probabilities: number[]) =>
  foldScore(scoring, labels, probabilities).influence;

const SCORINGS = ['roc_auc', 'average_precision', 'accuracy', 'balanced_accuracy', 'f1'] as const satisfies Scoring[];

/** Labels and probabilities with ties, within a class and between both, also at the threshold. */
const labels = [1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0];
const probabilities = [0.9, 0.8, 0.8, 0.7, 0.7, 0.7, 0.5, 0.5, 0.4, 0.2, 0.2, 0.1];

/** A score of weighted rows, straight from its definition. */
function weighted(scoring: (typeof SCORINGS)[number], weights: number[]): number {
  const sum = (holds: (row: number) => boolean) =>
    weights.reduce((total, weight, row) => total + (holds(row) ? weight : 0), 0);
  const isPositive = (row: number) => labels[row] === 1;
  const positives = sum(isPositive);
  const negatives = sum((row) => !isPositive(row));
  const tp = sum((row) => isPositive(row) && probabilities[row]! >= 0.5);
  const fp = sum((row) => !isPositive(row) && probabilities[row]! >= 0.5);
  switch (scoring) {
    case 'roc_auc': {
      let wins = 0;
      for (const [i, p] of probabilities.entries()) {
        for (const [j, q] of probabilities.entries())
          if (isPositive(i) && !isPositive(j)) wins += weights[i]! * weights[j]! * (p > q ? 1 : p === q ? 0.5 : 0);
      }
      return wins / (positives * negatives);
    }
    case 'average_precision': {
      let precisions = 0;
      for (const [i, p] of probabilities.entries()) {
        if (isPositive(i))
          precisions +=
            (weights[i]! * sum((row) => isPositive(row) && probabilities[row]! >= p)) /
            sum((row) => probabilities[row]! >= p);
      }
      return precisions / positives;
    }
    case 'accuracy':
      return (tp + negatives - fp) / (positives + negatives);
    case 'balanced_accuracy':
      return (tp / positives + (negatives - fp) / negatives) / 2;
    case 'f1':
      return (2 * tp) / (positives + tp + fp);
  }
}

describe('what a row has to do with a score', () => {
  test.each(SCORINGS)('%s: is the derivative by its weight, with the weight of its class fixed', (scoring) => {
    const found = rowInfluence(scoring, labels, probabilities);
    const STEP = 1e-5;
    for (const label of [0, 1]) {
      const rows = [...labels.keys()].filter((row) => labels[row] === label);
      // Weight goes from all rows of the class to one of them.
      const derivatives = rows.map((row) => {
        const moved = (by: number) =>
          labels.map((of, other) => 1 + (other === row ? by : 0) - (of === label ? by / rows.length : 0));
        return (rows.length * (weighted(scoring, moved(STEP)) - weighted(scoring, moved(-STEP)))) / (2 * STEP);
      });
      const mean = rows.reduce((sum, row) => sum + found[row]!, 0) / rows.length;
      rows.forEach((row, i) => expect(found[row]! - mean).toBeCloseTo(derivatives[i]!, 6));
    }
  });

  test.each(SCORINGS)('%s: groups of rows share it, and add up to nothing', (scoring) => {
    const influence = rowInfluence(scoring, labels, probabilities);
    const groups = groupInfluence(scoring, labels, probabilities);
    expect(groups.reduce((sum, part) => sum + part, 0)).toBeCloseTo(0, 12);
    // As many groups as rows: positives in their order, then negatives, each its distance from its class over the class.
    const expected = [1, 0].flatMap((label) => {
      const rows = [...labels.keys()].filter((row) => labels[row] === label);
      const mean = rows.reduce((sum, row) => sum + influence[row]!, 0) / rows.length;
      return rows.map((row) => (influence[row]! - mean) / rows.length);
    });
    expect(groups).toEqual(expected.map((part) => expect.closeTo(part, 12) as number));
  });

  test('of many rows a hundred groups are kept', () => {
    const many = <T>(values: T[]) => Array.from({ length: 30 }, () => values).flat();
    expect(groupInfluence('roc_auc', many(labels), many(probabilities))).toHaveLength(100);
  });

  test('one row over the threshold moves a score by at most a step', () => {
    const step = (scoring: Scoring) => foldScore(scoring, labels, probabilities).step;
    expect([step('roc_auc'), step('average_precision')]).toEqual([0, 0]);
    expect(step('accuracy')).toBeCloseTo(1 / 12, 12);
    // 5 positive rows and 7 negative ones.
    expect(step('balanced_accuracy')).toBeCloseTo(1 / 10, 12);
    // tp 4, fp 4: 2 (5 + 4) / 13^2 against 2 * 4 / 13^2.
    expect(step('f1')).toBeCloseTo(18 / 169, 12);
    // All rows of the smaller class the other way round: its step is the larger one.
    const flipped = labels.map((label) => 1 - label);
    expect(foldScore('balanced_accuracy', flipped, probabilities).step).toBeCloseTo(1 / 10, 12);
    // tp 3, fp 0 of 3 positive rows: 2 * 3 / 6^2 each way.
    expect(foldScore('f1', [1, 1, 1, 0], [0.9, 0.9, 0.9, 0.1]).step).toBeCloseTo(1 / 6, 12);
    // tp 3, fp 3: 2 (3 + 3) / 9^2.
    expect(foldScore('f1', [1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]).step).toBeCloseTo(12 / 81, 12);
  });

  test('of two scores the noise is that of their differences, and never less than a step', () => {
    const fold = (influence: number[], step: number) => ({ score: 0.5, influence, step });
    // Squares 1 + 4 + 9, times 3 / 2, and the larger step squared.
    expect(differenceVariance(fold([1, 2, 3], 2), fold([0, 0, 6], 1))).toBe(14 * 1.5 + 4);
    expect(differenceVariance(fold([1], 0), fold([0], 3))).toBe(1 + 9);
  });
});

describe('what a row has to do with a metric of any task', () => {
  const random = new Mt19937(11);
  const uniform = () => random.uint32() / 2 ** 32;
  const rows = Array.from({ length: 60 }, (_, row) => row);
  const multiclass = { task: 'multiclass' as const, classes: ['a', 'b', 'c', 'd'] };
  const regression = { task: 'regression' as const, objective: 'poisson' as const };
  const cases = {
    binary: { spec: BINARY, labels: rows.map(() => (uniform() < 0.4 ? 1 : 0)), width: 1 },
    multiclass: {
      spec: multiclass,
      labels: rows.map((row) => (row < 8 ? row % 4 : Math.floor(uniform() * 3))),
      width: 4,
    },
    regression: { spec: regression, labels: rows.map(() => Math.floor(uniform() * 5)), width: 1 },
  };

  test.each(Object.entries(cases))(
    '%s: is the derivative by its weight, with the weight of its stratum fixed',
    (_, { spec, labels, width }) => {
      // One decimal: many ties, also between classes; above 0, as a Poisson mean is.
      const values = Float64Array.from({ length: labels.length * width }, () => Math.round(uniform() * 9) / 10 + 0.05);
      const { measure, metricNames } = { ...kindOf(spec), ...kindOf(spec).measuresOf(labels, { values, width }, 0.5) };
      const stratumOf = (row: number) => (spec.task === 'regression' ? 0 : labels[row]!);
      const STEP = 1e-5;
      for (const metric of metricNames) {
        const influence = measure(metric).influence();
        for (const stratum of new Set(rows.map(stratumOf))) {
          const inside = rows.filter((row) => stratumOf(row) === stratum);
          const mean = inside.reduce((sum, row) => sum + influence[row]!, 0) / inside.length;
          const derivatives = inside.map((row) => {
            const moved = (by: number) =>
              rows.map(
                (other) => 1 + (other === row ? by : 0) - (stratumOf(other) === stratum ? by / inside.length : 0),
              );
            return (
              (inside.length * (measure(metric).value(moved(STEP))! - measure(metric).value(moved(-STEP))!)) /
              (2 * STEP)
            );
          });
          expect({ [metric]: inside.map((row) => influence[row]! - mean) }).toEqual({
            [metric]: derivatives.map((value) => expect.closeTo(value, 5) as number),
          });
        }
      }
    },
  );

  test('of a regression, scores in the units of the labels say what the unit is', () => {
    const labels = [100, 200, 300, 400];
    const score = (scoring: 'neg_mean_absolute_error' | 'r2', factor: number) =>
      taskOf(regression).foldScore(
        scoring,
        labels.map((label) => label * factor),
        outputOf([110, 190, 280, 420].map((value) => value * factor)),
      );
    expect(score('neg_mean_absolute_error', 1).unit).toBeCloseTo(Math.sqrt(12_500), 10);
    expect(score('neg_mean_absolute_error', 1e-6).unit).toBeCloseTo(1e-6 * Math.sqrt(12_500), 15);
    expect(score('r2', 1e-6).unit).toBeUndefined();
  });
});

test('the only row of a class counts among those of the largest one', () => {
  const labels = [0, 0, 1, 1, 0, 2];
  const own = [0.5, 0.4, 0.8, 0.25, 0.9, 0.5];
  const values = Float64Array.from(
    own.flatMap((p, row) => [0, 1, 2].map((of) => (of === labels[row] ? p : (1 - p) / 2))),
  );
  const variance = (rows: number[]) => {
    const losses = rows.map((row) => -Math.log(own[row]!));
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    return losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / (losses.length - 1);
  };
  // The mean of six losses has the variance of the sum of each class's, over 36.
  const wanted = Math.sqrt((4 * variance([0, 1, 4, 5]) + 2 * variance([2, 3])) / 36);
  const task = taskOf({ task: 'multiclass', classes: ['a', 'b', 'c'] });
  expect(task.standardError('log_loss', labels, { values, width: 3 }, 0.5)).toBeCloseTo(wanted, 12);
  expect(task.standardError('log_loss', [0], { values: values.slice(0, 3), width: 3 }, 0.5)).toBeNull();
});

describe('missing numbers', () => {
  test.each([NaN, Infinity, -Infinity, 3.5e38, -3.5e38, 3.402823466385289e38])('%d is one', (value) =>
    expect(isMissing(value)).toBe(true),
  );
  test.each([0, -0, 1, -3.4028234663852886e38, 3.4028234663852886e38, Number.MIN_VALUE])('%d is none', (value) =>
    expect(isMissing(value)).toBe(false),
  );

  test('are nulls in SQL', () => {
    expect(presentSql('"x"')).toBe(`CASE WHEN abs("x") <= CAST('3.4028234663852886e+38' AS DOUBLE) THEN "x" END`);
  });

  test('do not count when a column is scaled', () => {
    expect(fitStandardScale(Float64Array.of(1, NaN, 3, Infinity, -Infinity, 1e39))).toEqual({ mean: 2, scale: 1 });
  });
});

describe('folds', () => {
  test('need a class with a row for each', () => {
    expect([...stratifiedFolds([0, 0, 1], 2)]).toEqual([0, 1, 0]);
    const message = (largest: number) => ({
      type: 'InputInvalid',
      message: `3 folds need at least 3 rows of a class, and the largest class has ${largest}; use fewer folds.`,
    });
    expect(() => stratifiedFolds([0, 0, 1, 1], 3)).toThrow(expect.objectContaining(message(2)) as Error);
    expect(() => stratifiedFolds([], 3)).toThrow(expect.objectContaining(message(0)) as Error);
    expect(stratifiedFolds([0, 0, 0], 3)).toHaveLength(3);
  });
});

describe('random numbers', () => {
  test('of [0, 0] draw nothing', () => {
    const [one, other] = [new Mt19937(7), new Mt19937(7)];
    expect(one.integer(0)).toBe(0);
    expect(one.uint32()).toBe(other.uint32());
  });

  test('reach their bound and stay below it, also beyond 32 bits', () => {
    const random = new Mt19937(7);
    const draw = (max: number) => Array.from({ length: 200 }, () => random.integer(max));
    expect(new Set(draw(2))).toEqual(new Set([0, 1, 2]));
    for (const max of [2 ** 32 - 1, 2 ** 32, 2 ** 33, 2 ** 52, Number.MAX_SAFE_INTEGER]) {
      const values = draw(max);
      expect(values.every((value) => Number.isInteger(value) && value >= 0 && value <= max)).toBe(true);
      expect(Math.max(...values)).toBeGreaterThan(max * 0.9);
      expect(Math.min(...values)).toBeLessThan(max * 0.1);
    }
  });
});

describe('candidates', () => {
  test.each([99, 100, 98, 1, 2])('%i of 100 are distinct cells of the grid', (count) => {
    const grid = { a: Array.from({ length: 10 }, (_, i) => i), b: Array.from({ length: 10 }, (_, i) => i) };
    const cells = sampleCells(grid, count, 3);
    expect(new Set(cells).size).toBe(count);
    expect(cells.every((cell) => cell >= 0 && cell < 100)).toBe(true);
    expect(gridCells(grid)).toBe(100);
  });

  test('a grid that is no larger than the search comes whole, in its order', () => {
    expect(sampleCells({ a: [1, 2], b: [1, 2] }, 4, 1)).toEqual([0, 1, 2, 3]);
    expect(sampleCells({ a: [1, 2] }, 20, 1)).toEqual([0, 1]);
    expect(sampleCells({}, 20, 1)).toEqual([0]);
  });
});
