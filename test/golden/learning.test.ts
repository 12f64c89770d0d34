import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Params } from '../../src/contracts/index.js';
import { averagePrecision, balancedAccuracy, classificationMetrics, rocAuc } from '../../src/learning/metrics.js';
import { Mt19937 } from '../../src/learning/mt19937.js';
import { sampleParameters, type ParamDistributions } from '../../src/learning/parameterSampler.js';
import { stratifiedFolds } from '../../src/learning/stratifiedKFold.js';

/** Made by `fixtures/make_learning_fixtures.py` with scikit-learn 1.9.1. */
interface Fixture {
  spaces: Record<string, ParamDistributions>;
  /** The whole list, or its first and last 20 where it is longer than 100. */
  samples: { space: string; n_iter: number; seed: number; first_and_last: Params[] }[];
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
  random_integers: { seed: number; max: number; values: number[] };
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/learning.json', import.meta.url), 'utf8')) as Fixture;

describe('the Mersenne Twister', () => {
  test('gives the published outputs for the seed 5489', () => {
    const random = new Mt19937(5489);
    expect(random.uint32()).toBe(3499211612);
    for (let i = 2; i < 10_000; i++) random.uint32();
    expect(random.uint32()).toBe(4123659995);
  });

  test("draws numpy's whole numbers", () => {
    const { seed, max, values } = fixture.random_integers;
    const random = new Mt19937(seed);
    expect(values.map(() => random.integer(max))).toEqual(values);
  });
});

describe("the candidates are ParameterSampler's", () => {
  test.each(fixture.samples)('$n_iter of the space $space, seed $seed', ({ space, n_iter, seed, first_and_last }) => {
    const drawn = sampleParameters(fixture.spaces[space]!, n_iter, seed);
    expect(drawn.length > 100 ? [...drawn.slice(0, 20), ...drawn.slice(-20)] : drawn).toEqual(first_and_last);
  });
});

describe("the folds are StratifiedKFold's", () => {
  test.each(fixture.folds)('$n_splits folds, shuffled with $shuffle_seed', ({ labels, n_splits, shuffle_seed, folds }) => {
    expect([...stratifiedFolds(labels, n_splits, { shuffleSeed: shuffle_seed ?? undefined })]).toEqual(folds);
  });
});

describe("the metrics are scikit-learn's", () => {
  test.each(fixture.metrics)('at the threshold $threshold', ({ labels, probabilities, threshold, ...expected }) => {
    const metrics = classificationMetrics(labels, probabilities, threshold);
    expect(metrics.confusion_matrix).toEqual(expected.confusion_matrix);
    expect(metrics.accuracy).toBeCloseTo(expected.accuracy, 12);
    expect(metrics.f1).toBeCloseTo(expected.f1, 12);
    expect(metrics.roc_auc).toBeCloseTo(expected.roc_auc, 12);
    expect(metrics.average_precision).toBeCloseTo(expected.average_precision, 12);
    expect(balancedAccuracy(labels, probabilities, threshold)).toBeCloseTo(expected.balanced_accuracy, 12);
  });

  test('and those of the reference numbers', () => {
    const { y, s, auc, ap, prec, rec, f1 } = JSON.parse(readFileSync(new URL('../fixtures/statistics/metrics.json', import.meta.url), 'utf8')) as {
      y: number[];
      s: number[];
      auc: number;
      ap: number;
      prec: number;
      rec: number;
      f1: number;
    };
    expect(rocAuc(y, s)).toBeCloseTo(auc, 14);
    expect(averagePrecision(y, s)).toBeCloseTo(ap, 14);
    const metrics = classificationMetrics(y, s, 0.5);
    expect([metrics.precision, metrics.recall, metrics.f1]).toEqual([prec, rec, f1].map((value) => expect.closeTo(value, 12) as number));
  });
});
