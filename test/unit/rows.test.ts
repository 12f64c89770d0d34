import { expect, test } from 'vitest';
import { rowsOfTable, withColumn } from '../../src/ml/rows.js';
import type { RawTable } from '../../src/ml/table.js';

const table: RawTable = {
  rows: 3,
  columns: new Map([
    ['age', { kind: 'number', values: Float64Array.of(30, NaN, 50) }],
    ['place', { kind: 'category', codes: Int32Array.of(1, -1, 0), values: ['north', 'south'] }],
    ['seen', { kind: 'date', values: Float64Array.of(18_262, 18_263.5, NaN) }],
  ]),
};

test('some rows come in the order of their positions, and one may come again', () => {
  expect(rowsOfTable(table, [2, 0, 2])).toEqual({
    rows: 3,
    columns: new Map([
      ['age', { kind: 'number', values: Float64Array.of(50, 30, 50) }],
      ['place', { kind: 'category', codes: Int32Array.of(0, 1, 0), values: ['north', 'south'] }],
      ['seen', { kind: 'date', values: Float64Array.of(NaN, 18_262, NaN) }],
    ]),
  });
});

test('another value is put by the position and the value now, where what is missing is null', () => {
  const seen: unknown[] = [];
  const changed = withColumn(table, 'age', (position, now) => {
    seen.push([position, now]);
    return now === null ? '7' : position === 0 ? null : now;
  });
  expect(seen).toEqual([
    [0, 30],
    [1, null],
    [2, 50],
  ]);
  expect(changed.columns.get('age')).toEqual({ kind: 'number', values: Float64Array.of(NaN, 7, 50) });
  // The others, and the table itself, are as they were.
  expect(changed.columns.get('place')).toBe(table.columns.get('place'));
  expect(table.columns.get('age')).toEqual({ kind: 'number', values: Float64Array.of(30, NaN, 50) });
});

test('a text that the column has keeps its code, one that it has not gets the next, once', () => {
  const seen: unknown[] = [];
  const changed = withColumn(table, 'place', (position, now) => {
    seen.push(now);
    return position === 2 ? null : 'west';
  });
  expect(seen).toEqual(['south', null, 'north']);
  expect(changed.columns.get('place')).toEqual({
    kind: 'category',
    codes: Int32Array.of(2, 2, -1),
    values: ['north', 'south', 'west'],
  });
  const known = withColumn(table, 'place', () => 'north');
  expect(known.columns.get('place')).toEqual({
    kind: 'category',
    codes: Int32Array.of(0, 0, 0),
    values: ['north', 'south'],
  });
});

test('a column that is not there is told by its name', () => {
  expect(() => withColumn(table, 'colour', () => 1)).toThrow('The rows have no column colour.');
});
