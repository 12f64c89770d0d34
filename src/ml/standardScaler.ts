import { isMissing } from './missing.js';

/** Standard scaling of one column: (x - mean) / scale. */
export interface ColumnScale {
  mean: number;
  /** Population standard deviation; 1 for a constant column. */
  scale: number;
}

/** Fits scikit-learn's `StandardScaler` to a column; missing values don't count. A column without values has mean 0. */
export function fitStandardScale(values: Float64Array | Float32Array): ColumnScale {
  let sum = 0;
  let n = 0;
  for (const value of values) {
    if (isMissing(value)) continue;
    sum += value;
    n++;
  }
  if (n === 0) return { mean: 0, scale: 1 };
  const mean = sum / n;
  let squares = 0;
  let residue = 0;
  for (const value of values) {
    if (isMissing(value)) continue;
    squares += (value - mean) ** 2;
    residue += value - mean;
  }
  // The residue, 0 but for rounding, corrects the sum of squares (Chan, Golub, LeVeque 1983).
  const variance = (squares - residue ** 2 / n) / n;
  return { mean, scale: variance <= rounding(n, mean, variance) ? 1 : Math.sqrt(variance) };
}

/** The variance that rounding alone may give a constant column: scikit-learn's bound. */
function rounding(n: number, mean: number, variance: number): number {
  return n * Number.EPSILON * variance + (n * mean * Number.EPSILON) ** 2;
}
