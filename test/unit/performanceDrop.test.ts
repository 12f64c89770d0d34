import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { MetricName, TaskMetrics } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { breachedBatches, measureBatch, type LabelledBatch } from '../../src/monitoring/batches.js';
import { assessPerformance, metricVariance, type KnownVariance } from '../../src/monitoring/performance.js';
import { binaryMetrics } from '../support/binaryMetrics.js';

const golden = JSON.parse(readFileSync(new URL('../fixtures/statistics/delong.json', import.meta.url), 'utf8')) as {
  y: number[];
  s1: number[];
  s2: number[];
  var: [number, number];
};

/** 1,000 rows, 100 of them positive. */
const metrics = (tp: number, fp: number, roc_auc: number | null = 0.7): TaskMetrics => ({
  accuracy: (tp + 900 - fp) / 1_000,
  precision: tp / (tp + fp),
  recall: tp / 100,
  f1: (2 * tp) / (tp + fp + 100),
  roc_auc,
  average_precision: 0.3,
  confusion_matrix: [
    [900 - fp, fp],
    [100 - tp, tp],
  ],
  n: 1_000,
});
const settings = { performance_metric: 'roc_auc' as KnownVariance, performance_threshold_drop: 0.05, alpha: 0.01 };

describe('the variance of', () => {
  test('ROC AUC is near that of DeLong, which sees the rows', () => {
    [golden.s1, golden.s2].forEach((scores, i) => {
      const found = metricVariance(binaryMetrics(golden.y, scores, 0.5), 'roc_auc');
      expect(found / golden.var[i]!).toBeGreaterThan(0.75);
      expect(found / golden.var[i]!).toBeLessThan(1.5);
    });
  });

  test('ROC AUC is by Hanley and McNeil', () => {
    // .7 of 100 and 900 rows: Q1 = .7/1.3 = .53846, Q2 = .98/1.7 = .57647;
    // (.21 + 99 (.53846 - .49) + 899 (.57647 - .49)) / 90,000 = (.21 + 4.79769 + 77.73706) / 90,000.
    expect(metricVariance(metrics(50, 200), 'roc_auc')).toBeCloseTo(82.74475 / 90_000, 8);
  });

  test.each<[KnownVariance, number]>([
    // (share)(1 - share) / (rows + 4) with share = (rows having it + 2) / (rows + 4).
    ['accuracy', ((752 / 1_004) * (252 / 1_004)) / 1_004],
    ['precision', ((52 / 254) * (202 / 254)) / 254],
    ['recall', ((52 / 104) * (52 / 104)) / 104],
    ['average_precision', ((32 / 104) * (72 / 104)) / 104],
    // The Jaccard index is 50 of 300: its variance times (2 / (1 + J)^2)^2.
    ['f1', (((52 / 304) * (252 / 304)) / 304) * (2 / (1 + 52 / 304) ** 2) ** 2],
  ])('%s', (metric, variance) => {
    expect(metricVariance(metrics(50, 200), metric)).toBeCloseTo(variance, 12);
  });

  test.each<KnownVariance>(['accuracy', 'precision', 'recall', 'f1', 'roc_auc', 'average_precision'])(
    '%s is that of resamples',
    (metric) => {
      const random = new Mt19937(3);
      const draw = () => Uint32Array.from({ length: golden.y.length }, () => random.integer(golden.y.length - 1));
      const values = Array.from({ length: 500 }, () => {
        const rows = draw();
        const at = (of: number[]) => Float64Array.from(rows, (row) => of[row]!);
        return binaryMetrics(at(golden.y), at(golden.s2), 0.5)[metric]!;
      });
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
      const found = metricVariance(binaryMetrics(golden.y, golden.s2, 0.5), metric);
      expect(Math.sqrt(found / variance)).toBeGreaterThan(0.75);
      expect(Math.sqrt(found / variance)).toBeLessThan(1.4);
    },
  );
});

describe('a drop', () => {
  test('that is above the threshold and more than sampling explains is a breach', () => {
    // Standard errors .0303 and .0316: .15 are 3.4 of the difference's.
    const found = assessPerformance(metrics(50, 200, 0.75), metrics(50, 200, 0.6), settings)!;
    expect(found).toMatchObject({ metric: 'roc_auc', breached: true });
    expect(found.drop).toBeCloseTo(0.15, 12);
    expect(found.p_value).toBeLessThan(0.001);
  });

  test('above the threshold that sampling explains is none', () => {
    const found = assessPerformance(metrics(50, 200, 0.75), metrics(50, 200, 0.69), settings)!;
    expect(found.drop).toBeGreaterThan(settings.performance_threshold_drop);
    expect(found.p_value).toBeGreaterThan(0.05);
    expect(found.breached).toBe(false);
  });

  test('below the threshold is none, however sure', () => {
    const large = (roc_auc: number): TaskMetrics => ({
      ...metrics(50, 200, roc_auc),
      confusion_matrix: [
        [700_000, 200_000],
        [50_000, 50_000],
      ],
      n: 1_000_000,
    });
    expect(assessPerformance(large(0.7), large(0.66), settings)).toMatchObject({ breached: false });
    expect(assessPerformance(large(0.7), large(0.64), settings)).toMatchObject({ breached: true });
  });

  test('at the threshold is none', () => {
    const sure = (roc_auc: number): TaskMetrics => ({
      ...metrics(50, 200, roc_auc),
      confusion_matrix: [
        [700_000, 200_000],
        [50_000, 50_000],
      ],
      n: 1_000_000,
    });
    const found = assessPerformance(sure(0.75), sure(0.5), { ...settings, performance_threshold_drop: 0.25 });
    expect(found).toMatchObject({ drop: 0.25, breached: false });
  });

  test('of nothing between two that are without a fault has no certainty either way', () => {
    expect(assessPerformance(metrics(100, 0, 1), metrics(100, 0, 1), settings)).toMatchObject({
      drop: 0,
      p_value: 0.5,
      breached: false,
    });
  });

  test('that is a gain, or nothing, is none', () => {
    expect(assessPerformance(metrics(50, 200, 0.6), metrics(50, 200, 0.9), settings)).toMatchObject({
      breached: false,
    });
    expect(assessPerformance(metrics(50, 200), metrics(50, 200), settings)).toMatchObject({
      drop: 0,
      p_value: 0.5,
      breached: false,
    });
  });

  test('of what is undefined is not assessed', () => {
    expect(assessPerformance(metrics(50, 200, null), metrics(50, 200), settings)).toBeNull();
    expect(assessPerformance(metrics(50, 200), metrics(50, 200, null), settings)).toBeNull();
  });
});

describe('a drop of an error, which is better the lower it is', () => {
  const numbers = (mae: number, n: number): TaskMetrics => ({ mae, n });
  const limit = { performance_metric: 'mae' as const, performance_threshold_drop: 0.1, alpha: 0.01 };

  test('is a rise, held to a share of what it was at training', () => {
    // The limit is .1 of 20. Errors of .5 on both sides, as of equally many rows: 3 are 4.24 of .7071.
    const found = assessPerformance(numbers(20, 100), numbers(23, 100), limit, 0.5)!;
    expect(found).toMatchObject({ drop: 3, breached: true });
    // scipy.stats.norm.sf(3 / sqrt(.5)).
    expect(found.p_value).toBeCloseTo(1.1045e-5, 8);
    expect(assessPerformance(numbers(20, 100), numbers(22, 100), limit, 0.01)).toMatchObject({ breached: false });
    expect(assessPerformance(numbers(20, 100), numbers(17, 100), limit, 0.01)).toMatchObject({
      drop: -3,
      breached: false,
    });
  });

  test('is less certain against a training of fewer rows, and not assessed without a standard error', () => {
    // .5 sqrt(1 + 100 / 25) = 1.118: 3 are 2.6833 of it. scipy.stats.norm.sf(2.6833) = .003645.
    expect(assessPerformance(numbers(20, 25), numbers(23, 100), limit, 0.5)!.p_value).toBeCloseTo(0.003645, 6);
    expect(assessPerformance(numbers(20, 25), numbers(23, 100), limit)).toBeNull();
  });

  test('r2 and log_loss are held to the threshold itself', () => {
    const of = (metric: MetricName, before: number, now: number) =>
      assessPerformance(
        { [metric]: before, n: 100 },
        { [metric]: now, n: 100 },
        { ...limit, performance_metric: metric },
        0.001,
      )!.breached;
    // .08 is above .1 of what it was, and below .1.
    expect([of('r2', 0.5, 0.42), of('r2', 0.5, 0.38)]).toEqual([false, true]);
    expect([of('log_loss', 0.5, 0.58), of('log_loss', 0.5, 0.62)]).toEqual([false, true]);
  });
});

describe('a batch of labelled rows', () => {
  const settings = { performance_metric: 'mae' as const, performance_threshold_drop: 0.1, alpha: 0.01 };
  const numbers = (labels: number[], said: number[], metrics: MetricName[], baseline?: TaskMetrics) =>
    measureBatch(
      { task: 'regression', objective: 'squared_error' },
      labels,
      { values: Float64Array.from(said), width: 1 },
      {
        metrics,
        threshold: 0.5,
        baseline,
        settings,
      },
    );
  const classes = (labels: number[], said: number[], metrics: MetricName[]) =>
    measureBatch(
      { task: 'binary', classes: ['0', '1'] },
      labels,
      { values: Float64Array.from(said), width: 1 },
      {
        metrics,
        threshold: 0.5,
        baseline: undefined,
        settings,
      },
    ).measured;

  test('has an interval of 1.96 standard errors on each side', () => {
    const { mae } = numbers([0, 1, 0, 1, 0, 1], [1, 9, 2, 8, 1, 0], ['mae']).measured;
    // Errors of 1, 8, 2, 7, 1 and 1, whose squares add up to 120: a variance of (120 - 400/6) / 5 = 32/3.
    const half = 1.96 * Math.sqrt(32 / 3 / 6);
    expect(mae!.value).toBeCloseTo(20 / 6, 12);
    expect(mae!.interval).toEqual([expect.closeTo(20 / 6 - half, 9), expect.closeTo(20 / 6 + half, 9)]);
  });

  test('has no interval beyond what its metric can be', () => {
    // One of six rows is right: 1/6 less 1.96 standard errors is below 0.
    const found = classes(
      [1, 1, 0, 0, 1, 0],
      [0.1, 0.2, 0.9, 0.8, 0.6, 0.7],
      ['accuracy', 'matthews_corrcoef', 'cohen_kappa'],
    );
    expect(found.accuracy!.interval![0]).toBe(0);
    expect(found.matthews_corrcoef!.interval![0]).toBe(-1);
    expect(found.cohen_kappa!.interval![0]).toBe(-1);
    const other = classes(
      [1, 1, 0, 0, 1, 0],
      [0.9, 0.8, 0.1, 0.2, 0.4, 0.3],
      ['accuracy', 'matthews_corrcoef', 'cohen_kappa'],
    );
    expect(Object.values(other).map(({ interval }) => interval![1])).toEqual([1, 1, 1]);

    // An error may be large, and is never below 0; r2 is never above 1, and may be far below 0.
    const far = numbers([0, 0, 0, 1], [0, 0, 0, 11], ['mae', 'r2']).measured;
    expect(far.mae!.interval![0]).toBe(0);
    expect(far.mae!.interval![1]).toBeGreaterThan(2.5);
    expect(far.r2!.interval![0]).toBeLessThan(far.r2!.value);
    expect(numbers([0, 1, 2, 3], [1, 1, 1, 3], ['r2']).measured.r2!.interval![1]).toBe(1);
  });

  test('leaves out what its rows leave undefined', () => {
    expect(Object.keys(classes([1, 1], [0.7, 0.8], ['roc_auc', 'accuracy']))).toEqual(['accuracy']);
  });

  test('tells of a drop only what is known of the training', () => {
    const [labels, said] = [
      [0, 0, 0, 0],
      [1, 2, 3, 2],
    ];
    expect(numbers(labels, said, ['mae']).drop).toBeNull();
    // A mean error of 2 is more than 1.1 and no more than 2.2.
    expect(numbers(labels, said, ['mae'], { mae: 1, n: 4 }).drop).toMatchObject({ isLarge: true });
    expect(numbers(labels, said, ['mae'], { mae: 2, n: 4 }).drop).toEqual({ p_value: 0.5, isLarge: false });
    // Without the watched metric among those that are told, it is not known how certain it is.
    expect(numbers(labels, said, ['r2'], { mae: 1, n: 4 }).drop).toBeNull();
  });
});

test('batches breach whose large drops are certain when all are looked at together', () => {
  const batch = (p_value: number, isLarge = true): LabelledBatch => ({ measured: {}, drop: { p_value, isLarge } });
  // Of three tests the limits are a third, two thirds and the whole of alpha.
  expect(
    breachedBatches([batch(0.01), undefined, batch(0.03), { measured: {}, drop: null }, batch(0.9)], 0.05),
  ).toEqual([true, false, true, false, false]);
  expect(breachedBatches([batch(0.03), batch(0.9), batch(0.8)], 0.05)).toEqual([false, false, false]);
  expect(breachedBatches([batch(0.01, false), batch(0.01)], 0.05)).toEqual([false, true]);
});
