import type { FeatureDistances } from '../contracts/index.js';
import { isMissing } from '../ml/missing.js';
import { kolmogorovSmirnovP } from './kolmogorovSmirnov.js';

/** The distinct values of two samples, ascending, with how many rows of each have them. */
export interface CountedValues {
  /** None of them missing. */
  values: Float64Array;
  reference: Float64Array;
  current: Float64Array;
}

/** Two samples that are in memory; missing values are left out. */
export function countedValues(reference: ArrayLike<number>, current: ArrayLike<number>): CountedValues {
  const [first, second] = [reference, current].map((sample) =>
    Float64Array.from(sample)
      .filter((value) => !isMissing(value))
      .sort(),
  ) as [Float64Array, Float64Array];
  const all = first.length + second.length;
  const counted = { values: new Float64Array(all), reference: new Float64Array(all), current: new Float64Array(all) };
  let [distinct, a, b] = [0, 0, 0];
  for (; a < first.length || b < second.length; distinct++) {
    const value = Math.min(first[a] ?? Infinity, second[b] ?? Infinity);
    counted.values[distinct] = value;
    for (; first[a] === value; a++) counted.reference[distinct]! += 1;
    for (; second[b] === value; b++) counted.current[distinct]! += 1;
  }
  return {
    values: counted.values.subarray(0, distinct),
    reference: counted.reference.subarray(0, distinct),
    current: counted.current.subarray(0, distinct),
  };
}

/** Least standard deviation that a distance is divided by, as Evidently has it: a constant reference has none. */
const SMALLEST_DEVIATION = 0.001;

/**
 * How far two samples of numbers are apart, by their empirical distribution functions: the largest difference
 * (Kolmogorov-Smirnov), and the area between them (the first Wasserstein distance).
 *
 * @returns `null` where either sample has no row
 */
export function twoSampleDistances({
  values,
  reference,
  current,
}: CountedValues): Required<Pick<FeatureDistances, 'kolmogorov_smirnov' | 'wasserstein'>> | null {
  const rows = { reference: sumOf(reference), current: sumOf(current) };
  if (rows.reference === 0 || rows.current === 0) return null;
  const below = { reference: 0, current: 0 };
  let [largest, area] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    below.reference += reference[i]!;
    below.current += current[i]!;
    // In whole numbers: the difference of two quotients would differ in its last digit from the exact one.
    const apart = Math.abs(below.reference * rows.current - below.current * rows.reference);
    largest = Math.max(largest, apart);
    if (i + 1 < values.length) area += apart * (values[i + 1]! - values[i]!);
  }
  const pairs = rows.reference * rows.current;
  const statistic = largest / pairs;
  const distance = area / pairs;
  return {
    kolmogorov_smirnov: { statistic, p_value: kolmogorovSmirnovP(statistic, rows.reference, rows.current) },
    wasserstein: {
      distance,
      scaled: distance / Math.max(deviation(values, reference, rows.reference), SMALLEST_DEVIATION),
    },
  };
}

/** Standard deviation of the population. */
function deviation(values: Float64Array, counts: Float64Array, rows: number): number {
  const mean = values.reduce((sum, value, i) => sum + counts[i]! * value, 0) / rows;
  return Math.sqrt(values.reduce((sum, value, i) => sum + counts[i]! * (value - mean) ** 2, 0) / rows);
}

function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
