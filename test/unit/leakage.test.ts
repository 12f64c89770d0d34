import { describe, expect, test } from 'vitest';
import type { TaskName } from '../../src/contracts/task.js';
import { findLeaks, strengthOf, type Leak } from '../../src/ml/leakage.js';
import type { RawColumn } from '../../src/ml/table.js';

const labels = Int8Array.from({ length: 2_000 }, (_, row) => Number(row % 5 === 0));
const noise = (row: number) => (row * 7919) % 1009;
const column = (value: (row: number, label: number) => number, of: ArrayLike<number> = labels) =>
  new Map([['x', Float64Array.from(of, (label, row) => value(row, label))]]);
const leaksIn = (
  columns: Map<string, Float64Array>,
  of: ArrayLike<number> = labels,
  task: TaskName = 'binary',
): Leak[] =>
  findLeaks(
    {
      rows: of.length,
      columns: new Map([...columns].map(([name, values]): [string, RawColumn] => [name, { kind: 'number', values }])),
    },
    Float64Array.from(of),
    task,
  );

describe('a feature that gives the label away', () => {
  test.each<[string, (row: number, label: number) => number, boolean, number]>([
    ['the label', (_, label) => label, true, 1],
    ['the opposite of the label', (_, label) => 1 - label, true, 1],
    ['a code in no order', (row, label) => (label ? 2 : row % 2 ? 1 : 3), false, 1],
    ['fifty values in no order', (row, label) => (label ? 1 : (row % 49) + (row % 49 > 0 ? 2 : 0)), false, 1],
    ['a value that is missing for one class', (row, label) => (label ? NaN : noise(row)), false, 1],
    ['a value that is missing for the other', (row, label) => (label ? noise(row) : Infinity), false, 1],
    // 4 rows of 400 and none of 1,600 are on the wrong side: an area of 1 - 4/400/2.
    [
      'a value that one row in a hundred of a class contradicts',
      (row, label) => (row % 500 === 0 ? 0 : label),
      false,
      0.995,
    ],
  ])('is found: %s', (_what, value, same, auc) => {
    expect(leaksIn(column(value))).toEqual([
      { column: 'x', measure: 'ROC AUC', same, value: expect.closeTo(auc, auc === 1 ? 12 : 1) },
    ]);
  });

  test.each<[string, (row: number, label: number) => number]>([
    ['a good feature', (row, label) => noise(row) + 700 * label],
    ['noise', noise],
    ['a number of each row', (row) => row],
    ['a number of each row in no order', (row) => (row * 7919) % 2003],
    ['a constant', () => 3],
    ['no value at all', () => NaN],
    // An area of 1 - 40/400/2 = .95.
    ['a value that forty in 400 contradict', (row, label) => (row % 50 === 0 ? 0 : label)],
    // More values than are read one by one, so that their order counts, which says little.
    ['a hundred values in no order', (row, label) => (row % 51) * 2 + label],
  ])('is not: %s', (_what, value) => {
    expect(leaksIn(column(value))).toEqual([]);
  });

  test('is found where it has another value for a class of one row in a hundred', () => {
    const rare = Int8Array.from({ length: 4_000 }, (_, row) => Number(row % 100 === 7));
    const found = leaksIn(
      column((_, label) => 50 * label, rare),
      rare,
    );
    expect(found.map(({ value }) => value)).toEqual([1]);
  });

  test('is found among texts, and in more than two classes', () => {
    const kinds = Float64Array.from({ length: 2_000 }, (_, row) => row % 3);
    const table = {
      rows: 2_000,
      columns: new Map<string, RawColumn>([
        [
          'code',
          { kind: 'category', codes: Int32Array.from(kinds, (kind) => (kind + 1) % 3), values: ['b', 'c', 'a'] },
        ],
        ['noise', { kind: 'number', values: Float64Array.from(kinds, (_, row) => noise(row)) }],
      ]),
    };
    expect(findLeaks(table, kinds, 'multiclass')).toEqual([
      { column: 'code', measure: 'errors saved', value: 1, same: false },
    ]);
  });

  test('of several the guilty are named, in their order', () => {
    const columns = new Map([
      ...column(noise),
      ['same', Float64Array.from(labels)],
      ['opposite', Float64Array.from(labels, (label) => 1 - label)],
    ] as [string, Float64Array][]);
    expect(leaksIn(columns).map(({ column }) => column)).toEqual(['same', 'opposite']);
  });

  test('shows only in ten rows of each class: chance separates fewer. The label itself is told anyway', () => {
    const few = (positives: number) => Int8Array.from({ length: 100 }, (_, row) => Number(row < positives));
    const found = (positives: number, value: (label: number) => number) =>
      leaksIn(
        column((_, label) => value(label), few(positives)),
        few(positives),
      ).length;
    expect([
      found(9, (label) => 2 * label),
      found(10, (label) => 2 * label),
      found(90, (label) => 2 * label),
      found(91, (label) => 2 * label),
    ]).toEqual([0, 1, 1, 0]);
    expect([found(9, (label) => label), found(1, (label) => 1 - label)]).toEqual([1, 1]);
  });

  test('is found among more rows than are looked at, spread over all of them', () => {
    const many = Int8Array.from({ length: 100_000 }, (_, row) => row % 2);
    expect(
      leaksIn(
        column((_, label) => 2 * label, many),
        many,
      ),
    ).toHaveLength(1);
    // Only the first fifth of the rows gives the label away: all of the first 20,000 of a class would, a spread sample doesn't.
    expect(
      leaksIn(
        column((row, label) => (row < 40_000 ? 2 * label : 0), many),
        many,
      ),
    ).toEqual([]);
  });
});

describe('of a label that is a number', () => {
  const numbers = Float64Array.from({ length: 2_000 }, (_, row) => noise(row) + row / 10_000);

  test.each<[string, (row: number, label: number) => number, boolean]>([
    ['its logarithm is found', (_, label) => Math.log(1 + label), true],
    ['its opposite with some noise is found', (row, label) => -label + (row % 7), true],
    // It tells the upper quarter from the rest, and nothing below.
    ['what tells only the largest is not', (row, label) => (label > 760 ? 2_000 : row % 100), false],
    ['a good feature is not', (row, label) => label + noise(row + 3), false],
  ])('%s', (_what, value, found) => {
    expect(leaksIn(column(value, numbers), numbers, 'regression').map(({ column }) => column)).toEqual(
      found ? ['x'] : [],
    );
  });
});

test.each<[TaskName, number]>([
  ['binary', 0],
  ['multiclass', 2],
  ['regression', 3.5],
])('labels of a %s task that are all alike are told by nothing', (task, label) => {
  const values = Array.from({ length: 500 }, (_, row) => noise(row));
  expect(
    strengthOf(
      'x',
      values,
      Float64Array.from(values, () => label),
      task,
    ),
  ).toBeUndefined();
});

test('a number that most rows lack is not judged by its straight line', () => {
  // Where it is there, it is the label; where it is not, it says nothing of it.
  const labels = Float64Array.from({ length: 1_000 }, (_, row) => noise(row));
  const known = (tenths: number) => Array.from(labels, (label, row) => (row % 10 < tenths ? label : null));
  expect(strengthOf('x', known(6), labels, 'regression')!.value).toBeCloseTo(1, 9);
  expect(strengthOf('x', known(4), labels, 'regression')!.value).toBeLessThan(0.7);
});
