import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  comparedNumbers,
  readReferenceScores,
  writeReferenceRows,
  writeReferenceScores,
} from '../../src/data/referenceRows.js';
import { INTERNAL } from '../../src/config/columns.js';
import type { InputColumn } from '../../src/data/inputColumns.js';
import type { RawColumn, RawTable } from '../../src/ml/table.js';
import { columnNames, readColumns } from '../../src/platform/files/parquet.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
const NUMBER: InputColumn = { name: 'a number', kind: 'number', type: 'numeric' };
const DAY: InputColumn = { name: 'day', kind: 'date', type: 'numeric' };
const OTHERS: InputColumn[] = [
  { name: 'flag', kind: 'number', type: 'binary' },
  { name: 'code', kind: 'number', type: 'categorical' },
  { name: 'text', kind: 'category', type: 'categorical' },
  { name: 'digits', kind: 'category', type: 'numeric' },
];
const table = (rows: number, columns: Record<string, RawColumn> = {}): RawTable => ({
  rows,
  columns: new Map(Object.entries(columns)),
});
const numbers = (count: number, of = (i: number) => i) => Float64Array.from({ length: count }, (_, i) => of(i));

test('features that are compared by their numbers are those that say how much', () => {
  expect(comparedNumbers([...OTHERS, NUMBER, DAY])).toEqual([NUMBER, DAY]);
});

test('reference rows have them and the labels, and what is missing is no number', async () => {
  const path = join(folder, 'few.parquet');
  const few = table(3, {
    'a number': { kind: 'number', values: Float64Array.of(3, NaN, 1) },
    day: { kind: 'date', values: Float64Array.of(0.5, 1, 2) },
    text: { kind: 'category', codes: Int32Array.of(0, 0, 0), values: ['x'] },
  });
  expect(await writeReferenceRows(path, [OTHERS[2]!, NUMBER, DAY], few, Float64Array.of(7, 8, 9))).toBe(true);
  expect(await columnNames(path)).toEqual(['a number', 'day', INTERNAL.label]);
  expect(await readColumns(path, ['a number', 'day', INTERNAL.label])).toEqual([
    Float64Array.of(3, NaN, 1),
    Float64Array.of(0.5, 1, 2),
    Float64Array.of(7, 8, 9),
  ]);
  expect(await writeReferenceRows(path, [NUMBER], few, undefined)).toBe(true);
  expect(await columnNames(path)).toEqual(['a number']);
});

test('without a number there are none', async () => {
  const path = join(folder, 'none.parquet');
  expect(await writeReferenceRows(path, OTHERS, table(3), undefined)).toBe(false);
  expect(existsSync(path)).toBe(false);
  expect(await writeReferenceRows(path, OTHERS, table(2), Float64Array.of(1, 2))).toBe(true);
  expect(await columnNames(path)).toEqual([INTERNAL.label]);
});

test.each([
  // Every second and third in turn: rows 0, 2, 5, 7, 10, ...
  [50_000, [0, 2, 5, 7, 10], 49_997],
  [20_001, [0, 1, 2, 3, 4], 19_999],
  [20_000, [0, 1, 2, 3, 4], 19_999],
])('of %i rows at most 20,000 are kept, spread evenly', async (rows, first, last) => {
  const path = join(folder, 'many.parquet');
  await writeReferenceRows(
    path,
    [NUMBER],
    table(rows, { 'a number': { kind: 'number', values: numbers(rows) } }),
    numbers(rows, (i) => -i),
  );
  const [values, labels] = (await readColumns(path, ['a number', INTERNAL.label])) as [Float64Array, Float64Array];
  expect([values.length, labels.length]).toEqual([20_000, 20_000]);
  expect([Array.from(values.subarray(0, 5)), values.at(-1)]).toEqual([first, last]);
  expect(labels).toEqual(values.map((value) => -value));
});

test('scores of held-out rows are read as they were written, with their labels', async () => {
  const path = join(folder, 'scores.parquet');
  const output = { width: 2, values: Float64Array.of(0.1, 0.9, 0.3, 0.7, 0.5, 0.5) };
  await writeReferenceScores(path, [1, 0, 1], output);
  expect(await readReferenceScores(path, 2)).toEqual({ labels: Float64Array.of(1, 0, 1), output });
  // Row i says i and -i; of every two the first is kept.
  const [rows, kept] = [40_000, 20_000];
  await writeReferenceScores(path, numbers(rows), {
    width: 2,
    values: numbers(2 * rows, (i) => (i % 2 === 0 ? i / 2 : -(i - 1) / 2)),
  });
  expect(await readReferenceScores(path, 2)).toEqual({
    labels: numbers(kept, (i) => 2 * i),
    output: { width: 2, values: numbers(2 * kept, (i) => (i % 2 === 0 ? i : -(i - 1))) },
  });
});
