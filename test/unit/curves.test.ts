import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { binaryCurves, curvesShape, multiclassCurves, regressionCurves, someOf } from '../../src/ml/metrics/curves.js';
import type { ModelOutput } from '../../src/ml/modelOutput.js';

const output = (values: ArrayLike<number>, width = 1): ModelOutput => ({ values: Float64Array.from(values), width });
const range = (length: number) => Array.from({ length }, (_, i) => i);
const document = z.strictObject(curvesShape);

describe('of yes or no', () => {
  const CLASSES = ['no', 'yes'];
  const curves = binaryCurves([1, 0, 1, 0], output([0.9, 0.8, 0.4, 0.1]), CLASSES);

  test('the ROC curve has a point per score, from nothing to everything', () => {
    expect(curves.roc).toEqual([
      {
        positive: 'yes',
        points: [
          [0, 0],
          [0, 0.5],
          [0.5, 0.5],
          [0.5, 1],
          [1, 1],
        ],
      },
    ]);
  });

  test('precision and recall have one, too, to five digits', () => {
    expect(curves.precision_recall).toEqual([
      {
        positive: 'yes',
        points: [
          [0.5, 1],
          [0.5, 0.5],
          [1, 0.66667],
          [1, 0.5],
        ],
      },
    ]);
  });

  test('rows of one score have one point together', () => {
    const tied = binaryCurves([1, 0, 0], output([0.5, 0.5, 0.2]), CLASSES);
    expect(tied.roc![0]!.points).toEqual([
      [0, 0],
      [0.5, 1],
      [1, 1],
    ]);
    expect(tied.precision_recall![0]!.points).toEqual([
      [1, 0.5],
      [1, 0.33333],
    ]);
  });

  test('decisions are counted at each hundredth: a score on the threshold is positive', () => {
    const thresholds = curves.thresholds!;
    expect(thresholds).toHaveLength(101);
    expect(thresholds.map(({ threshold }) => threshold)).toEqual(range(101).map((hundredth) => hundredth / 100));
    expect(thresholds[0]).toEqual({ threshold: 0, precision: 0.5, recall: 1, f1: 0.66667, positive: 1 });
    // One of two is right, and one of two found.
    expect(thresholds[80]).toEqual({ threshold: 0.8, precision: 0.5, recall: 0.5, f1: 0.5, positive: 0.5 });
    expect(thresholds[81]).toEqual({ threshold: 0.81, precision: 1, recall: 0.5, f1: 0.66667, positive: 0.25 });
    expect(thresholds[100]).toEqual({ threshold: 1, precision: null, recall: 0, f1: 0, positive: 0 });
  });

  test('scores of each class are counted in twentieths, 1 in the last one', () => {
    const counted = (values: Record<number, number>) => range(20).map((bin) => values[bin] ?? 0);
    expect(curves.scores).toEqual([
      { class: 'no', counts: counted({ 2: 1, 16: 1 }) },
      { class: 'yes', counts: counted({ 8: 1, 18: 1 }) },
    ]);
    expect(binaryCurves([1, 0], output([1, 1]), CLASSES).scores![1]!.counts).toEqual(counted({ 19: 1 }));
  });

  test('rows of one class have no curve, and no rows have nothing', () => {
    const negative = binaryCurves([0, 0], output([0.2, 0.1]), CLASSES);
    expect(negative).not.toHaveProperty('roc');
    expect(negative).not.toHaveProperty('precision_recall');
    expect(negative.thresholds![0]).toEqual({ threshold: 0, precision: 0, recall: 0, f1: 0, positive: 1 });
    expect(negative.thresholds![100]).toEqual({ threshold: 1, precision: null, recall: 0, f1: 0, positive: 0 });
    expect(binaryCurves([1, 1], output([0.2, 0.1]), CLASSES)).not.toHaveProperty('roc');
    expect(binaryCurves([], output([]), CLASSES)).toEqual({});
  });

  test('a curve of many points is thinned along its way, with its ends', () => {
    // A positive and a negative in turn: steps of .002 along a way of 2.
    const rows = range(1_000);
    const many = binaryCurves(
      rows.map((row) => (row + 1) % 2),
      output(rows.map((row) => 1 - row / 1_000)),
      CLASSES,
    );
    const points = many.roc![0]!.points;
    expect([points[0], points.at(-1)]).toEqual([
      [0, 0],
      [1, 1],
    ]);
    // 198 steps of 2 / 198, about .0101, to the next point behind each.
    const gaps = points.slice(1).map(([x, y], i) => x - points[i]![0] + y - points[i]![1]);
    expect(points.length).toBeLessThanOrEqual(200);
    expect(points.length).toBeGreaterThan(190);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(0.0121);
    expect(Math.min(...gaps.slice(0, -1))).toBeGreaterThanOrEqual(0.0079);
    // As many as are shown are shown whole: the start, and a point per row.
    const few = (count: number) =>
      binaryCurves(
        rows.slice(0, count).map((row) => (row + 1) % 2),
        output(rows.slice(0, count).map((row) => 1 - row / 1_000)),
        CLASSES,
      ).roc![0]!.points.length;
    expect(few(199)).toBe(200);
    expect(few(200)).toBeLessThanOrEqual(200);
  });

  test('are read as they are written', () => {
    expect(document.parse(curves)).toEqual(curves);
    expect(document.safeParse({ roc: [{ points: [] }] }).success).toBe(false);
  });
});

describe('how predictions compare with what came', () => {
  const groups = (labels: number[], values: number[]) =>
    regressionCurves(labels, output(values)).calibration!.map(({ predicted, observed, rows }) => [
      predicted,
      observed,
      rows,
    ]);

  test('few rows are told one by one, from the lowest prediction up', () => {
    expect(groups([10, 30, 20], [3, 1, 2])).toEqual([
      [1, 30, 1],
      [2, 20, 1],
      [3, 10, 1],
    ]);
  });

  test('rows of one prediction stay together, and the groups behind them are as large as any', () => {
    // 12 of 20 rows say 0; tenths are two rows.
    const values = range(20).map((row) => Math.max(0, row - 11));
    const labels = range(20);
    expect(groups(labels, values)).toEqual([
      [0, 5.5, 12],
      [1.5, 12.5, 2],
      [3.5, 14.5, 2],
      [5.5, 16.5, 2],
      [7.5, 18.5, 2],
    ]);
  });
});

test('of several classes each that has rows has curves against the others, and the choice its calibration', () => {
  const rows = [0.7, 0.2, 0.1, /* row */ 0.2, 0.5, 0.3, /* row */ 0.6, 0.3, 0.1];
  const curves = multiclassCurves([0, 1, 1], output(rows, 3), ['A', 'B', 'C']);
  expect(curves).toEqual({
    roc: [
      {
        positive: 'A',
        points: [
          [0, 0],
          [0, 1],
          [0.5, 1],
          [1, 1],
        ],
      },
      {
        positive: 'B',
        points: [
          [0, 0],
          [0, 0.5],
          [0, 1],
          [1, 1],
        ],
      },
    ],
    precision_recall: [
      {
        positive: 'A',
        points: [
          [1, 1],
          [1, 0.5],
          [1, 0.33333],
        ],
      },
      {
        positive: 'B',
        points: [
          [0.5, 1],
          [1, 1],
          [1, 0.66667],
        ],
      },
    ],
    // Sure by .5 and right, by .6 and wrong, by .7 and right.
    calibration: [
      { predicted: 0.5, observed: 1, rows: 1 },
      { predicted: 0.6, observed: 0, rows: 1 },
      { predicted: 0.7, observed: 1, rows: 1 },
    ],
  });
  expect(document.parse(curves)).toEqual(curves);
  expect(multiclassCurves([], output([], 3), ['A', 'B', 'C'])).toEqual({});
});

describe('of a number', () => {
  // What came less what was predicted is -100 to 100.
  const rows = range(201);
  const labels = rows.map((row) => 2 * row - 100);
  const curves = regressionCurves(labels, output(rows));

  test('residuals are counted in twenty bins between the half percents, those beyond in the outermost', () => {
    const { edges, counts } = curves.residuals!;
    // From -99 to 99, by 9.9.
    expect(edges).toHaveLength(21);
    expect([edges[0], edges[1], edges[10], edges[20]]).toEqual([-99, -89.1, 0, 99]);
    // Of -99 to 98 ten whole numbers a bin, but for -9 to -1 and 90 to 98; then -100, and 99 and 100.
    const tens = Array.from({ length: 8 }, () => 10);
    expect(counts).toEqual([11, ...tens, 10 - 1, 10, ...tens, 9 + 2]);
  });

  test('two hundred rows are drawn, evenly spread, and all of fewer', () => {
    expect(curves.predicted_actual).toHaveLength(200);
    expect(curves.predicted_actual![1]).toEqual([1, -98]);
    expect(curves.predicted_actual!.at(-1)).toEqual([199, 298]);
    expect(someOf(3)).toEqual([0, 1, 2]);
    expect(someOf(400, 4)).toEqual([0, 100, 200, 300]);
  });

  test('groups are a tenth of the rows each, by their predictions', () => {
    expect(curves.calibration!.map(({ rows }) => rows)).toEqual([21, 20, 20, 20, 20, 20, 20, 20, 20, 20]);
    // Rows 0 to 20, and 21 to 40.
    expect(curves.calibration!.slice(0, 2)).toEqual([
      { predicted: 10, observed: -80, rows: 21 },
      { predicted: 30.5, observed: -39, rows: 20 },
    ]);
  });

  test('residuals that are all alike have no bins, and no rows have nothing', () => {
    expect(regressionCurves([3, 4], output([1, 2]))).not.toHaveProperty('residuals');
    expect(regressionCurves([], output([]))).toEqual({});
    expect(document.parse(curves)).toEqual(curves);
  });
});
