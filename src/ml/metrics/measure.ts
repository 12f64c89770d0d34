/**
 * How often each row counts, as a bootstrap draws them. What several metrics need of a draw is kept by the object, so
 * another draw is another object (a view of the same memory will do).
 */
export type Counts = ArrayLike<number>;

/** A metric made ready for the rows that it is of, so that it can be taken again for other draws of them. */
export interface Measure {
  /** Passes over the rows that one value takes. */
  passes: number;
  /**
   * The metric, `null` where the rows leave it undefined.
   * @param counts aligned with the rows; each once where left out
   */
  value(counts?: Counts): number | null;
  /**
   * What each row adds to or takes from the metric: the first-order effect of one more row like it, as a share of its
   * stratum (its class; of a regression all rows), up to a constant of the stratum. With the strata's sizes fixed, the
   * sampling variance of the metric is the sum over the strata of the variance of these values divided by the stratum's
   * rows; of the difference of two models on the same rows it is the same of the values' differences. Defined where the
   * metric is.
   */
  influence(): Float64Array;
  /**
   * The largest step in which the metric moves when one row is decided otherwise; 0 for metrics without decisions. Two
   * models that decide alike on every row show no variance, and yet may differ on other rows.
   */
  step(): number;
  /** Whether it is a mean over the rows, whose influence leaves out no constant: strata may be put together. */
  isMean?: true;
  /** What counts as 1 in the metric's units: 1, or where the labels' units decide, what a constant prediction has. */
  unit(): number;
}

/** Rows per class. */
export function classSizes(labels: ArrayLike<number>, classes: number): Float64Array {
  const sizes = new Float64Array(classes);
  for (let row = 0; row < labels.length; row++) sizes[labels[row]!]!++;
  return sizes;
}

/** A mean over the rows, such as a loss. */
export function meanMeasure(
  perRow: Float64Array,
  options: { share?: (row: number) => number; unit?: () => number } = {},
): Measure {
  const { share = () => 1, unit = () => 1 } = options;
  return {
    passes: 1,
    value: (counts) => meanOf(perRow, counts),
    influence: () => perRow.map((value, row) => value * share(row)),
    step: () => 0,
    isMean: true,
    unit,
  };
}

/**
 * Weighted by the counts; `null` without rows. Without counts the order of the rows doesn't matter: two readings of the
 * same rows, whose order a query leaves open, have the same mean to the bit. The mean of equal values is that value to the
 * bit, as the values that rounding makes of it would seem to differ from it.
 */
export function meanOf(perRow: Float64Array, counts?: Counts): number | null {
  let sum = 0;
  let rows = 0;
  let low = Infinity;
  let high = -Infinity;
  if (counts) {
    for (let row = 0; row < perRow.length; row++) {
      const count = counts[row]!;
      if (count === 0) continue;
      const value = perRow[row]!;
      sum += count * value;
      rows += count;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  } else {
    const sorted = perRow.toSorted();
    for (const value of sorted) sum += value;
    rows = sorted.length;
    [low, high] = [sorted[0]!, sorted.at(-1)!];
  }
  return rows === 0 ? null : Math.min(high, Math.max(low, sum / rows));
}

/** Of rows that leave a metric undefined. */
export const UNDEFINED: Measure = {
  passes: 1,
  value: () => null,
  influence: () => new Float64Array(0),
  step: () => 0,
  unit: () => 1,
};
