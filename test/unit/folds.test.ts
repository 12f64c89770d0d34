import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countGroups, foldsOf, seededFolds } from '../../src/ml/folds.js';

describe('folds by time', () => {
  test('rows of one moment stay together, in whatever order they come', () => {
    // Days 3 1 2 1 2 3 1 2: by time 1 1 1 2 2 2 3 3, blocks of 2 after the first 2.
    const folds = foldsOf({ by: 'time', count: 2 }, 8, { times: [3, 1, 2, 1, 2, 3, 1, 2] });
    expect([...folds.train(0)]).toEqual([1, 3, 6]);
    expect([...folds.test(0)]).toEqual([2, 4, 7]);
    expect([...folds.train(1)]).toEqual([1, 2, 3, 4, 6, 7]);
    expect([...folds.test(1)]).toEqual([0, 5]);
  });

  test('a gap keeps back what nobody would have known', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 40, maxLength: 100 }),
        fc.integer({ min: 0, max: 20 }),
        (times, gap) => {
          const folds = tryFolds(() => foldsOf({ by: 'time', count: 3, gap }, times.length, { times }));
          fc.pre(folds !== undefined);
          for (const fold of [0, 1, 2]) {
            const start = Math.min(...Array.from(folds.test(fold), (row) => times[row]!));
            expect([...folds.train(fold)]).toEqual([...times.keys()].filter((row) => times[row]! < start - gap));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test('are refused where there are too few moments', () => {
    expect(() => foldsOf({ by: 'time', count: 3 }, 8, { times: [1, 1, 1, 1, 2, 2, 2, 2] })).toThrow(
      'the 8 rows lie at too few moments; use fewer folds.',
    );
    expect(() => foldsOf({ by: 'time', count: 3 }, 2, { times: [1, 2] })).toThrow('use fewer folds');
    expect(() => foldsOf({ by: 'time', count: 2, gap: 100 }, 9, { times: [...Array(9).keys()] })).toThrow(
      'with 100 left out before each',
    );
  });
});

describe('folds by group', () => {
  test('no group is on both sides, and rows without one stand alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1, max: 8 }), { minLength: 30, maxLength: 80 }), (groups) => {
        const folds = tryFolds(() => foldsOf({ by: 'group', count: 3 }, groups.length, { groups }));
        fc.pre(folds !== undefined);
        for (const fold of [0, 1, 2]) {
          const trained = new Set(Array.from(folds.train(fold), (row) => groups[row]!).filter((group) => group >= 0));
          expect([...folds.test(fold)].some((row) => trained.has(groups[row]!))).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
    expect(foldsOf({ by: 'group', count: 4 }, 4, { groups: [-1, -1, -1, -1] }).tested).toHaveLength(4);
  });

  test('are of nearly equal size: the largest groups go first, each to the fold with the fewest rows', () => {
    // Groups of 5, 4, 3, 3 and 1 rows in two folds: 5 + 3 against 4 + 3 + 1.
    const groups = [5, 4, 3, 3, 1].flatMap((rows, group) => new Array<number>(rows).fill(group));
    const folds = foldsOf({ by: 'group', count: 2 }, groups.length, { groups });
    expect([folds.test(0).length, folds.test(1).length]).toEqual([8, 8]);
  });

  test('are refused where there are fewer groups', () => {
    expect(() => foldsOf({ by: 'group', count: 3 }, 4, { groups: [1, 1, 2, 2] })).toThrow(
      '3 folds by group need at least 3 groups, and there are 2; use fewer folds.',
    );
  });
});

test('so many folds as a row can not be marked with, and one alone, are refused', () => {
  expect(() => foldsOf({ by: 'rows', count: 1 }, 300, {})).toThrow('1 fold was asked for; give 2 to 254.');
  expect(() => foldsOf({ by: 'rows', count: 255 }, 300, {})).toThrow('255 folds were asked for; give 2 to 254.');
  expect([...foldsOf({ by: 'rows', count: 254 }, 254, {}).test(253)]).toEqual([253]);
  expect(() => foldsOf({ by: 'rows', count: 4 }, 3, {})).toThrow(
    '4 folds need at least 4 rows, and there are 3; use fewer folds.',
  );
});

test('every row is tested once, and trained on in all other folds', () => {
  for (const settings of [
    { by: 'rows', count: 4 },
    { by: 'rows', count: 4, shuffleSeed: 1 },
    { by: 'stratified', count: 4, shuffleSeed: 1 },
  ] as const) {
    const folds = foldsOf(settings, 30, { labels: Array.from({ length: 30 }, (_, i) => i % 3) });
    expect([0, 1, 2, 3].flatMap((fold) => [...folds.test(fold)]).sort((a, b) => a - b)).toEqual([...Array(30).keys()]);
    for (const fold of [0, 1, 2, 3])
      expect([...folds.train(fold), ...folds.test(fold)].sort((a, b) => a - b)).toEqual([...Array(30).keys()]);
  }
});

function tryFolds<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

test.each([
  ['stratified', 'Folds of 3 rows need as many labels, not none.', {}],
  ['group', 'Folds of 3 rows need as many groups, not 2.', { groups: [1, 2] }],
  ['time', 'Folds of 3 rows need as many times, not none.', { groups: [1, 2, 3] }],
] as const)('folds by %s need what they go by, of each row', (by, message, rows) => {
  expect(() => foldsOf({ by, count: 2 }, 3, rows)).toThrow(message);
});

test('a row without a group is one of its own, by a number that no group has', () => {
  expect(countGroups([-1, 1, 2, -1, 1])).toBe(4);
  const folds = foldsOf({ by: 'group', count: 4 }, 5, { groups: [-1, 1, 2, -1, 1] });
  expect(new Set([0, 1, 2, 3].map((fold) => [...folds.test(fold)].join(' ')))).toEqual(new Set(['0', '1 4', '2', '3']));
});

test('folds by chance have their share of every class, and those of numbers are shuffled', () => {
  expect(seededFolds({ task: 'multiclass', classes: ['a', 'b', 'c'] }, 5, 7)).toEqual({ by: 'stratified', count: 5 });
  expect(seededFolds({ task: 'regression', objective: 'poisson' }, 5, 7)).toEqual({
    by: 'rows',
    count: 5,
    shuffleSeed: 7,
  });
});
