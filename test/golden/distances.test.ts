import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chiSquare, jensenShannon } from '../../src/monitoring/distances.js';
import { asymptoticP, kolmogorovSmirnovP } from '../../src/monitoring/kolmogorovSmirnov.js';
import { homogeneityP } from '../../src/monitoring/homogeneity.js';
import { upperGamma } from '../../src/monitoring/upperGamma.js';
import { countedValues, twoSampleDistances, type CountedValues } from '../../src/monitoring/twoSamples.js';

interface Distances {
  kolmogorov_smirnov: { statistic: number; p_value: number };
  wasserstein: { distance: number; scaled: number };
}
interface Golden {
  samples: Record<string, Distances & { reference: number[]; current: number[] }>;
  one_sample: { rows: number; statistic: number; p_value: number }[];
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

  test.each(golden.one_sample)('the p-value of two samples that stand for $rows rows, at $statistic', (one) => {
    // Two samples of twice as many rows stand for n m / (n + m) of them.
    expectEqual(asymptoticP(one.statistic, 2 * one.rows, 2 * one.rows), one.p_value);
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

test.each([
  [1, 120.5, 4.916678167004911e-28],
  [11, 900.25, 5.478888492313689e-186],
  [4_999, 6_400, 2.610855704020693e-38],
  [3, 1e-9, 0.9999999999999916],
  [200_000, 199_000, 0.9432581767872077],
])(
  "chi-square with %i degrees of freedom is above %f as often as SciPy's chi2.sf says",
  (degrees, statistic, wanted) => {
    expectEqual(upperGamma(degrees / 2, statistic / 2), wanted);
  },
);

test('nothing is above 0 more seldom than always', () => {
  expect(upperGamma(2, 0)).toBe(1);
});

// SciPy's kstwo.sf(.03, round(10001 / 2)) and kstwo.sf(.02, round(15001 / 2)): its round takes halves to even numbers.
test.each([
  [10_001, 0.03, 0.00024159234422666817],
  [15_001, 0.02, 0.0048900963221801645],
])('two samples of %i rows each stand for half as many, rounded as SciPy does', (rows, statistic, wanted) => {
  expectEqual(kolmogorovSmirnovP(statistic, rows, rows), wanted);
});

test('values that are too large for a model are missing in every distance, as in PSI', () => {
  const sentinel = 1.7976931348623157e308;
  const values = countedValues([1, 2, 3, -sentinel], [2, 3, 4, sentinel, NaN, Infinity]);
  // 1, 2, 3 against 2, 3, 4: one apart, of the standard deviation sqrt(2 / 3).
  expect([...values.values]).toEqual([1, 2, 3, 4]);
  const { distance, scaled } = twoSampleDistances(values)!.wasserstein;
  expectEqual(distance, 1);
  expectEqual(scaled, Math.sqrt(3 / 2));
});

test('a column whose values are nearly all its own is compared without a wait', () => {
  // 80 000 rows then and 20 000 now, no value the same but in five pairs of rows then.
  const cells = Array.from({ length: 99_995 }, (_, i): [number, number] =>
    i < 5 ? [2, 0] : i < 79_995 ? [1, 0] : [0, 1],
  );
  const started = performance.now();
  const p = homogeneityP(cells);
  expect(p).toBeGreaterThan(0.01);
  expect(p).toBeLessThanOrEqual(1);
  // It took 12 s of the only thread, in which a worker tells nobody that it lives.
  expect(performance.now() - started).toBeLessThan(3_000);
});
