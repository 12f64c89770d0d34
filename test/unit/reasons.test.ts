import { expect, test } from 'vitest';
import { strongestReasons } from '../../src/ml/reasons.js';
import type { FittedTransforms } from '../../src/ml/transforms/fitted.js';
import { sourceColumns, summedBySource } from '../../src/ml/transforms/sourceColumns.js';

test('the strongest reasons are those of the largest size, of equal ones the first, and nothing is no reason', () => {
  const contributions = Float64Array.of(0.5, -2, 0, 0.5, /* row */ 0, 0, 0.1, 0);
  const { features, contributions: strongest } = strongestReasons(contributions, 4, 3);
  expect([...features]).toEqual([1, 0, 3, 2, -1, -1]);
  expect([...strongest]).toEqual([-2, 0.5, 0.5, 0.1, NaN, NaN]);
});

test('a contribution that is no number is no reason, and of one size the sign decides nothing', () => {
  const { features, contributions } = strongestReasons(Float64Array.of(NaN, 1, -1, 3), 4, 2);
  expect([...features]).toEqual([3, 1]);
  expect([...contributions]).toEqual([3, 1]);
});

test("contributions of the model's columns are added up per column of the table, without what is no column", () => {
  const columns = [
    { column: 'place', outputs: ['north', 'south'] },
    { column: 'constant', outputs: [] },
    { column: 'x', outputs: ['x'] },
  ];
  const sources = sourceColumns({ columns } as unknown as FittedTransforms);
  expect(sources).toEqual([
    { feature: 'place', positions: [0, 1] },
    { feature: 'x', positions: [2] },
  ]);
  // Rows of three columns, and behind them what they are counted from.
  const values = [1, 2, 4, 100, 10, 20, 40, 100];
  expect([...summedBySource(values, 4, sources)]).toEqual([3, 4, 30, 40]);
});
