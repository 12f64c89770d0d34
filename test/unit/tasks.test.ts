import { describe, expect, test } from 'vitest';
import type { ScoringName, TaskSpec } from '../../src/contracts/index.js';
import { bootstrapIntervals } from '../../src/ml/comparison/bootstrap.js';
import { delongTest } from '../../src/ml/comparison/delong.js';
import type { ModelOutput } from '../../src/ml/modelOutput.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import type { Measure } from '../../src/ml/metrics/measure.js';
import { rowsFromHighest } from '../../src/ml/metrics/ranking.js';
import { taskOf } from '../../src/ml/tasks/task.js';

const BINARY: TaskSpec = { task: 'binary', classes: ['no', 'yes'] };
const GRADES: TaskSpec = { task: 'multiclass', classes: ['A', 'B', 'C'] };
const COUNTS: TaskSpec = { task: 'regression', objective: 'poisson' };

function output(width: number, ...values: number[]): ModelOutput {
  return { values: Float64Array.from(values), width };
}

describe('what a predictions file has per row', () => {
  test('of yes or no: the probability, and the label from the threshold on', () => {
    expect(taskOf(BINARY).predictionColumns(output(1, 0.2, 0.3), 0.3)).toEqual([
      { name: 'probability', type: 'DOUBLE', values: Float64Array.of(0.2, 0.3) },
      { name: 'label', type: 'TINYINT', values: Int8Array.of(0, 1) },
    ]);
  });

  test("of several classes: the most probable class's text, the first of equal ones, and a probability for each", () => {
    expect(taskOf(GRADES).predictionColumns(output(3, 0.2, 0.3, 0.5, 0.4, 0.4, 0.2), 0.5)).toEqual([
      { name: 'label', type: 'VARCHAR', values: ['C', 'A'] },
      { name: 'probability_A', type: 'DOUBLE', values: Float64Array.of(0.2, 0.4) },
      { name: 'probability_B', type: 'DOUBLE', values: Float64Array.of(0.3, 0.4) },
      { name: 'probability_C', type: 'DOUBLE', values: Float64Array.of(0.5, 0.2) },
    ]);
  });

  test('of classes that only the case of letters tells apart: columns that are told apart without it', () => {
    const cased = taskOf({ task: 'multiclass', classes: ['a', 'A', 'A_2', 'É', 'é'] });
    expect(cased.predictionColumns(output(5), 0.5).map(({ name }) => name)).toEqual([
      'label',
      'probability_a',
      'probability_A_3',
      'probability_A_2',
      'probability_É',
      'probability_é',
    ]);
  });

  test('of a number: the number', () => {
    expect(taskOf(COUNTS).predictionColumns(output(1, 2.5), 0.5)).toEqual([
      { name: 'prediction', type: 'DOUBLE', values: Float64Array.of(2.5) },
    ]);
  });
});

describe('what can not be measured', () => {
  test('no rows: everything is null', () => {
    for (const [spec, width] of [
      [BINARY, 1],
      [GRADES, 3],
      [COUNTS, 1],
    ] as const) {
      const { n, confusion_matrix, threshold, ...metrics } = taskOf(spec).metrics([], output(width), 0.5);
      expect(n).toBe(0);
      expect(threshold).toBe(spec.task === 'binary' ? 0.5 : undefined);
      expect(confusion_matrix?.flat() ?? []).toEqual(confusion_matrix ? expect.not.arrayContaining([1]) : []);
      expect(Object.values(metrics).every((value) => value === null)).toBe(true);
    }
  });

  const NO_COUNTS =
    'The neg_mean_poisson_deviance of 2 rows is undefined, as a label is below 0 or a prediction is not above 0; use labels that are counts and estimators with the objective poisson, or another scoring.';

  test.each<[string, TaskSpec, ScoringName, number[], ModelOutput, string]>([
    [
      'several classes are asked for, and one occurs',
      GRADES,
      'roc_auc_ovr',
      [1, 1],
      output(3, 0.1, 0.8, 0.1, 0.2, 0.5, 0.3),
      'The roc_auc_ovr of 2 rows of one class is undefined; use fewer folds or a split with more classes.',
    ],
    [
      'all values are alike',
      COUNTS,
      'r2',
      [2, 2],
      output(1, 1, 2),
      'The r2 of 2 rows with one value is undefined; use fewer folds or a split with more values.',
    ],
    ['a count is predicted as less than 0', COUNTS, 'neg_mean_poisson_deviance', [2, 3], output(1, -0.1, 2), NO_COUNTS],
    ['a count is below 0', COUNTS, 'neg_mean_poisson_deviance', [-1, 3], output(1, 1, 2), NO_COUNTS],
  ])('a search says so: %s', (_, spec, scoring, labels, scored, message) => {
    expect(() => taskOf(spec).foldScore(scoring, labels, scored)).toThrow(
      expect.objectContaining({ type: 'InputInvalid', message }) as Error,
    );
  });

  test.each([NaN, -Infinity])('a prediction that is %d is told as that of a fit that diverged', (value) => {
    expect(() => taskOf(COUNTS).metrics([1, 2], output(1, 0.2, value), 0.5)).toThrow(
      `Row 1 has the prediction ${value}, of which nothing can be measured, as of a model whose fit has diverged; lower its learning rate, or have the transforms scale its columns.`,
    );
  });

  test('R2 of labels that are all alike, whose sum rounding moves off', async () => {
    // Ten times 0.1 add up to 0.9999999999999999.
    const labels = new Array<number>(10).fill(0.1);
    const scored = output(1, ...labels.map((label, row) => label + row / 10));
    expect(taskOf(COUNTS).metrics(labels, scored, 0.5).r2).toBeNull();
    // Of 27 draws 8 have none but the rows of 0.1, of which R2 is undefined.
    const two = { labels: [0.1, 0.1, 0.3], scored: output(1, 0.2, 0.1, 0.3) };
    const { signal } = new AbortController();
    const { r2 } = await taskOf(COUNTS).intervals(two.labels, two.scored, 0.5, { seed: 1, signal });
    expect(r2![0]).toBeGreaterThan(-10);
  });

  test.each<[string, TaskSpec, number[], ModelOutput, string]>([
    ['a model did not score a row', BINARY, [0, 1], output(1, 0.2, NaN), 'Row 1 has the prediction NaN, of which'],
    [
      'a model did not score all rows',
      BINARY,
      [0, 1],
      output(1, 0.2),
      '2 labels of a binary task need 2 x 1 numbers of a model, and there are 1 x 1; score the same rows.',
    ],
    [
      'a model knows other classes',
      GRADES,
      [0, 1],
      output(2, 0.2, 0.8, 0.5, 0.5),
      '2 labels of a multiclass task need 2 x 3 numbers of a model, and there are 2 x 2; score the same rows.',
    ],
    [
      'a row has no class',
      GRADES,
      [0, NaN],
      output(3, 0.2, 0.3, 0.5, 0.5, 0.25, 0.25),
      'Row 1 has the label NaN, which is no position among its classes; leave unlabelled rows out.',
    ],
    [
      'a row has a class that the task does not know',
      BINARY,
      [0, 2],
      output(1, 0.2, 0.3),
      'Row 1 has the label 2, which is no position among its classes; leave unlabelled rows out.',
    ],
    ['a class is below 0', BINARY, [-1, 1], output(1, 0.2, 0.3), 'Row 0 has the label -1, which is no position'],
    ['a class is between two', BINARY, [0.5, 1], output(1, 0.2, 0.3), 'Row 0 has the label 0.5, which is no position'],
    [
      'a row has no value',
      COUNTS,
      [1, NaN],
      output(1, 0.2, 0.3),
      'Row 1 has the label NaN, which is no number; leave unlabelled rows out.',
    ],
    ['a model predicts more than any number', COUNTS, [1, 2], output(1, 0.2, Infinity), 'Row 1 has the prediction'],
    [
      'a row of several classes was not scored',
      GRADES,
      [0, 1],
      output(3, 0.2, 0.3, 0.5, 0.5, NaN, 0.25),
      'Row 1 has the prediction NaN, of which nothing can be measured',
    ],
  ])('is refused: %s', (_, spec, labels, scored, message) => {
    expect(() => taskOf(spec).metrics(labels, scored, 0.5)).toThrow(
      expect.objectContaining({
        type: 'InputInvalid',
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });

  test('a metric or scoring of another task is refused with those that there are', () => {
    expect(() => taskOf(COUNTS).foldScore('roc_auc', [1], output(1, 1))).toThrow(
      /regression task has no scoring roc_auc; it has neg_root_mean_squared_error,/,
    );
    expect(() => taskOf(BINARY).compare('rmse', [1], output(1, 1), output(1, 1), { alpha: 0.05, seed: 1 })).toThrow(
      /binary task has no metric rmse; it has accuracy,/,
    );
  });

  test('two models of one row, or of one class, are not compared', () => {
    const options = { alpha: 0.05, seed: 1 };
    expect(taskOf(COUNTS).compare('rmse', [1], output(1, 1), output(1, 2), options)).toBeNull();
    expect(taskOf(BINARY).compare('roc_auc', [1, 1], output(1, 0.1, 0.2), output(1, 0.3, 0.2), options)).toBeNull();
    expect(
      taskOf(BINARY).compare('balanced_accuracy', [1, 1], output(1, 0.1, 0.2), output(1, 0.3, 0.2), options),
    ).toBeNull();
  });
});

test('one row has no interval of any metric', async () => {
  const { signal } = new AbortController();
  const found = await taskOf(COUNTS).intervals([2], output(1, 3), 0.5, { seed: 1, signal });
  expect(Object.values(found).filter((interval) => interval !== null)).toEqual([]);
});

test('intervals that nobody waits for any more are given up within a turn', async () => {
  const aborted = AbortSignal.abort(new Error('The stage was stopped.'));
  const slow = {
    passes: 1,
    value: () => {
      const until = performance.now() + 60;
      while (performance.now() < until);
      return 1;
    },
  } as unknown as Measure;
  const asked = bootstrapIntervals(new Map([['slow', slow]]), 2, { seed: 1, signal: aborted, draws: 5 });
  await expect(asked).rejects.toThrow('The stage was stopped.');
});

describe('how probabilities compare with what came', () => {
  test('is told of groups of equally many rows, beside those of equal probabilities', () => {
    // Half of the rows say .1, which are as many as five of ten groups have.
    const values = Array.from({ length: 1_000 }, (_, row) => (row < 500 ? 0.1 : row / 1_000));
    const labels = values.map((_, row) => Number(row % 3 === 0));
    const { calibration } = taskOf(BINARY).curves(labels, output(1, ...values));
    expect(calibration!.map(({ rows }) => rows)).toEqual([500, 100, 100, 100, 100, 100]);
    // Rows 500 to 599: mean of 500 / 1000 to 599 / 1000, of which 501, 504 ... 597 are positive.
    expect(calibration![1]).toEqual({ predicted: 0.5495, observed: 0.33, rows: 100 });
  });
});

test('predictions and values that lie close together far from 0 are told apart where they are drawn', () => {
  const labels = [1_700_000_001, 1_700_000_002, 1_700_000_003, 1_700_000_011];
  const curves = taskOf(COUNTS).curves(labels, output(1, 1_700_000_001.5, 1_700_000_002, 1_700_000_005, 1_700_000_010));
  expect(curves.predicted_actual).toEqual([
    [1_700_000_001.5, 1_700_000_001],
    [1_700_000_002, 1_700_000_002],
    [1_700_000_005, 1_700_000_003],
    [1_700_000_010, 1_700_000_011],
  ]);
  expect(curves.calibration![3]).toEqual({ predicted: 1_700_000_010, observed: 1_700_000_011, rows: 1 });
});

describe('the standard error', () => {
  test("of ROC AUC is DeLong's", () => {
    const { labels, scores } = { labels: [1, 0, 1, 1, 0, 0, 1, 0], scores: [0.9, 0.8, 0.8, 0.7, 0.7, 0.3, 0.2, 0.1] };
    const { variance } = delongTest(labels, scores, scores)!;
    expect(taskOf(BINARY).standardError('roc_auc', labels, output(1, ...scores), 0.5)).toBeCloseTo(
      Math.sqrt(variance[0]),
      12,
    );
  });

  test('of a mean is that of a mean', () => {
    // Errors 1, 2, 3, 6: mean 3, squares about it 4 + 1 + 0 + 9.
    expect(taskOf(COUNTS).standardError('mae', [1, 2, 3, 4], output(1, 2, 4, 6, 10), 0.5)).toBeCloseTo(
      Math.sqrt(14 / 3 / 4),
      12,
    );
  });

  test('of decisions has a step of one row where all are right', () => {
    expect(
      taskOf(GRADES).standardError('accuracy', [0, 0, 1, 1], output(3, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0), 0.5),
    ).toBeCloseTo(1 / 4, 12);
  });

  test('is null where a class has a single row, or the metric is undefined', () => {
    expect(taskOf(BINARY).standardError('roc_auc', [1, 0, 0], output(1, 0.5, 0.2, 0.1), 0.5)).toBeNull();
    expect(taskOf(COUNTS).standardError('r2', [1, 1], output(1, 1, 2), 0.5)).toBeNull();
  });
});

describe('two models that are equally good', () => {
  test('differ with p < alpha in about a share alpha of comparisons', () => {
    const random = new Mt19937(5);
    // The sum of twelve uniform numbers, less six, is nearly normal.
    const normal = () =>
      Array.from({ length: 12 }, () => random.uint32() / 2 ** 32).reduce((sum, value) => sum + value, -6);
    const ALPHA = 0.2;
    const rejected = Array.from({ length: 60 }, (_, seed) => {
      const labels = Array.from({ length: 80 }, normal);
      const model = () => output(1, ...labels.map((label) => label + normal()));
      return (
        taskOf({ task: 'regression', objective: 'squared_error' }).compare('mae', labels, model(), model(), {
          alpha: ALPHA,
          seed,
        })!.p < ALPHA
      );
    }).filter(Boolean).length;
    // 12 of 60, with a standard deviation of 3.1.
    expect(rejected).toBeGreaterThanOrEqual(4);
    expect(rejected).toBeLessThanOrEqual(20);
  });

  test('are not told apart where they say the same, and the same seed gives the same answer', () => {
    const labels = [0, 1, 2, 3, 4, 5, 6, 7];
    const task = taskOf({ task: 'regression', objective: 'squared_error' });
    const [a, b] = [
      output(1, ...labels.map((label) => label + (label % 2))),
      output(1, ...labels.map((label) => label * 1.1)),
    ];
    expect(task.compare('rmse', labels, a, a, { alpha: 0.05, seed: 1 })).toMatchObject({
      difference: 0,
      p: 1,
      interval: [0, 0],
    });
    expect(task.compare('rmse', labels, a, b, { alpha: 0.05, seed: 1 })).toEqual(
      task.compare('rmse', labels, a, b, { alpha: 0.05, seed: 1 }),
    );
    expect(task.compare('rmse', labels, a, b, { alpha: 0.05, seed: 1 })).not.toEqual(
      task.compare('rmse', labels, a, b, { alpha: 0.05, seed: 2 }),
    );
  });
});

test('rows are ranked alike by few and by many, whatever their scores', () => {
  const random = new Mt19937(9);
  const kinds = [
    () => random.uint32() / 2 ** 32,
    () => Math.fround(random.uint32() / 2 ** 32 - 0.5),
    () => random.integer(6) - 3,
    () => (random.integer(1) ? -0 : 0),
    () => (random.uint32() - 2 ** 31) * 1e300,
  ];
  for (const kind of [...kinds, () => kinds[random.integer(4)]!()]) {
    const scores = Float64Array.from({ length: 5_000 }, kind);
    const expected = Array.from(scores.keys()).sort((a, b) =>
      scores[b]! === scores[a]! ? a - b : scores[b]! > scores[a]! ? 1 : -1,
    );
    expect([...rowsFromHighest(scores)]).toEqual(expected);
  }
});

test.each([
  ['binary', { task: 'binary', classes: ['no', 'yes'] }, [[0], [1]], [[NaN], [1.01], [-0.01], [Infinity]]],
  [
    'multiclass',
    { task: 'multiclass', classes: ['a', 'b', 'c'] },
    [[0.2, 0.3, 0.5]],
    [
      [0.2, 0.3, 0.4],
      [NaN, 0.5, 0.5],
      [-0.5, 0.5, 1],
    ],
  ],
  ['regression', { task: 'regression', objective: 'squared_error' }, [[-3.5], [1e30]], [[NaN], [-Infinity]]],
] as const)('what a %s model may say of a row', (_, spec, sound, unsound) => {
  const task = taskOf(spec as Parameters<typeof taskOf>[0]);
  for (const row of sound) expect(task.isSound(Float64Array.from(row))).toBe(true);
  for (const row of unsound) expect(task.isSound(Float64Array.from(row))).toBe(false);
});
