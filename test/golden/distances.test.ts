import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chiSquare, jensenShannon } from '../../src/monitoring/distances.js';
import { kolmogorovSmirnovP } from '../../src/monitoring/kolmogorovSmirnov.js';
import { twoSampleDistances, type CountedValues } from '../../src/monitoring/twoSamples.js';

interface Distances {
  kolmogorov_smirnov: { statistic: number; p_value: number };
  wasserstein: { distance: number; scaled: number };
}
interface Golden {
  samples: Record<string, Distances & { reference: number[]; current: number[] }>;
  p_values: { rows: [number, number]; statistic: number; p_value: number }[];
  categories: {
    cells: [number, number][];
    jensen_shannon: number;
    chi_square: { statistic: number; degrees: number; p_value: number };
  }[];
}
/** SciPy's numbers, by fixtures/make_distance_fixtures.py. */
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/statistics/distances.json', import.meta.url), 'utf8'),
) as Golden;

function counted(reference: number[], current: number[]): CountedValues {
  const values = Float64Array.from(new Set([...reference, ...current])).sort();
  const timesIn = (rows: number[]) => values.map((value) => rows.filter((row) => row === value).length);
  return { values, reference: timesIn(reference), current: timesIn(current) };
}

/** To 1e-9 of the value itself, which of a small p-value is more than nine decimals. */
function expectEqual(found: number, wanted: number) {
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-9 * Math.max(Math.abs(wanted), Number.MIN_VALUE));
}

describe("distances of two samples are SciPy's", () => {
  test.each(Object.entries(golden.samples))('of %s', (_, { reference, current, kolmogorov_smirnov, wasserstein }) => {
    const found = twoSampleDistances(counted(reference, current))!;
    expectEqual(found.kolmogorov_smirnov.statistic, kolmogorov_smirnov.statistic);
    expectEqual(found.kolmogorov_smirnov.p_value, kolmogorov_smirnov.p_value);
    expectEqual(found.wasserstein.distance, wasserstein.distance);
    expectEqual(found.wasserstein.scaled, wasserstein.scaled);
  });

  test.each(golden.p_values)('the p-value of $rows rows', ({ rows, statistic, p_value }) => {
    expectEqual(kolmogorovSmirnovP(statistic, ...rows), p_value);
  });

  test.each(golden.categories)('of categories $cells', ({ cells, jensen_shannon, chi_square }) => {
    expectEqual(jensenShannon(cells)!, jensen_shannon);
    const { statistic, degrees, p_value } = chiSquare(cells)!;
    expectEqual(statistic, chi_square.statistic);
    expect(degrees).toBe(chi_square.degrees);
    expectEqual(p_value, chi_square.p_value);
  });
});

test('a sample without rows has no distance, and one category no difference', () => {
  expect(twoSampleDistances(counted([], [1, 2]))).toBeNull();
  expect(jensenShannon([[0, 3]])).toBeNull();
  expect(chiSquare([[0, 3]])).toBeNull();
  expect(chiSquare([[5, 3]])).toEqual({ statistic: 0, degrees: 0, p_value: 1 });
});
