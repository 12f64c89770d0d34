import { describe, expect, test } from 'vitest';
import {
  countedRows,
  countInto,
  emptyLike,
  labelValues,
  missingRate,
  profileColumn,
  profileLabels,
  profileNumbers,
  profileOutput,
  type BinnedProfile,
  type CategoryProfile,
} from '../../src/monitoring/profile.js';
import type { TaskSpec } from '../../src/contracts/index.js';
import { normalQuantile, twoSidedP } from '../../src/ml/normal.js';
import { homogeneityP, rejected } from '../../src/monitoring/homogeneity.js';
import { psi, shiftOf } from '../../src/monitoring/psi.js';

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const repeat = (value: number, times: number) => new Array<number>(times).fill(value);

describe('the edges of a numeric profile', () => {
  // numpy.quantile(values, [.1, .2, ..., .9]).
  test('are the deciles, interpolated linearly', () => {
    expect(profileNumbers(upTo(10)).edges).toEqual(
      [1.9, 2.8, 3.7, 4.6, 5.5, 6.4, 7.3, 8.2, 9.1].map((edge) => expect.closeTo(edge, 12) as number),
    );
    expect(profileNumbers([4, 1]).edges).toEqual(
      [1.3, 1.6, 1.9, 2.2, 2.5, 2.8, 3.1, 3.4, 3.7].map((edge) => expect.closeTo(edge, 12) as number),
    );
    expect(profileNumbers(upTo(11)).edges).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(profileNumbers([7]).edges).toEqual([7]);
    expect(profileNumbers([NaN, null]).edges).toEqual([]);
  });

  test('are, besides, the smallest and the largest value where 1% of the rows share it, two at least', () => {
    const inner = Array.from({ length: 198 }, (_, i) => 100 + i);
    const edges = (values: number[]) => profileNumbers(values).edges;
    const has = (values: number[], edge: number) => edges(values).includes(edge);
    // Two of 200 are 1%; one of 199, and two of 202, are not.
    expect([has([0, 0, ...inner], 0), has([0, ...inner], 0), has([0, 0, ...inner, 98, 99], 0)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([has([...inner, 500, 500], 500), has([...inner, 500], 500), has([1, 2, ...inner, 500, 500], 500)]).toEqual([
      true,
      false,
      false,
    ]);
    // In few rows a single one is more than 1%, and no edge.
    expect(has([0, ...upTo(49)], 0)).toBe(false);
    // An extreme that a decile is already is one edge.
    expect(edges([...repeat(0, 50), ...repeat(1, 50)])).toEqual([0, 0.5, 1]);
  });

  test('do not overflow between numbers of opposite sign', () => {
    expect(profileNumbers([-3e38, 3e38]).edges.every(Number.isFinite)).toBe(true);
    expect(profileNumbers([-3e38, 3e38]).edges[4]).toBe(0);
  });
});

describe('counting', () => {
  test('gives each edge a bin of its own between its neighbours, and what is missing none', () => {
    const profile: BinnedProfile = { kind: 'bins', edges: [0, 1], counts: [0, 0, 0, 0, 0], missing: 0 };
    expect(countInto(profile, [-5, 0, 0, 0.5, 1, 2, 3, null, undefined, NaN, Infinity, 3.5e38])).toEqual({
      kind: 'bins',
      edges: [0, 1],
      counts: [1, 2, 1, 1, 2],
      missing: 5,
    });
    expect(countedRows(profile)).toBe(7);
    expect(missingRate(profile)).toBeCloseTo(5 / 12, 12);
  });

  test('takes numbers as they are stored: as texts, truth values or whole numbers of 64 bits', () => {
    expect(profileColumn(['1', '2', true, 3n, 'x'], 'numeric')).toMatchObject({ kind: 'bins', missing: 1 });
    expect(countedRows(profileColumn(['1', '2', true, 3n, 'x'], 'numeric'))).toBe(4);
  });

  test.each(['binary', 'ordinal', 'categorical'] as const)('goes by category where a column is %s', (type) => {
    expect(profileColumn([true, false, 1, 'a', 'a', 2n, null, undefined, NaN, Infinity], type)).toEqual({
      kind: 'categories',
      counts: { 0: 1, 1: 2, a: 2, 2: 1 },
      missing: 4,
    });
  });

  test('takes labels and what a model says by the task: numbers by bins, classes by their names', () => {
    const regression: TaskSpec = { task: 'regression', objective: 'squared_error' };
    const binary: TaskSpec = { task: 'binary', classes: ['no', 'yes'] };
    const several: TaskSpec = { task: 'multiclass', classes: ['a', 'b', 'c'] };
    expect([labelValues(regression, [2, 0]), labelValues(several, [2, 0])]).toEqual([
      [2, 0],
      ['c', 'a'],
    ]);
    expect(profileLabels(regression, [0, 1, 1])).toEqual(profileNumbers([0, 1, 1]));
    expect(profileLabels(binary, [0, 1, 1])).toEqual({ kind: 'categories', counts: { no: 1, yes: 2 }, missing: 0 });

    const said = Float64Array.of(0.2, 0.7, 0.1, 0.5, 0.1, 0.4);
    expect(profileOutput(several, { values: said, width: 3 })).toEqual({
      kind: 'categories',
      counts: { b: 1, a: 1 },
      missing: 0,
    });
    expect(profileOutput(binary, { values: said, width: 1 })).toEqual(profileNumbers(said));
  });

  test('names that every JavaScript object has are categories as others', () => {
    const values = ['constructor', 'constructor', 'toString', '__proto__'];
    const categories = profileColumn(values, 'categorical');
    expect(countedRows(categories)).toBe(4);
    const stored = JSON.parse(JSON.stringify(categories)) as typeof categories;
    expect(psi(stored, countInto(emptyLike(stored), values))).toBe(0);
    expect(
      psi(stored, countInto(emptyLike(stored), ['constructor', 'constructor', 'toString', 'other'])),
    ).toBeGreaterThan(1);
  });

  test('starts again from an empty profile of the same bins, and leaves the old one', () => {
    const numbers = profileNumbers([...upTo(20), NaN]);
    expect(emptyLike(numbers)).toEqual({ ...numbers, counts: numbers.counts.map(() => 0), missing: 0 });
    const categories: CategoryProfile = { kind: 'categories', counts: { a: 3 }, missing: 2 };
    expect(emptyLike(categories)).toEqual({ kind: 'categories', counts: {}, missing: 0 });
    expect(countedRows(numbers)).toBe(20);
    expect(missingRate(emptyLike(categories))).toBe(0);
    expect(missingRate({ ...emptyLike(categories), missing: 3 })).toBe(1);
  });
});

describe('PSI', () => {
  const of = (reference: Record<string, number>, current: Record<string, number>) =>
    shiftOf({ kind: 'categories', counts: reference, missing: 9 }, { kind: 'categories', counts: current, missing: 1 });

  test('with its noise, by hand', () => {
    // Shares .75, .25 against .5, .5: (-.25) ln(2/3) + .25 ln 2 = .25 ln 3.
    const shift = of({ a: 30, b: 10 }, { a: 10, b: 10 })!;
    expect(shift.psi).toBeCloseTo(0.25 * Math.log(3), 12);
    // (1/40 + 1/20)(2 - 1).
    expect(shift.expected).toBeCloseTo(0.075, 12);
    // Slopes by the reference's shares: 1 - c/r - ln(c/r); by the current ones: 1 - r/c + ln(c/r). Of two bins with shares p and q
    // the variance is p q (difference of slopes)^2, over the rows.
    const slope = {
      reference: 1 / 3 - Math.log(2 / 3) - (1 - 2 - Math.log(2)),
      current: 1 - 1.5 + Math.log(2 / 3) - (1 - 0.5 + Math.log(2)),
    };
    expect(shift.standardError).toBeCloseTo(
      Math.sqrt((0.1875 * slope.reference ** 2) / 40 + (0.25 * slope.current ** 2) / 20),
      12,
    );
    expect(shift.p).toBeCloseTo(
      homogeneityP([
        [30, 10],
        [10, 10],
      ]),
      12,
    );
  });

  test('is 0 without noise where all rows are in one bin, and cells that are empty on both sides count for nothing', () => {
    expect(of({ a: 5 }, { a: 3 })).toEqual({ psi: 0, expected: 0, standardError: 0, p: 1 });
    expect(of({ a: 30, b: 10, c: 0 }, { a: 10, b: 10, d: 0 })).toEqual(of({ a: 30, b: 10 }, { a: 10, b: 10 }));
  });

  test('is not there where either side has no row', () => {
    expect([of({}, { a: 1 }), of({ a: 1 }, {}), of({ a: 0 }, { a: 1 })]).toEqual([null, null, null]);
    expect(
      psi({ kind: 'categories', counts: {}, missing: 1 }, { kind: 'categories', counts: { a: 1 }, missing: 0 }),
    ).toBeNull();
  });
});

describe('normal deviates', () => {
  // scipy.stats.norm.isf.
  test.each([
    [0.5, 0],
    [0.025, 1.959963984540054],
    [0.005, 2.5758293035489004],
    [0.0025, 2.807033768343811],
    [1e-10, 6.361340902404056],
  ])('exceed %f with the probability %f', (p, deviate) => {
    expect(normalQuantile(p)).toBeCloseTo(deviate, 9);
  });

  test('have a p of 1 at 0 and of 0 at infinity, alike on both sides', () => {
    expect([twoSidedP(0), twoSidedP(Infinity), twoSidedP(-Infinity)]).toEqual([1, 0, 0]);
    expect(twoSidedP(-1.5)).toBe(twoSidedP(1.5));
    expect(normalQuantile(0)).toBeGreaterThan(38);
  });
});

describe('several tests at once', () => {
  test('reject what is at the limit, nothing where none was made, and never what could not be tested', () => {
    expect(rejected([0.05], 0.05)).toEqual([true]);
    expect(rejected([0.0251, 0.0501], 0.05)).toEqual([false, false]);
    expect(rejected([0.025, 0.9, null], 0.05)).toEqual([true, false, false]);
    expect(rejected([0, null, 0], 0.01)).toEqual([true, false, true]);
    expect(rejected([], 0.05)).toEqual([]);
    expect(rejected([null], 0.05)).toEqual([false]);
  });

  test('four rows are the fewest that can be compared', () => {
    expect(
      homogeneityP([
        [2, 0],
        [0, 2],
      ]),
    ).toBeLessThan(0.5);
    expect(
      homogeneityP([
        [2, 0],
        [0, 1],
      ]),
    ).toBe(1);
    expect(
      homogeneityP([
        [0, 2],
        [0, 5],
      ]),
    ).toBe(1);
    expect(
      homogeneityP([
        [10, 6],
        [0, 0],
        [20, 9],
        [30, 45],
      ]),
    ).toBe(
      homogeneityP([
        [10, 6],
        [20, 9],
        [30, 45],
      ]),
    );
    expect(
      homogeneityP([
        [6, 10],
        [9, 20],
        [45, 30],
      ]),
    ).toBeCloseTo(
      homogeneityP([
        [10, 6],
        [20, 9],
        [30, 45],
      ]),
      9,
    );
  });
});
