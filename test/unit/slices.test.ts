import { expect, test } from 'vitest';
import { sliceRows, sliceValues } from '../../src/ml/slices.js';

test('slices are the values of the training rows, or their quarters', () => {
  const colours = { kind: 'category' as const, codes: Int32Array.of(0, 1, 0, -1), values: ['red', 'blue'] };
  const by = sliceValues(colours);
  const later = { kind: 'category' as const, codes: Int32Array.of(0, 1, -1), values: ['green', 'red'] };
  expect([...sliceRows(later, by)]).toEqual([
    ['red', [1]],
    ['other values', [0]],
    ['missing', [2]],
  ]);
  const numbers = { kind: 'number' as const, values: Float64Array.from({ length: 101 }, (_, i) => i) };
  const some = { kind: 'number' as const, values: Float64Array.of(-5, 25, 49, 75, 900, NaN) };
  expect([...sliceRows(some, sliceValues(numbers))]).toEqual([
    ['below 25', [0]],
    ['25 to 50', [1, 2]],
    ['75 and above', [3, 4]],
    ['missing', [5]],
  ]);
  const few = { kind: 'number' as const, values: Float64Array.of(0, 1, 1) };
  expect([...sliceRows(few, sliceValues(few)).keys()]).toEqual(['0', '1']);
});

test('slices have names of their own, whatever the values are', () => {
  const number = (values: Iterable<number>) => ({ kind: 'number' as const, values: Float64Array.from(values) });
  const sizes = (column: Parameters<typeof sliceRows>[0]) =>
    [...sliceRows(column, sliceValues(column))].map(([name, rows]) => [name, rows.length]);
  // Quarters of 0 to 40 fortieths: the positions 10, 20 and 30.
  expect(sizes(number(Array.from({ length: 41 }, (_, i) => 1_000_000 + i / 40)))).toEqual([
    ['below 1000000.3', 10],
    ['1000000.3 to 1000000.5', 10],
    ['1000000.5 to 1000000.8', 10],
    ['1000000.8 and above', 11],
  ]);
  // In the order of the numbers, not of their texts.
  expect(sizes(number([10, 2, -1, 10]))).toEqual([
    ['-1', 1],
    ['2', 1],
    ['10', 2],
  ]);
  // Three quarters and more are 0.
  expect(sizes(number(Array.from({ length: 100 }, (_, i) => (i < 80 ? 0 : i))))).toEqual([
    ['below 80', 80],
    ['80 and above', 20],
  ]);
  const words = { kind: 'category' as const, codes: Int32Array.of(0, 0, 1, -1), values: ['missing', 'other values'] };
  expect(sizes(words)).toEqual([
    ['missing', 2],
    ['other values', 1],
    ['(missing)', 1],
  ]);
});

test('twenty texts have a slice each, those of the most rows, of as many the first by name; the others share one', () => {
  // Of text i there are two rows where i is even, and else one: v00, v02 ... v22 are 12, and 8 of the others are left.
  const values = Array.from({ length: 24 }, (_, i) => `v${String(i).padStart(2, '0')}`);
  const codes = Int32Array.from(values.flatMap((_, i) => (i % 2 === 0 ? [i, i] : [i])));
  const column = { kind: 'category' as const, codes, values };
  const slices = sliceRows(column, sliceValues(column));
  expect([...slices.keys()]).toEqual([
    ...values.filter((_, i) => i % 2 === 0 || i <= 15),
    // v17, v19, v21 and v23.
    'other values',
  ]);
  expect(slices.get('other values')).toHaveLength(4);
  expect(slices.get('v02')).toEqual([3, 4]);
});

test('ten numbers have a slice each, and eleven have those of their quarters', () => {
  const numbers = (count: number) => ({
    kind: 'number' as const,
    values: Float64Array.from({ length: count }, (_, i) => i),
  });
  expect(sliceValues(numbers(10))).toEqual({ values: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] });
  // The positions 2.5, 5 and 7.5 of 0 to 10, rounded.
  expect(sliceValues(numbers(11))).toEqual({ edges: [3, 5, 8] });
});

test('a number that the training rows had none of is among the others, and what is missing has a slice of its own', () => {
  const few = { kind: 'number' as const, values: Float64Array.of(0, 1) };
  const later = { kind: 'number' as const, values: Float64Array.of(7, NaN, 1) };
  expect([...sliceRows(later, sliceValues(few))]).toEqual([
    ['1', [2]],
    ['other values', [0]],
    ['missing', [1]],
  ]);
});
