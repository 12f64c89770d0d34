import { expect, test } from 'vitest';
import { drawnDistributions } from '../../src/monitoring/distributions.js';
import {
  countInto,
  emptyLike,
  profileColumn,
  profileNumbers,
  type ModelProfile,
} from '../../src/monitoring/profile.js';

/** The distributions of one text column, with a profile as it is read from a store. */
function drawn(before: (string | null)[], now: (string | null)[]) {
  const column = profileColumn(before, 'categorical');
  const score = profileNumbers([0.25, 0.5, 0.75]);
  const reference = JSON.parse(
    JSON.stringify({ window: {}, rows: before.length, columns: { text: column }, score }),
  ) as ModelProfile;
  const current = {
    rows: now.length,
    columns: { text: countInto(emptyLike(column), now) },
    score: countInto(emptyLike(score), [0.5, 0.5]),
  };
  return drawnDistributions(reference, current, { text: 0.1 });
}

test('shares are of the values that are there, categories by their rows, ranges by their edges', () => {
  const [score, text] = drawn(['a', 'b', 'b', null], ['b', 'c', null, null]);
  expect(text).toEqual({
    of: 'feature',
    feature: 'text',
    groups: [
      // Of 3 and of 2 values.
      { category: 'b', reference: 0.6667, current: 0.5 },
      { category: 'a', reference: 0.3333, current: 0 },
      { category: 'c', reference: 0, current: 0.5 },
    ],
  });
  expect(score?.of).toBe('score');
  expect(score?.groups.reduce((sum, { current }) => sum + current, 0)).toBeCloseTo(1, 3);
  // Nine deciles make ten ranges, open at both ends; .5 is the fifth decile, and what is above the ninth is .75.
  expect(score?.groups).toHaveLength(10);
  expect(score?.groups[0]).toEqual({ to: 0.3, reference: 0.3333, current: 0 });
  expect(score?.groups[4]).toEqual({ above: 0.45, to: 0.5, reference: 0.3333, current: 1 });
  expect(score?.groups[9]).toEqual({ above: 0.7, reference: 0.3333, current: 0 });
});

test('a side without a value has shares of 0', () => {
  const [, text] = drawn(['a', 'b'], [null, null]);
  expect(text?.groups).toEqual([
    { category: 'a', reference: 0.5, current: 0 },
    { category: 'b', reference: 0.5, current: 0 },
  ]);
});

test.each(['constructor', 'toString', '__proto__'])('a category %s is one like any other', (name) => {
  const [, text] = drawn(['a', 'a', 'b', 'b'], ['a', name]);
  expect(text?.groups.find(({ category }) => category === name)).toEqual({
    category: name,
    reference: 0,
    current: 0.5,
  });
});

test('of many categories the rarest are told as others, with how many they are', () => {
  const names = Array.from({ length: 14 }, (_, i) => String.fromCharCode(97 + i));
  // The first has 14 rows, the last one: 105 in all, 1 + 2 + 3 of the last three.
  const before = names.flatMap((name, i) => Array.from({ length: 14 - i }, () => name));
  const [, text] = drawn(before, ['a', 'l', 'm', 'n']);
  expect(text?.groups).toHaveLength(12);
  expect(text?.groups.at(-1)).toEqual({ others: 3, reference: Number((6 / 105).toPrecision(4)), current: 0.75 });
});
