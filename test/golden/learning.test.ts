import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { gridCell, type ParameterGrid, type Params } from '../../src/contracts/index.js';
import type { ScoringName } from '../../src/contracts/index.js';
import { aucInfluence, rank } from '../../src/ml/metrics/ranking.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { sampleCells } from '../../src/ml/parameterSampler.js';
import { differenceVariance } from '../../src/ml/racing.js';
import { stratifiedFolds } from '../../src/ml/stratifiedKFold.js';
import { stratifiedShuffleSplits } from '../../src/ml/stratifiedShuffleSplit.js';
import { taskOf } from '../../src/ml/tasks/task.js';
import { delongTest } from '../../src/ml/comparison/delong.js';

/** Made by `fixtures/make_learning_fixtures.py` with scikit-learn 1.9.1. */
interface Fixture {
  spaces: Record<string, ParameterGrid>;
  samples: { space: string; n_iter: number; seed: number; drawn: Params[] }[];
  folds: { labels: number[]; n_splits: number; shuffle_seed: number | null; folds: number[] }[];
  metrics: {
    labels: number[];
    probabilities: number[];
    threshold: number;
    accuracy: number;
    f1: number;
    balanced_accuracy: number;
    confusion_matrix: number[][];
    roc_auc: number;
    average_precision: number;
  }[];
  /** Two models on the same rows: the deviation of the difference of their scores, by the bootstrap. */
  differences: { labels: number[]; first: number[]; second: number[]; deviations: Record<ScoringName, number> };
  random_integers: { seed: number; max: number; values: number[] }[];
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/learning.json', import.meta.url), 'utf8')) as Fixture;

const task = taskOf({ task: 'binary', classes: ['0', '1'] });
const outputOf = (probabilities: number[]) => ({ values: Float64Array.from(probabilities), width: 1 });
const foldScore = (scoring: ScoringName, labels: number[], probabilities: number[]) =>
  task.foldScore(scoring, labels, outputOf(probabilities));

describe('the Mersenne Twister', () => {
  test('gives the published outputs for the seed 5489', () => {
    const random = new Mt19937(5489);
    expect(random.uint32()).toBe(3499211612);
    for (let i = 2; i < 10_000; i++) random.uint32();
    expect(random.uint32()).toBe(4123659995);
  });

  test("draws numpy's whole numbers", () => {
    for (const { seed, max, values } of fixture.random_integers) {
      const random = new Mt19937(seed);
      expect(values.map(() => random.integer(max))).toEqual(values);
    }
  });
});

describe("the candidates are ParameterSampler's", () => {
  test.each(fixture.samples)('$n_iter of the space $space, seed $seed', ({ space, n_iter, seed, drawn }) => {
    const grid = fixture.spaces[space]!;
    expect(sampleCells(grid, n_iter, seed).map((cell) => gridCell(grid, cell))).toEqual(drawn);
  });
});

describe("the folds are StratifiedKFold's", () => {
  test.each(fixture.folds)(
    '$n_splits folds, shuffled with $shuffle_seed',
    ({ labels, n_splits, shuffle_seed, folds }) => {
      expect([...stratifiedFolds(labels, n_splits, { shuffleSeed: shuffle_seed ?? undefined })]).toEqual(folds);
    },
  );
});

describe("the metrics are scikit-learn's", () => {
  test.each(fixture.metrics)('at the threshold $threshold', ({ labels, probabilities, threshold, ...expected }) => {
    const metrics = task.metrics(labels, outputOf(probabilities), threshold);
    expect(metrics.confusion_matrix).toEqual(expected.confusion_matrix);
    expect(metrics.accuracy).toBeCloseTo(expected.accuracy, 12);
    expect(metrics.f1).toBeCloseTo(expected.f1, 12);
    expect(metrics.roc_auc).toBeCloseTo(expected.roc_auc, 12);
    expect(metrics.average_precision).toBeCloseTo(expected.average_precision, 12);
    expect(metrics.balanced_accuracy).toBeCloseTo(expected.balanced_accuracy, 12);
  });

  test('and those of the reference numbers', () => {
    const { y, s, auc, ap, prec, rec, f1 } = JSON.parse(
      readFileSync(new URL('../fixtures/statistics/metrics.json', import.meta.url), 'utf8'),
    ) as {
      y: number[];
      s: number[];
      auc: number;
      ap: number;
      prec: number;
      rec: number;
      f1: number;
    };
    const metrics = task.metrics(y, outputOf(s), 0.5);
    expect(metrics.roc_auc).toBeCloseTo(auc, 14);
    expect(metrics.average_precision).toBeCloseTo(ap, 14);
    expect([metrics.precision, metrics.recall, metrics.f1]).toEqual(
      [prec, rec, f1].map((value) => expect.closeTo(value, 12) as number),
    );
  });
});

describe('the noise of a difference of two scores', () => {
  const { labels, first, second, deviations } = fixture.differences;

  test.each(Object.entries(deviations) as [ScoringName, number][])("of %s is the bootstrap's", (scoring, deviation) => {
    const noise = differenceVariance(foldScore(scoring, labels, first), foldScore(scoring, labels, second));
    // A hundred groups know a standard deviation to 7%, and 4,000 samples to 1%.
    expect(Math.sqrt(noise) / deviation).toBeGreaterThan(0.85);
    expect(Math.sqrt(noise) / deviation).toBeLessThan(1.15);
  });

  test('of ROC AUC is, row by row, that of the DeLong test', () => {
    const [a, b] = [first, second].map((probabilities) =>
      aucInfluence(rank(probabilities, (row) => labels[row] === 1)),
    ) as [Float64Array, Float64Array];
    const variances = [1, 0].map((label) => {
      const apart = labels.flatMap((of, row) => (of === label ? [a[row]! - b[row]!] : []));
      const mean = apart.reduce((sum, value) => sum + value, 0) / apart.length;
      return apart.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (apart.length - 1) / apart.length;
    });
    const { standard_error } = delongTest(labels, first, second)!;
    expect(Math.sqrt(variances[0]! + variances[1]!)).toBeCloseTo(standard_error, 12);
  });

  test('is 0 for equal rankings, and one row for equal decisions', () => {
    const scaled = first.map((probability) => 0.5 + (probability - 0.5) / 2);
    const noise = (scoring: ScoringName) =>
      differenceVariance(foldScore(scoring, labels, first), foldScore(scoring, labels, scaled));
    expect(noise('roc_auc')).toBe(0);
    expect(noise('average_precision')).toBe(0);
    expect(Math.sqrt(noise('accuracy'))).toBeCloseTo(1 / 600, 12);
  });
});

// By scikit-learn 1.9.1: [test for _, test in StratifiedShuffleSplit(n, test_size=share, random_state=seed).split(y, y)].
test.each<[string, number[], splits: number, share: number, seed: number, tested: number[][]]>([
  [
    'three classes of 10, 9 and 4 rows',
    Array.from({ length: 23 }, (_, i) => Math.floor((i % 5) / 2)),
    3,
    0.25,
    42,
    [
      [4, 6, 7, 10, 15, 17],
      [5, 6, 9, 15, 17, 22],
      [1, 12, 18, 19, 20, 21],
    ],
  ],
  [
    'two classes of 14 and 6 rows',
    Array.from({ length: 20 }, (_, i) => Number(i >= 14)),
    2,
    0.1,
    7,
    [
      [4, 16],
      [8, 14],
    ],
  ],
])("shuffled splits of %s have the rows of scikit-learn's", (_, labels, splits, testShare, seed, tested) => {
  const found = stratifiedShuffleSplits(labels, { splits, testShare, seed });
  const sorted = (rows: Iterable<number>) => [...rows].sort((a, b) => a - b);
  expect(found.map(({ test }) => sorted(test))).toEqual(tested);
  for (const { train, test } of found) expect(sorted([...train, ...test])).toEqual([...labels.keys()]);
});
