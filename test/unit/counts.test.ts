import { expect, test } from 'vitest';
import { agreeing, countOf, listOf, scoreText, shareOf } from '../../src/contracts/counts.js';

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

test('a score has four decimals, and the digits of one that these would hide', () => {
  expect([0.81219, 0, 1, -0.5, 0.0005, 0.00049, -7.2549e-10, 1e12].map(scoreText)).toEqual(
    ['0.8122', '0.0000', '1.0000', '-0.5000', '0.0005', '0.00049', '-7.25e-10', '1000000000000.0000'], // prettier-ignore
  );
});
