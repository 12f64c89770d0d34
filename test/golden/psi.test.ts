import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { countInto, emptyLike, missingRate, profileColumn, profileNumbers, type CategoryProfile } from '../../src/monitoring/profile.js';
import { psi } from '../../src/monitoring/psi.js';

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
    expect(reference.counts).toEqual(golden.psi_decile.ref_counts);
    expect(current.counts).toEqual(golden.psi_decile.cur_counts);
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

test('binary columns go by category, whatever type they are stored as', () => {
  const reference = profileColumn([0, 0, 0, 1], 'binary');
  expect(profileColumn([false, false, false, true], 'binary')).toEqual(reference);
  expect(profileColumn([0n, 0n, 0n, 1n], 'binary')).toEqual(reference);
  expect(psi(reference, countInto(emptyLike(reference), [0, 1, 1, 1]))).toBeCloseTo((0.75 - 0.25) * Math.log(3) * 2, 12);
});

test('a profile survives JSON', () => {
  const profile = profileNumbers([...new Array<number>(20).fill(0), 1]);
  expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
});
