import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldsOf } from '../../src/ml/folds.js';
import { fitStandardScale } from '../../src/ml/standardScaler.js';
import type { RawColumn, RawTable } from '../../src/ml/table.js';
import { defaultTransforms } from '../../src/ml/transforms/defaults.js';
import { FittedTransforms } from '../../src/ml/transforms/fitted.js';
import type { TransformTarget } from '../../src/ml/transforms/flow.js';
import { foldColumns } from '../../src/ml/transforms/foldColumns.js';
import { TransformSettings } from '../../src/ml/transforms/settings.js';
import { applyTransforms, fitTransforms, nativeCategoricals } from '../../src/ml/transforms/transforms.js';

const REGRESSION = { task: 'regression', objective: 'squared_error' } as const;

function numbers(...values: number[]): RawColumn {
  return { kind: 'number', values: Float64Array.from(values) };
}

function texts(...cells: (string | null)[]): RawColumn {
  const values = [...new Set(cells)].filter((cell) => cell !== null);
  return {
    kind: 'category',
    values,
    codes: Int32Array.from(cells, (cell) => (cell === null ? -1 : values.indexOf(cell))),
  };
}

function dates(...moments: (string | null)[]): RawColumn {
  return {
    kind: 'date',
    values: Float64Array.from(moments, (moment) => (moment === null ? NaN : Date.parse(moment) / 86_400_000)),
  };
}

function numbersAsDates(days: number[]): RawColumn {
  return { kind: 'date', values: Float64Array.from(days) };
}

function table(columns: Record<string, RawColumn>): RawTable {
  const [first] = Object.values(columns);
  return {
    rows: first!.kind === 'category' ? first!.codes.length : first!.values.length,
    columns: new Map(Object.entries(columns)),
  };
}

/** What steps make of one column, fitted to it and applied to it or to another. */
function made(steps: object[], train: RawColumn, rows = train, labels?: number[]): Record<string, number[]> {
  const settings = TransformSettings.parse([{ columns: ['x'], steps }]);
  const fitted = fitTransforms(settings, table({ x: train }), labels ? { labels, task: REGRESSION } : undefined);
  const { names, columns } = applyTransforms(fitted, table({ x: rows }));
  return Object.fromEntries(names.map((name, i) => [name, [...columns[i]!]]));
}

/** Rows of a table by their positions. */
function rowsOf({ columns }: RawTable, rows: number[]): RawTable {
  const take = (column: RawColumn): RawColumn =>
    column.kind === 'category'
      ? { ...column, codes: Int32Array.from(rows, (row) => column.codes[row]!) }
      : { ...column, values: Float64Array.from(rows, (row) => column.values[row]!) };
  return { rows: rows.length, columns: new Map([...columns].map(([name, column]) => [name, take(column)])) };
}

const bits = (columns: Float32Array[]) =>
  columns.map((column) => [...new Uint32Array(column.buffer, column.byteOffset, column.length)]);

describe('numbers', () => {
  test('standard scaling gives the numbers of the scaler, to the bit', () => {
    const values = Float64Array.from({ length: 1000 }, (_, i) => (i % 17 === 0 ? NaN : Math.sin(i) * 1e3 + i / 7));
    const fitted = fitTransforms(
      [
        { columns: ['x'], steps: [{ scale: 'standard' }] },
        { columns: ['y'], steps: [] },
      ],
      table({ x: { kind: 'number', values }, y: { kind: 'number', values } }),
    );
    const { columns } = applyTransforms(
      fitted,
      table({ x: { kind: 'number', values }, y: { kind: 'number', values } }),
    );
    const { mean, scale } = fitStandardScale(values);
    // In double precision, then rounded once.
    const scaled = Float32Array.from(values, (value) => (value - mean) / scale);
    expect(bits(columns)).toEqual(bits([scaled, Float32Array.from(values)]));
  });

  test('infinities and what is too large for single precision are missing, before and after', () => {
    expect(made([{ impute: 'mean' }], numbers(1, Infinity, 3, -Infinity, 1e39, NaN))).toEqual({
      x: [1, 2, 3, 2, 2, 2],
    });
    expect(made([{ scale: 'minmax' }], numbers(0, 0.25), numbers(1e38, 0.25))).toEqual({ x: [NaN, 1] });
    // 1 and 3 have the mean 2 and the deviation 1; what is missing doesn't count.
    expect(
      made([{ scale: 'standard' }], numbers(1, NaN, 3, Infinity, -Infinity, 1e39), numbers(1, NaN, 4, Infinity, 1e39)),
    ).toEqual({
      x: [-1, NaN, 2, NaN, NaN],
    });
  });

  test('an indicator is added where train has missing values, and only there', () => {
    expect(
      made([{ impute: { by: 'median', indicator: true } }, { scale: 'minmax' }], numbers(1, NaN, 3), numbers(NaN, 3)),
    ).toEqual({ x: [0.5, 1], 'x missing': [1, 0] });
    expect(made([{ impute: { by: 'median', indicator: true } }], numbers(1, 3), numbers(NaN))).toEqual({ x: [2] });
  });

  test('steps follow one another', () => {
    expect(made([{ clip: { quantiles: [0, 0.5] } }, { log: true }], numbers(0, Math.E - 1, 1e6))).toEqual({
      x: [0, 1, 1],
    });
    expect(made([{ log: true }], numbers(1 - Math.E, NaN))).toEqual({ x: [-1, NaN] });
  });

  test('a column without any value is left as it is', () => {
    for (const step of [{ scale: 'standard' }, { scale: 'minmax' }, { scale: 'robust' }, { clip: { iqr: 1.5 } }])
      expect(made([step], numbers(NaN, NaN), numbers(5, NaN))).toEqual({ x: [5, NaN] });
    expect(made([{ impute: 'median' }], numbers(NaN), numbers(NaN, 5))).toEqual({ x: [0, 5] });
    // Of 0 to 4 the quartiles are 1 and 3: bounds of 1 - 2 and 3 + 2.
    expect(made([{ clip: { iqr: 1 } }], numbers(0, 1, 2, 3, 4), numbers(-9, -1, 2, 9, NaN))).toEqual({
      x: [-1, -1, 2, 5, NaN],
    });
    // Both quartiles are 0: a bound of 0 and 0 would leave nothing of the column.
    expect(made([{ clip: { iqr: 1.5 } }], numbers(0, 0, 0, 0, 0, 0, 1), numbers(0, 1))).toEqual({ x: [0, 1] });
  });
});

describe('categories', () => {
  test('unseen values join the rare ones, or are 0 everywhere', () => {
    const train = texts('b', 'b', 'a', 'a', 'c', 'd');
    const rows = texts('a', 'd', 'new', null);
    expect(made([{ one_hot: { min_frequency: 2 } }], train, rows)).toEqual({
      'x=a': [1, 0, 0, 0],
      'x=b': [0, 0, 0, 0],
      'x=rare': [0, 1, 1, 1],
    });
    expect(made([{ one_hot: {} }], train, rows)).toEqual({
      'x=a': [1, 0, 0, 0],
      'x=b': [0, 0, 0, 0],
      'x=c': [0, 0, 0, 0],
      'x=d': [0, 1, 0, 0],
    });
  });

  test('missing is a value if train has it', () => {
    expect(made([{ one_hot: {} }], texts('a', null), texts(null, 'a'))).toEqual({ 'x=a': [0, 1], 'x=missing': [1, 0] });
    expect(made([{ impute: { constant: 'none' } }, { one_hot: {} }], texts('a', null))).toEqual({
      'x=a': [1, 0],
      'x=none': [0, 1],
    });
    expect(made([{ impute: 'mode' }, { one_hot: {} }], texts('b', 'a', 'b', 'a', null))).toEqual({
      'x=a': [0, 1, 0, 1, 1],
      'x=b': [1, 0, 1, 0, 0],
    });
  });

  test('of two values one column is left, which is missing for neither', () => {
    expect(made([{ one_hot: { drop: 'if_binary' } }], texts('No', 'Yes'), texts('Yes', 'No', 'Maybe', null))).toEqual({
      'x=Yes': [1, 0, NaN, NaN],
    });
  });

  test('an order may be given; the rest is missing', () => {
    expect(
      made([{ ordinal: { categories: ['low', 'mid', 'high'] } }], texts('high'), texts('low', 'high', 'x', null)),
    ).toEqual({ x: [0, 2, NaN, NaN] });
    expect(made([{ ordinal: {} }], texts('b', 'a', null))).toEqual({ x: [1, 0, NaN] });
  });

  test('an order that has a value twice, or none of the values, is refused', () => {
    const steps = [{ ordinal: { categories: ['low', 'mid', 'low'] } }];
    expect(TransformSettings.safeParse([{ columns: ['x'], steps }]).error?.issues[0]?.message).toBe(
      'expected every value once',
    );
    // As numbers are named by their shortest text: 1 and not 1.0.
    expect(() => made([{ ordinal: { categories: ['1.0', '2.0'] } }], numbers(2, 1, NaN))).toThrow(
      'The step "ordinal" of the column "x" lists none of its values, which are "1", "2"; correct "categories".',
    );
    const many = texts(...Array.from({ length: 11 }, (_, i) => `v${String(i).padStart(2, '0')}`));
    expect(() => made([{ ordinal: { categories: ['low'] } }], many)).toThrow(
      'which are "v00", "v01", "v02", "v03", "v04", "v05", "v06", "v07", "v08", "v09" and others; correct',
    );
    expect(made([{ ordinal: { categories: ['low'] } }], texts(null), texts('low', 'v'))).toEqual({ x: [0, NaN] });
  });

  test('categories that go to the estimators are positions in the sorted values, with the names of their columns', () => {
    const fitted = fitTransforms(
      [
        { columns: ['x'], steps: [{ impute: { by: 'mode', indicator: true } }, { categorical: {} }] },
        { columns: ['n'], steps: [{ categorical: {} }] },
      ],
      table({ x: texts('b', 'a', null, 'b'), n: numbers(10, 9, 10, NaN), other: numbers(1, 2, 3, 4) }),
    );
    expect(nativeCategoricals(fitted)).toEqual(['x', 'n']);
    const { names, columns } = applyTransforms(
      fitted,
      table({ x: texts('c', null), n: numbers(9, 8), other: numbers(1, 2) }),
    );
    expect(Object.fromEntries(names.map((name, i) => [name, Array.from(columns[i]!)]))).toMatchObject({
      x: [NaN, 1],
      n: [0, NaN],
    });
    expect(
      TransformSettings.safeParse([{ columns: ['x'], steps: [{ categorical: {} }, { scale: 'standard' }] }]).error
        ?.issues[0]?.message,
    ).toBe('expected "categorical" as the last step');
  });

  test('numbers may be categories, in the order of numbers', () => {
    expect(made([{ one_hot: {} }], numbers(10, 9, 9, NaN), numbers(9, 7))).toEqual({
      'x=9': [1, 0],
      'x=10': [0, 0],
      'x=missing': [0, 0],
    });
  });

  test('names never collide', () => {
    const { names } = applyTransforms(
      fitTransforms([], table({ x: texts('a', 'b', null, 'missing'), 'x=missing': numbers(1, 2, 3, 4) })),
      table({ x: texts('a'), 'x=missing': numbers(1) }),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  test("target encoding keeps a row's own label out of it, and gives new values the mean", () => {
    const settings = TransformSettings.parse([{ columns: 'categories', steps: [{ target: {} }] }]);
    // Each value once: whoever encodes with a row's own label reads the label.
    const unique = table({ x: texts(...Array.from({ length: 40 }, (_, i) => `id${i}`)) });
    const labels = Array.from({ length: 40 }, (_, i) => i % 2);
    const target: TransformTarget = { labels, task: { task: 'binary', classes: ['0', '1'] } };
    const fitted = fitTransforms(settings, unique, target);
    expect([...applyTransforms(fitted, unique, { target }).columns[0]!]).toEqual(labels.map(() => 0.5));
    expect([...applyTransforms(fitted, unique).columns[0]!]).toEqual(labels);
    expect([...applyTransforms(fitted, table({ x: texts('new', null) })).columns[0]!]).toEqual([0.5, 0.5]);
  });
});

test.each<[steps: object[], column: RawColumn, message: string]>([
  [
    [{ one_hot: {} }],
    dates('2020-01-01'),
    'The step "one_hot" of the column "x" needs categories, and there are dates; use date_parts.',
  ],
  [
    [{ date_parts: ['year', 'month'] }, { ordinal: {} }],
    dates('2020-01-01'),
    'The step "ordinal" of the column "x" needs categories, and there are several columns by then; put it first.',
  ],
  [
    [{ impute: { constant: 'none' } }],
    numbers(1, NaN),
    'The column "x" has numbers, and its impute step the text "none"; give a number.',
  ],
  [[{ impute: 'mean' }], texts('a', null), 'The column "x" is text, which has no mean; impute its mode or a constant.'],
  [
    [{ date_parts: ['year'] }],
    texts('a'),
    'The step "date_parts" of the column "x" needs dates, and the column has text; declare it as DATE or TIMESTAMP.',
  ],
  [
    [{ target: {} }],
    texts('a', 'b'),
    'The step "target" of the column "x" learns from labels, and there are none; use one_hot or ordinal.',
  ],
])('steps %j for another kind of column are refused with what to do', (steps, column, message) => {
  expect(() => made(steps, column)).toThrow(expect.objectContaining({ type: 'ConfigInvalid', message }) as Error);
});

test.each([
  [{ clip: { quantiles: [0.9, 0.1] } }, 'expected the lower quantile first'],
  [{ clip: { quantiles: [0.5, 0.5] } }, 'expected the lower quantile first'],
  [{ date_parts: ['year', 'year'] }, 'expected every part once'],
])('a step %j is refused where it is written', (step, message) => {
  const { error } = TransformSettings.safeParse([{ columns: ['x'], steps: [step] }]);
  expect(JSON.stringify(error?.issues)).toContain(message);
});

test('target encoding of fewer rows than folds says which step of which column, and what to do', () => {
  const rows = table({ city: texts('a', 'b', 'a') });
  const encode = (target: TransformTarget) => () =>
    applyTransforms(
      fitTransforms(TransformSettings.parse([{ columns: ['city'], steps: [{ target: {} }] }]), rows, target),
      rows,
      { target },
    );
  expect(encode({ labels: [1, 2, 3], task: REGRESSION })).toThrow(
    '5 folds of the step "target" of the column "city" need at least 5 rows, and there are 3; give the column fewer "folds" or another step in "transforms", or process more data.',
  );
  expect(encode({ labels: [0, 1, 1], task: { task: 'binary', classes: ['0', '1'] } })).toThrow(
    '5 folds of the step "target" of the column "city" need at least 5 rows of a class, and the largest class has 2; give',
  );
});

describe('target encoding of rows of groups', () => {
  const settings = TransformSettings.parse([{ columns: 'categories', steps: [{ target: { smooth: 0, folds: 3 } }] }]);
  // A value of each group's own: whoever encodes a row by others of its group reads the label that they have in common.
  const groups = Array.from({ length: 40 }, (_, i) => Math.floor(i / 4));
  const rows = table({ x: texts(...groups.map((group) => `street ${group}`)) });
  const target: TransformTarget = { labels: groups.map((group) => group % 2), task: REGRESSION, groups };
  const fitted = fitTransforms(settings, rows, target);

  test('keeps what rows of its own group say out of a row', () => {
    const encoded = [...applyTransforms(fitted, rows, { target }).columns[0]!];
    // Each fold's rows have values that the others don't have, and get the mean of these.
    expect(new Set(encoded).size).toBeLessThanOrEqual(3);
    expect(encoded.every((value) => value > 0.3 && value < 0.7)).toBe(true);
  });

  test('does so within a fold of a cross-validation, which has fewer groups than the encoding folds', () => {
    const folds = foldsOf({ by: 'group', count: 5 }, 40, { groups: groups.map((group) => group % 5) });
    const columns = foldColumns(
      settings,
      fitted,
      rows,
      { ...target, groups: groups.map((group) => group % 3) },
      folds,
      0,
    );
    const trained = [...folds.train(0)].map((row) => columns.get(0)![row]!);
    expect(new Set(trained).size).toBeLessThanOrEqual(3);
    const two = foldColumns(settings, fitted, rows, { ...target, groups: groups.map((group) => group % 2) }, folds, 0);
    // Of two groups, one has label 0 and the other 1.
    expect([...folds.train(0)].map((row) => two.get(0)![row])).toEqual(
      [...folds.train(0)].map((row) => 1 - (groups[row]! % 2)),
    );
  });

  test('gives the rows of one group their mean', () => {
    const one = { ...target, groups: groups.map(() => 7) };
    expect(new Set(applyTransforms(fitted, rows, { target: one }).columns[0])).toEqual(new Set([0.5]));
    // Rows without a group are each one of its own.
    const none = { ...target, groups: groups.map(() => -1) };
    expect([...applyTransforms(fitted, rows, { target: none }).columns[0]!]).toEqual(target.labels);
  });
});

test('columns that learn from labels keep their places within a fold, whatever stands between them', () => {
  // Each value of a fold's test rows is as often 1 in its training rows as in all others: 3 rows of a, 1; of b, 0.
  const cells = Array.from({ length: 12 }, (_, i) => (i % 2 ? 'b' : 'a'));
  const target = { labels: cells.map((cell) => Number(cell === 'a')), task: REGRESSION };
  const data = table({
    n: numbers(...cells.map((_, i) => i)),
    first: texts(...cells),
    between: texts(...cells),
    second: texts(...cells.map((cell) => (cell === 'a' ? 'b' : 'a'))),
  });
  const settings = TransformSettings.parse([
    { columns: ['first', 'second'], steps: [{ target: { smooth: 0, folds: 2 } }] },
    { columns: ['between'], steps: [{ one_hot: {} }] },
  ]);
  const folds = foldsOf({ by: 'rows', count: 3 }, 12, {});
  const columns = foldColumns(settings, fitTransforms(settings, data, target), data, target, folds, 0);
  // The model's columns are n, first, between=a, between=b and second.
  expect([...columns.keys()]).toEqual([1, 4]);
  expect([...columns.get(1)!]).toEqual(target.labels);
  expect([...columns.get(4)!]).toEqual(target.labels);
});

test('values of few rows are drawn towards the mean by how much they vary among themselves', () => {
  // By hand: labels of a 0 and 4, of b 6 and 6, the mean 4 and the variance (16 + 4 + 0 + 4) / 4 = 6. Of a the weight is
  // 6 x 2 / (6 x 2 + 8 / 2) = .75, of its mean 2: .75 x 2 + .25 x 4 = 2.5; b doesn't vary, and has its own mean.
  expect(made([{ target: {} }], texts('a', 'b', 'a', 'b'), texts('a', 'b', 'new'), [0, 6, 4, 6])).toEqual({
    x: [2.5, 6, 4],
  });
  expect(made([{ target: { smooth: 2 } }], texts('a', 'b', 'a', 'b'), texts('a', 'b'), [0, 6, 4, 6])).toEqual({
    x: [3, 5],
  });
});

test('within a fold, no label of a test row reaches the columns', () => {
  const n = 60;
  const data = table({
    a: numbers(...Array.from({ length: n }, (_, i) => i)),
    x: texts(...Array.from({ length: n }, (_, i) => `v${i % 7}`)),
  });
  const settings = TransformSettings.parse([{ columns: 'categories', steps: [{ target: {} }, { scale: 'standard' }] }]);
  const folds = foldsOf({ by: 'rows', count: 3 }, n, {});
  const labels = Array.from({ length: n }, (_, i) => (i * 37) % 11);
  const columnsWith = (labels: number[]) => {
    const target = { labels, task: REGRESSION };
    return foldColumns(settings, fitTransforms(settings, data, target), data, target, folds, 1);
  };
  const columns = columnsWith(labels);
  expect([...columns.keys()]).toEqual([1]);
  expect([...columns.get(1)!].some(Number.isNaN)).toBe(false);
  expect(columnsWith(labels.map((label, row) => (folds.tested[row] === 1 ? 1e6 : label)))).toEqual(columns);
});

test('parts of dates are those of the calendar', () => {
  const parts = ['days', 'year', 'quarter', 'month', 'week', 'day', 'weekday', 'day_of_year', 'hour', 'minute'];
  // By Python's datetime: isocalendar(), timetuple().
  expect(
    made(
      [{ date_parts: parts }],
      dates('2021-01-03', '2020-12-31T23:59:00Z', '1969-12-28', '2024-02-29T06:30:00Z', null),
    ),
  ).toEqual({
    'x days': [18630, Math.fround(18627 + 1439 / 1440), -4, Math.fround(19782 + 13 / 48), NaN],
    'x year': [2021, 2020, 1969, 2024, NaN],
    'x quarter': [1, 4, 4, 1, NaN],
    'x month': [1, 12, 12, 2, NaN],
    'x week': [53, 53, 52, 9, NaN],
    'x day': [3, 31, 28, 29, NaN],
    'x weekday': [7, 4, 7, 4, NaN],
    'x day of year': [3, 366, 362, 60, NaN],
    'x hour': [0, 23, 0, 6, NaN],
    'x minute': [0, 59, 0, 30, NaN],
  });
});

test('a moment short of midnight and a date of the first century have the parts of their own day', () => {
  // As DuckDB gives them, microseconds and all: 1609459199.999999 s is 2020-12-31 23:59:59.999999.
  const days = [1609459199.999999, 1609459199.9996, 1709188200.0, -62135596800, -59958144000 - 60].map(
    (seconds) => seconds / 86_400,
  );
  // By Python's datetime: 2020-12-31 twice, 2024-02-29 06:30, 0001-01-01, 0069-12-31 23:59.
  expect(
    made(
      [{ date_parts: ['year', 'quarter', 'month', 'week', 'day', 'weekday', 'day_of_year', 'hour', 'minute'] }],
      numbersAsDates(days),
    ),
  ).toEqual({
    'x year': [2020, 2020, 2024, 1, 69],
    'x quarter': [4, 4, 1, 1, 4],
    'x month': [12, 12, 2, 1, 12],
    'x week': [53, 53, 9, 1, 1],
    'x day': [31, 31, 29, 1, 31],
    'x weekday': [4, 4, 4, 1, 2],
    'x day of year': [366, 366, 60, 1, 365],
    'x hour': [23, 23, 6, 0, 23],
    'x minute': [59, 59, 30, 0, 59],
  });
});

test('every minute of a day has its hour and its minute, in any century', () => {
  expect(() => made([{ date_parts: ['year'] }], numbers(1))).toThrow(
    expect.objectContaining({
      type: 'ConfigInvalid',
      message:
        'The step "date_parts" of the column "x" needs dates, and the column has numbers; declare it as DATE or TIMESTAMP.',
    }) as Error,
  );
  for (const day of [-719162, -25567, -1, 0, 20000, 1_000_000]) {
    const minutes = Array.from({ length: 1440 }, (_, minute) => minute);
    const days = minutes.map((minute) => (day * 86_400 + minute * 60) / 86_400);
    const parts = made([{ date_parts: ['hour', 'minute', 'weekday'] }], numbersAsDates(days));
    expect(parts['x hour']).toEqual(minutes.map((minute) => Math.floor(minute / 60)));
    expect(parts['x minute']).toEqual(minutes.map((minute) => minute % 60));
    expect(new Set(parts['x weekday']).size).toBe(1);
  }
});

describe('any table', () => {
  const cell = fc.option(fc.constantFrom('', 'a', 'b', 'c', 'missing', 'rare', '__proto__', 'constructor'), {
    freq: 5,
  });
  const number = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }), fc.constantFrom(NaN, Infinity, -0, 1e39));
  const rows = fc.array(
    fc.record({
      x: number,
      few: fc.integer({ min: 0, max: 3 }),
      c: cell,
      on: fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(NaN)),
      label: fc.double({ min: 0, max: 5, noNaN: true }),
    }),
    { minLength: 6, maxLength: 40 },
  );
  const numberStep = fc.constantFrom(
    { impute: 'median' },
    { impute: { by: 'mean', indicator: true } },
    { impute: { constant: -1 } },
    { clip: { quantiles: [0.1, 0.9] } },
    { clip: { iqr: 1.5 } },
    { scale: 'standard' },
    { scale: 'minmax' },
    { scale: 'robust' },
    { log: true },
  );
  const categoryStep = fc.constantFrom(
    { one_hot: { min_frequency: 3 } },
    { one_hot: { max_categories: 2, drop: 'if_binary' } },
    { ordinal: {} },
    { target: {} },
    { target: { smooth: 3 } },
  );

  test('gives a row alone what it gives among others, and the same after JSON, to the bit', () => {
    fc.assert(
      fc.property(
        rows,
        fc.array(numberStep, { maxLength: 4 }),
        categoryStep,
        fc.option(numberStep),
        fc.oneof(categoryStep, fc.constant({ categorical: {} })),
        (rows, numeric, category, then, few) => {
          const all = table({
            x: numbers(...rows.map(({ x }) => x)),
            few: numbers(...rows.map(({ few }) => few)),
            c: texts(...rows.map(({ c }) => c)),
            on: { kind: 'date', values: Float64Array.from(rows, ({ on }) => on) },
          });
          const settings = TransformSettings.parse([
            { columns: ['x'], steps: numeric },
            { columns: ['few'], steps: [few] },
            {
              columns: ['c'],
              steps: [{ impute: { by: { constant: 'none' }, indicator: true } }, category, ...(then ? [then] : [])],
            },
            { columns: 'dates', steps: [{ date_parts: ['days', 'week', 'hour'] }, ...(then ? [then] : [])] },
          ]);
          const labels = rows.map(({ label }) => label);
          const fitted = fitTransforms(settings, all, { labels, task: REGRESSION });
          const batch = applyTransforms(fitted, all);
          expect(new Set(batch.names).size).toBe(batch.names.length);
          expect(batch.columns.length).toBe(batch.names.length);
          const read = FittedTransforms.parse(JSON.parse(JSON.stringify(fitted)));
          expect(bits(applyTransforms(read, all).columns)).toEqual(bits(batch.columns));
          for (let row = 0; row < rows.length; row += 3) {
            expect(bits(applyTransforms(read, rowsOf(all, [row])).columns)).toEqual(
              bits(batch.columns.map((column) => column.slice(row, row + 1))),
            );
          }
          expect(
            batch.columns.every((column) => column.every((value) => Number.isNaN(value) || Number.isFinite(value))),
          ).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('has defaults', () => {
    const many = table({
      age: numbers(...Array.from({ length: 60 }, (_, i) => i)),
      sex: texts(...Array.from({ length: 60 }, (_, i) => (i % 2 ? 'f' : 'm'))),
      city: texts(...Array.from({ length: 60 }, (_, i) => `city ${i % 31}`)),
      plan: texts(...Array.from({ length: 60 }, (_, i) => (i < 40 ? 'basic' : i < 55 ? 'plus' : `custom ${i}`))),
      since: dates(...Array.from({ length: 60 }, (_, i) => `2013-01-${String(1 + (i % 28)).padStart(2, '0')}`)),
      at: dates(...Array.from({ length: 60 }, () => '2013-01-01T10:00:00Z')),
    });
    const target = { labels: Array.from({ length: 60 }, (_, i) => i), task: REGRESSION };
    const fitted = fitTransforms(TransformSettings.parse(defaultTransforms(many)), many, target);
    expect(fitted).toEqual(fitTransforms([], many, target));
    expect(applyTransforms(fitted, many).names).toEqual([
      'age',
      'sex=m',
      'city',
      'plan=basic',
      'plan=plus',
      'plan=rare',
      'since year',
      'since month',
      'since day',
      'since weekday',
      'at year',
      'at month',
      'at day',
      'at weekday',
      'at hour',
    ]);
  });

  test('says which columns are absent, of another kind or text to the end', () => {
    const fitted = fitTransforms([], table({ a: numbers(1), b: texts('x'), c: numbers(2) }));
    expect(() => applyTransforms(fitted, table({ b: texts('x') }))).toThrow(
      'The data lack the columns "a", "c", which the model was trained with; add them, empty where nothing is known.',
    );
    expect(() => applyTransforms(fitted, table({ a: texts('1'), b: texts('x'), c: numbers(2) }))).toThrow(
      'The column "a" has text, and the model was trained with numbers in it; give it the type that it had.',
    );
    expect(
      applyTransforms(fitted, table({ a: texts(null), b: texts('x'), c: numbers(2), new: texts('y') })).columns[0]![0],
    ).toBeNaN();
    expect(() => fitTransforms([{ columns: ['b'], steps: [] }], table({ b: texts('x') }))).toThrow(
      'The column "b" is text, and none of its transforms makes numbers of it; add one_hot, ordinal, categorical or target, or drop the column.',
    );
    expect(() => fitTransforms([{ columns: ['b'], steps: [{ scale: 'standard' }] }], table({ b: texts('x') }))).toThrow(
      'The step "scale" of the column "b" needs numbers, and the column is text; put one_hot, ordinal or target before it.',
    );
    expect(() => fitTransforms([{ columns: ['d'], steps: [] }], table({ b: texts('x') }))).toThrow(
      '"transforms" name the column "d", which is no column of the data; correct the names or take them out.',
    );
    expect(() =>
      fitTransforms(TransformSettings.parse([{ columns: ['b'], steps: [{ target: {} }] }]), table({ b: texts('x') })),
    ).toThrow(/learns from labels/);
  });

  test('refuses two rules for a column', () => {
    expect(
      TransformSettings.safeParse([
        { columns: ['a'], steps: [] },
        { columns: ['b', 'a'], steps: [] },
      ]).error?.issues[0]?.message,
    ).toBe('expected one rule for each column, got a second for "a"');
  });
});
