import { upperGamma } from './upperGamma.js';

/**
 * Whether two samples that were counted into the same cells may come from one distribution: the p-value of Pearson's
 * chi-square statistic of the 2 x k table.
 *
 * The statistic is referred to a gamma distribution with its exact mean and variance under fixed margins (Dawson 1954,
 * Biometrika 41, 280), not to the chi-square distribution: where all cells are well filled the two agree, and where
 * some expect less than a row the chi-square distribution calls one stray row a change.
 *
 * @param cells rows of the first and of the second sample per cell
 * @returns 0 to 1; 1 where there is nothing to compare: one cell, an empty sample, or fewer than four rows
 */
export function homogeneityP(cells: readonly (readonly [number, number])[]): number {
  const filled = cells.filter(([first, second]) => first + second > 0);
  const first = filled.reduce((sum, [rows]) => sum + rows, 0);
  const second = filled.reduce((sum, [, rows]) => sum + rows, 0);
  const total = first + second;
  if (filled.length < 2 || first === 0 || second === 0 || total < 4) return 1;

  const statistic = pearsonStatistic(filled, first, second);
  const { mean, variance } = momentsOf(
    filled.map(([a, b]) => a + b),
    [first, second],
  );
  // All tables with these margins have one statistic, such as where every cell has a single row.
  if (variance < 1e-9 * mean ** 2) return 1;
  return upperGamma(mean ** 2 / variance, (statistic * mean) / variance);
}

/**
 * Pearson's chi-square statistic of a 2 x k table whose cells are all filled.
 * @param first rows of the first sample, `second` those of the second
 */
export function pearsonStatistic(
  filled: readonly (readonly [number, number])[],
  first: number,
  second: number,
): number {
  const total = first + second;
  const ofFirst = filled.reduce((sum, [a, b]) => {
    const expected = ((a + b) * first) / total;
    return sum + (a - expected) ** 2 / expected;
  }, 0);
  return ofFirst * (total / second);
}

/** Mean and variance of the chi-square statistic over all tables with these margins. */
function momentsOf(cells: number[], samples: number[]): { mean: number; variance: number } {
  const total = cells.reduce((sum, rows) => sum + rows, 0);
  const sides = [cells, samples].map((margin) => {
    const k = margin.length;
    const reciprocals = margin.reduce((sum, rows) => sum + 1 / rows, 0);
    return {
      degrees: k - 1,
      nu: ((total - k) * (k - 1)) / (total - 1),
      sigma: (total * reciprocals - k * k) / (total - 2),
    };
  });
  const [a, b] = sides as [(typeof sides)[0], (typeof sides)[0]];
  return {
    mean: (a.degrees * b.degrees * total) / (total - 1),
    variance:
      ((2 * total) / (total - 3)) * (a.nu - a.sigma) * (b.nu - b.sigma) +
      (total ** 2 / (total - 1)) * a.sigma * b.sigma,
  };
}

/**
 * Which of several hypotheses are rejected while at most a share `alpha` of the rejections is false in the mean:
 * Benjamini and Hochberg (1995). Where all of them hold, `alpha` is the probability that any is rejected.
 *
 * @param pValues `null` for what could not be tested, which is never rejected
 * @returns one entry per p-value
 */
export function rejected(pValues: readonly (number | null)[], alpha: number): boolean[] {
  const sorted = pValues.filter((p) => p !== null).sort((a, b) => a - b);
  const limit = sorted.findLast((p, i) => p <= ((i + 1) / sorted.length) * alpha) ?? -1;
  return pValues.map((p) => p !== null && p <= limit);
}

/**
 * The same p-values as Benjamini and Hochberg adjust them: each is the least `alpha` at which {@link rejected} rejects it.
 * @param pValues `null` for what could not be tested
 */
export function adjustedPValues(pValues: readonly (number | null)[]): (number | null)[] {
  const order = pValues.flatMap((p, i) => (p === null ? [] : [{ p, i }])).sort((a, b) => b.p - a.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let least = 1;
  order.forEach(({ p, i }, above) => {
    least = Math.min(least, (p * order.length) / (order.length - above));
    adjusted[i] = least;
  });
  return adjusted;
}
