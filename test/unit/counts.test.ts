import { expect, test } from 'vitest';
import { agreeing, countOf, listOf, shareOf } from '../../src/contracts/counts.js';

test('one thing is not many, and neither are none', () => {
  expect([0, 1, 2, 1_200].map((n) => countOf(n, 'row'))).toEqual(['0 rows', '1 row', '2 rows', '1,200 rows']);
  expect([0, 1, 2].map((n) => agreeing(n, 'is', 'are'))).toEqual(['are', 'is', 'are']);
});

test('of many names a sentence shows the first ones, and says how many there are besides', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  expect([0, 1, 2, 8, 9].map((n) => listOf(names.slice(0, n)))).toEqual([
    '',
    'a',
    'a, b',
    'a, b, c, d, e, f, g, h',
    'a, b, c, d, e, f, g, h, and 1 more',
  ]);
  expect(listOf(names, 3)).toBe('a, b, c, and 6 more');
});

test.each([
  ['candidates', '1 of 1 candidate'],
  ['batches', '1 of 1 batch'],
  ['classes', '1 of 1 class'],
  ['boxes', '1 of 1 box'],
])('a share of one of "%s" is "%s"', (plural, said) => {
  expect(shareOf(1, 1, plural)).toBe(said);
  expect(shareOf(0, 2, plural)).toBe(`0 of 2 ${plural}`);
});
