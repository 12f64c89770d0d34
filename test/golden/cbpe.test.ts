import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import type { ModelOutput } from '../../src/ml/modelOutput.js';
import { assessEstimate, PerformanceEstimator } from '../../src/monitoring/cbpe.js';

interface Rows {
  /** Of the positive class, or of each class. */
  probability: (number | number[])[];
  decided: number[];
}
interface Case {
  needs_calibration: boolean | boolean[];
  classes?: string[];
  reference: Rows & { label: number[] };
  analysis: Rows;
  chunks: Record<'roc_auc' | 'accuracy' | 'f1', { value: number; sampling_error: number }>[];
}
/** NannyML's estimates on rows of its own synthetic data, by fixtures/make_cbpe_fixtures.py. */
const golden = JSON.parse(readFileSync(new URL('../fixtures/statistics/cbpe.json', import.meta.url), 'utf8')) as {
  chunk: number;
  binary: Record<string, Case>;
  multiclass: Record<string, Case>;
};

const outputOf = (probability: Rows['probability']): ModelOutput => {
  const width = Array.isArray(probability[0]) ? probability[0].length : 1;
  return { values: Float64Array.from(probability.flat()), width };
};

/** The least probability that was decided for: data have decisions, and no threshold. */
function thresholdOf({ probability, decided }: Rows): number {
  return Math.min(...(probability as number[]).filter((_, row) => decided[row] === 1));
}

/** Estimates of each chunk beside NannyML's. */
function compared(task: TaskSpec, { reference, analysis, chunks }: Case, threshold: number) {
  const estimator = PerformanceEstimator.of(task, reference.label, outputOf(reference.probability), threshold)!;
  const [rocAuc, accuracy, f1] = estimator.metrics;
  const names = { roc_auc: rocAuc!, accuracy: accuracy!, f1: f1! };
  return {
    estimator,
    pairs: chunks.flatMap((chunk, i) => {
      const rows = analysis.probability.slice(i * golden.chunk, (i + 1) * golden.chunk);
      const found = estimator.estimate(outputOf(rows));
      return (Object.keys(names) as (keyof typeof names)[]).map((name) => ({
        name,
        chunk: i,
        found: found[names[name]]!,
        wanted: chunk[name],
      }));
    }),
  };
}

describe("estimates of performance are NannyML's", () => {
  test.each(Object.entries(golden.binary))('%s', (_, rows) => {
    const task: TaskSpec = { task: 'binary', classes: ['0', '1'] };
    const { estimator, pairs } = compared(task, rows, thresholdOf(rows.reference));
    expect(estimator.calibrated).toEqual([rows.needs_calibration]);
    expect(pairs).toHaveLength(3 * rows.chunks.length);
    for (const { found, wanted } of pairs) {
      // Far within the sampling error: what is left is how rows of equal scores are ordered.
      expect(Math.abs(found.value - wanted.value)).toBeLessThan(0.01 * wanted.sampling_error);
      expect(Math.abs(found.sampling_error! / wanted.sampling_error - 1)).toBeLessThan(0.02);
    }
  });

  test.each(Object.entries(golden.multiclass))('of several classes: %s', (_, rows) => {
    const task: TaskSpec = { task: 'multiclass', classes: rows.classes! };
    const { estimator, pairs } = compared(task, rows, 0.5);
    expect(estimator.calibrated).toEqual(rows.needs_calibration);
    expect(pairs).toHaveLength(3 * rows.chunks.length);
    for (const { found, wanted } of pairs) {
      // Of equally probable classes NannyML's data decide by lot, and Perdure for the first.
      expect(Math.abs(found.value - wanted.value)).toBeLessThan(0.03 * wanted.sampling_error);
      expect(Math.abs(found.sampling_error! / wanted.sampling_error - 1)).toBeLessThan(0.02);
    }
  });
});

describe('by hand: an estimate', () => {
  const task: TaskSpec = { task: 'binary', classes: ['0', '1'] };
  /** Too few rows for calibrating, so that probabilities count as they are. */
  const estimator = PerformanceEstimator.of(task, [1, 1, 1, 0, 0, 0], outputOf([0.9, 0.8, 0.3, 0.7, 0.6, 0.1]), 0.5)!;
  const values = (probability: Rows['probability'], of = estimator) =>
    Object.fromEntries(Object.entries(of.estimate(outputOf(probability))).map(([name, { value }]) => [name, value]));
  const close = (value: number) => expect.closeTo(value, 12) as number;

  test('counts each row by its probability, rows of equal ones together', () => {
    expect(values([0.8, 0.4, 0.4])).toEqual({
      // Steps of .8 positives and .2 negatives, and of .8 and 1.2, lie below the line from one to the next:
      // (.2 (.4) + 1.2 (.8 + .4)) / (1.6 (1.4)).
      roc_auc: close(1.52 / 2.24),
      accuracy: close((0.8 + 0.6 + 0.6) / 3),
      // .8 found, .2 found wrongly, .8 missed.
      f1: close(0.8 / (0.8 + (0.2 + 0.8) / 2)),
    });
  });

  test('of rows that are certainly of one class has no ROC AUC, and of none has nothing', () => {
    expect(values([1, 1])).toEqual({ accuracy: 1, f1: 1 });
    expect(values([0, 0])).toEqual({ accuracy: 1, f1: 0 });
    expect(values([])).toEqual({});
  });

  test('has the sampling errors of the held-out rows', () => {
    const of = estimator.estimate(outputOf([0.8, 0.4, 0.4]));
    // Half the rows are positive. Above them are none, none and two of three negatives: a variance of 4/27 - 4/81 = 8/81.
    expect(of.roc_auc!.sampling_error).toBeCloseTo(Math.sqrt(8 / 81 / (3 * 0.5)), 12);
    // Three of six decisions are wrong.
    expect(of.accuracy!.sampling_error).toBeCloseTo(0.5 / Math.sqrt(3), 12);
    // Two are found and three are wrong, which are five of six rows: a share of .4, weighted by 5 / (2 + 3/2).
    expect(of.f1!.sampling_error).toBeCloseTo((Math.sqrt(0.4 * 0.6) * (5 / 3.5)) / Math.sqrt((3 * 5) / 6), 12);
  });

  test('goes by the rarer class, which the negatives are where most rows are positive', () => {
    const most = PerformanceEstimator.of(task, [1, 1, 1, 1, 0, 0], outputOf([0.9, 0.8, 0.3, 0.2, 0.7, 0.1]), 0.5)!;
    // Above the negatives are two and four of four positives: a variance of 1/16 over a third of the rows.
    expect(most.estimate(outputOf([0.8, 0.4])).roc_auc!.sampling_error).toBeCloseTo(Math.sqrt(1 / 16 / (2 / 3)), 12);
  });

  test('has no sampling error where the held-out rows are of one class', () => {
    const one = PerformanceEstimator.of(task, [0, 0], outputOf([0.2, 0.1]), 0.5)!;
    const of = one.estimate(outputOf([0.8, 0.4]));
    expect(of.roc_auc!.sampling_error).toBeNull();
    expect(of.f1!.sampling_error).toBeNull();
    expect(of.accuracy!.sampling_error).toBe(0);
  });

  test('of several classes has no sampling error where the held-out rows have none of one of them', () => {
    const several = PerformanceEstimator.of(
      { task: 'multiclass', classes: ['a', 'b', 'c'] },
      [0, 1, 0],
      outputOf([
        [0.8, 0.1, 0.1],
        [0.1, 0.8, 0.1],
        [0.2, 0.7, 0.1],
      ]),
      0.5,
    )!;
    const of = several.estimate(outputOf([[0.6, 0.3, 0.1]]));
    expect(Object.values(of).map(({ sampling_error }) => sampling_error)).toEqual([
      null,
      // One of three decisions is wrong.
      expect.closeTo(Math.sqrt((1 / 3) * (2 / 3)), 12),
      null,
    ]);
  });

  test.each([
    [20, 2, true],
    [19, 2, false],
    [20, 1, false],
  ])(
    'is of calibrated probabilities where %i held-out rows, %i of them positive, are said to be so by .8: %s',
    (rows, positives, isCalibrated) => {
      const labels = Array.from({ length: rows }, (_, row) => Number(row < positives));
      // One is told from the others, so that the ranking is not perfect.
      const said = labels.map((_, row) => (row === 0 ? 0.9 : 0.8));
      expect(PerformanceEstimator.of(task, labels, outputOf(said), 0.5)!.calibrated).toEqual([isCalibrated]);
    },
  );

  test('is not there without held-out rows, or for a task without probabilities', () => {
    expect(PerformanceEstimator.of(task, [], outputOf([]), 0.5)).toBeUndefined();
    expect(
      PerformanceEstimator.of({ task: 'regression', objective: 'squared_error' }, [1], outputOf([1]), 0.5),
    ).toBeUndefined();
  });

  test('of several classes takes a row of which no class has anything for each of them alike', () => {
    const several = PerformanceEstimator.of(
      { task: 'multiclass', classes: ['a', 'b', 'c'] },
      [0, 1, 2],
      outputOf([
        [0.8, 0.1, 0.1],
        [0.1, 0.8, 0.1],
        [0.1, 0.1, 0.8],
      ]),
      0.5,
    )!;
    expect(values([[0, 0, 0]], several).accuracy).toBeCloseTo(1 / 3, 12);
    // Of probabilities that add up to .5, .3 are 60%.
    expect(values([[0.3, 0.1, 0.1]], several).accuracy).toBeCloseTo(0.6, 12);
  });
});

describe('an estimate against the training', () => {
  const settings = { performance_metric: 'roc_auc' as const, performance_threshold_drop: 0.05, alpha: 0.01 };
  const against = (value: number, sampling_error: number | null, roc_auc: number | null = 0.8) =>
    assessEstimate({ roc_auc, n: 400 }, { roc_auc: { value, sampling_error } }, 'roc_auc', 100, settings);

  test('has the sampling errors of both', () => {
    // .02 sqrt(1 + 100 / 400) = .022361: .1 is 4.4721 of it. scipy.stats.norm.sf(4.4721) = 3.872e-6.
    const found = against(0.7, 0.02)!;
    expect(found).toMatchObject({ rows: 100, value: 0.7, sampling_error: 0.02, baseline: 0.8, breached: true });
    expect(found.drop).toBeCloseTo(0.1, 12);
    expect(found.p_value).toBeCloseTo(3.872e-6, 8);
  });

  test('is no breach below the limit, nor where chance explains it', () => {
    expect(against(0.76, 0.001)).toMatchObject({ breached: false });
    expect(against(0.7, 0.05)).toMatchObject({ breached: false });
  });

  test('is not told where either is undefined', () => {
    expect([against(0.7, null), against(0.7, 0.02, null)]).toEqual([null, null]);
    expect(assessEstimate({ roc_auc: 0.8, n: 400 }, {}, 'roc_auc', 100, settings)).toBeNull();
  });
});
