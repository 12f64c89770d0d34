import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adjustedPValues, homogeneityP, rejected } from '../../src/monitoring/homogeneity.js';
import {
  countInto,
  emptyLike,
  missingRate,
  profileColumn,
  profileNumbers,
  type CategoryProfile,
} from '../../src/monitoring/profile.js';
import { psi, shiftOf } from '../../src/monitoring/psi.js';

interface Golden {
  ref: number[];
  cur: number[];
  psi_decile: { edges: (number | null)[]; ref_counts: number[]; cur_counts: number[]; 'psi_eps1e-4': number };
  psi_zero_bins: { ref: number[]; cur: number[]; 'eps1e-4': number };
}
const golden = JSON.parse(readFileSync(new URL('../fixtures/statistics/psi.json', import.meta.url), 'utf8')) as Golden;

describe('scorecard PSI equals the reference numbers', () => {
  test('deciles, counts and the index of two normal samples', () => {
    const reference = profileNumbers(golden.ref);
    const current = countInto(emptyLike(reference), golden.cur);

    const inner = golden.psi_decile.edges.filter((edge) => edge !== null);
    expect(reference.edges).toHaveLength(inner.length);
    reference.edges.forEach((edge, i) => expect(edge).toBeCloseTo(inner[i] ?? NaN, 12));
    expect(reference.counts.filter((_, bin) => bin % 2 === 0)).toEqual(golden.psi_decile.ref_counts);
    expect(current.counts.filter((_, bin) => bin % 2 === 0)).toEqual(golden.psi_decile.cur_counts);
    for (const { counts } of [reference, current])
      expect(counts.filter((rows, bin) => bin % 2 === 1 && rows > 0)).toEqual([]);
    expect(psi(reference, current)).toBeCloseTo(golden.psi_decile['psi_eps1e-4'], 12);
  });

  test('empty categories on either side are floored at 1e-4', () => {
    const categories = (counts: number[]): CategoryProfile => ({
      kind: 'categories',
      counts: Object.fromEntries(counts.map((count, i) => [String(i), count])),
      missing: 0,
    });
    const { ref, cur } = golden.psi_zero_bins;
    expect(psi(categories(ref), categories(cur))).toBeCloseTo(golden.psi_zero_bins['eps1e-4'], 12);
  });
});

describe('columns that are not smooth', () => {
  const against = (reference: (number | null)[], current: (number | null)[]) => {
    const profile = profileColumn(reference, 'numeric');
    return psi(profile, countInto(emptyLike(profile), current));
  };
  const repeat = (value: number, times: number) => new Array<number>(times).fill(value);

  test('a column of one value drifts when the value changes', () => {
    expect(against(repeat(5, 100), repeat(5, 50))).toBe(0);
    expect(against(repeat(5, 100), repeat(6, 50))).toBeGreaterThan(5);
    expect(against(repeat(5, 100), repeat(4, 50))).toBeGreaterThan(5);
  });

  test('a column that is nearly all zero drifts when the zeros go', () => {
    const mostlyZero = [...repeat(0, 95), 1, 2, 3, 4, 5];
    expect(against(mostlyZero, mostlyZero)).toBe(0);
    expect(against(mostlyZero, [...repeat(0, 50), ...repeat(3, 50)])).toBeGreaterThan(0.2);
  });

  test('few distinct values give few bins', () => {
    const ages = [...repeat(45, 10), ...repeat(55, 30), ...repeat(65, 40), ...repeat(75, 20)];
    const profile = profileNumbers(ages);
    expect(profile.edges).toEqual([...new Set(profile.edges)]);
    expect(against(ages, ages)).toBe(0);
    expect(against(ages, repeat(75, 100))).toBeGreaterThan(1);
  });

  test('nulls, NaN and infinities are missing and leave the index alone', () => {
    const holes = [...golden.cur, null, NaN, Infinity, -Infinity];
    const profile = profileNumbers(golden.ref);
    const current = countInto(emptyLike(profile), holes);
    expect(current.missing).toBe(4);
    expect(missingRate(current)).toBeCloseTo(4 / holes.length, 12);
    expect(psi(profile, current)).toBeCloseTo(golden.psi_decile['psi_eps1e-4'], 12);
  });

  test('a column without any value has no index', () => {
    expect(against([1, 2, 3], [null, NaN])).toBeNull();
    expect(against([null], [1, 2])).toBeNull();
    expect(against([1, 2], [])).toBeNull();
  });
});

describe('mirrored columns', () => {
  const shift = (reference: number[], current: number[]) => {
    const profile = profileNumbers(reference);
    return { ...shiftOf(profile, countInto(emptyLike(profile), current))!, edges: profile.edges };
  };
  const mirrored = (values: number[]) => values.map((value) => -value);
  const repeat = (value: number, times: number) => new Array<number>(times).fill(value);

  // By numpy.quantile and numpy.searchsorted, with each edge as a bin of its own.
  test.each([
    [
      'counts',
      [...repeat(0, 50), ...repeat(1, 30), ...repeat(2, 12), ...repeat(3, 5), ...repeat(7, 3)],
      [...repeat(0, 20), ...repeat(1, 15), ...repeat(2, 8), ...repeat(3, 4), ...repeat(9, 3)],
      0.6016409292465318,
    ],
    [
      'a largest value of 96% that grows',
      [...repeat(0, 4), ...repeat(1, 96)],
      [...repeat(0, 4), ...repeat(500, 96)],
      17.60364138103989,
    ],
    [
      'a largest value of 5% that grows',
      [...repeat(0, 95), ...repeat(1, 5)],
      [...repeat(0, 95), ...repeat(500, 5)],
      0.6202178882225347,
    ],
  ])("%s: the index is that of the mirror image, and the reference's", (_, reference, current, expected) => {
    expect(shift(reference, current).psi).toBeCloseTo(expected, 12);
    expect(shift(mirrored(reference), mirrored(current)).psi).toBeCloseTo(expected, 12);
  });

  test('have the same index, noise and significance, whatever the values', () => {
    const value = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom(0, 0.5, -0.5, 1),
      fc.double({ min: -10, max: 10, noNaN: true }),
    );
    const sample = fc.array(value, { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sample, sample, (reference, current) => {
        const plain = shift(reference, current);
        const mirror = shift(mirrored(reference), mirrored(current));
        expect(mirror.edges).toEqual(
          mirrored(plain.edges)
            .reverse()
            .map((edge) => edge + 0),
        );
        for (const key of ['psi', 'expected', 'standardError', 'p'] as const)
          expect(mirror[key]).toBeCloseTo(plain[key], 9);
      }),
      { numRuns: 1_000, seed: 9 },
    );
  });
});

describe('a test of homogeneity', () => {
  // p by 400,000 tables of scipy.stats.random_table with the same margins: exact but for a standard error of at most .0007.
  test.each([
    [
      'well filled cells',
      [
        [10, 6],
        [20, 9],
        [30, 45],
      ],
      0.0149,
      1.2,
    ],
    [
      'two rows where .1 are expected, which chi-square calls 4e-8',
      [
        [5000, 18],
        [5000, 22],
        [5000, 19],
        [5000, 25],
        [20, 2],
      ],
      0.003,
      40,
    ],
    ['deciles of a large reference', [4, 11, 9, 15, 8, 12, 7, 10, 9, 15].map((rows) => [7000, rows]), 0.3087, 1.05],
    [
      'few rows',
      [
        [12, 2],
        [5, 9],
      ],
      0.0184,
      3,
    ],
  ])('%s', (_, cells, p, factor) => {
    const found = homogeneityP(cells as [number, number][]);
    expect(found).toBeLessThan(p * factor);
    expect(found).toBeGreaterThan(p / factor);
  });

  test('finds nothing where there is nothing to compare', () => {
    expect(homogeneityP([[5, 3]])).toBe(1);
    expect(
      homogeneityP([
        [5, 0],
        [3, 0],
      ]),
    ).toBe(1);
    expect(
      homogeneityP([
        [1, 1],
        [0, 1],
      ]),
    ).toBe(1);
    expect(homogeneityP([])).toBe(1);
    expect(
      homogeneityP([
        [1, 0],
        [1, 0],
        [1, 0],
        [0, 1],
      ]),
    ).toBe(1);
  });

  test('is sure of a change that is plain', () => {
    expect(
      homogeneityP([
        [500, 0],
        [0, 100],
      ]),
    ).toBeLessThan(1e-12);
  });
});

describe('Benjamini and Hochberg', () => {
  // scipy.stats.false_discovery_control adjusts these to .01, .04, .084, .084, .084, .1, .1057, .216, .216, .216.
  const p = [0.041, 0.001, null, 0.008, 0.039, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216];

  test.each([
    [0.009, 0],
    [0.011, 1],
    [0.05, 2],
    [0.0841, 5],
    [0.105, 6],
    [0.22, 10],
  ])('at %f rejects %i', (alpha, count) => {
    const found = rejected(p, alpha);
    expect(found.filter(Boolean)).toHaveLength(count);
    expect(found[2]).toBe(false);
    expect(found.findIndex(Boolean)).toBe(count === 0 ? -1 : count >= 5 ? 0 : 1);
  });
});

describe("p-values of many columns, as statsmodels' multipletests adjusts them", () => {
  // By fixtures/make_adjustment_fixtures.py.
  const { families } = JSON.parse(
    readFileSync(new URL('../fixtures/statistics/adjusted.json', import.meta.url), 'utf8'),
  ) as { families: { name: string; p: number[]; adjusted: number[]; rejected: boolean[] }[] };

  test.each(families)('$name', ({ p, adjusted, rejected: wanted }) => {
    adjustedPValues(p).forEach((found, i) => expect(found).toBeCloseTo(adjusted[i]!, 12));
    expect(rejected(p, 0.05)).toEqual(wanted);
  });

  test('what could not be tested counts among none of them', () => {
    expect(adjustedPValues([null, 0.02, null, 0.04])).toEqual([null, 0.04, null, 0.04]);
    expect(adjustedPValues([null])).toEqual([null]);
  });
});

test('binary columns go by category, whatever type they are stored as', () => {
  const reference = profileColumn([0, 0, 0, 1], 'binary');
  expect(profileColumn([false, false, false, true], 'binary')).toEqual(reference);
  expect(profileColumn([0n, 0n, 0n, 1n], 'binary')).toEqual(reference);
  expect(psi(reference, countInto(emptyLike(reference), [0, 1, 1, 1]))).toBeCloseTo(
    (0.75 - 0.25) * Math.log(3) * 2,
    12,
  );
});

test('a profile survives JSON', () => {
  const profile = profileNumbers([...new Array<number>(20).fill(0), 1]);
  expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
});
