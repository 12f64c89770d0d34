import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TaskMetrics } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
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
