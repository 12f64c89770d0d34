import type { FeatureDistances } from '../contracts/index.js';
import { kolmogorovSmirnovP } from './kolmogorovSmirnov.js';

/** The distinct values of two samples, ascending, with how many rows of each have them. */
export interface CountedValues {
  /** Finite. */
  values: Float64Array;
  reference: Float64Array;
  current: Float64Array;
}

/** Two samples that are in memory; what is not finite is left out. */
export function countedValues(reference: ArrayLike<number>, current: ArrayLike<number>): CountedValues {
  const counts = new Map<number, [number, number]>();
  [reference, current].forEach((sample, side) => {
    for (let row = 0; row < sample.length; row++) {
      const value = sample[row]!;
      if (!Number.isFinite(value)) continue;
      const count = counts.get(value) ?? [0, 0];
      count[side]! += 1;
      counts.set(value, count);
    }
  });
  const values = Float64Array.from(counts.keys()).sort();
  const ofSide = (side: 0 | 1) => values.map((value) => counts.get(value)![side]);
  return { values, reference: ofSide(0), current: ofSide(1) };
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
