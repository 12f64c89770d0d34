import type { FeatureDistances } from '../contracts/index.js';
import { pearsonStatistic } from './homogeneity.js';
import type { ColumnProfile } from './profile.js';
import { pairedCounts } from './psi.js';
import { upperGamma } from './upperGamma.js';

/** The rule behind the distances of a report, to be named beside them. */
export const DISTANCES_CONVENTION =
  "kolmogorov_smirnov: two-sided, of two samples, p-values as SciPy's ks_2samp (exact up to 10,000 rows in the larger sample). wasserstein: the first Wasserstein distance, scaled by the reference's standard deviation (ddof 0), at least .001. jensen_shannon: the square root of the divergence to base 2, over the bins of PSI, without a floor. chi_square: Pearson's test of the contingency table, without a correction. The first two compare at most 20,000 training rows with all scored rows; values that are missing are left out. What the model says is compared with what it said of held-out rows at training. adjusted_p_value: of one test a column (Kolmogorov-Smirnov, or chi-square of categories), by Benjamini and Hochberg over the features and what the model says; significant: it is at most alpha";

/**
 * The Jensen-Shannon distance of two distributions over the same bins: the square root of the divergence to base 2, from
 * 0 to 1.
 *
 * @param cells rows of the first and of the second sample per bin
 * @returns `null` where either sample is empty
 */
export function jensenShannon(cells: readonly (readonly [number, number])[]): number | null {
  const [first, second] = totals(cells);
  if (first === 0 || second === 0) return null;
  let divergence = 0;
  for (const [a, b] of cells) {
    const [p, q] = [a / first, b / second];
    const middle = (p + q) / 2;
    divergence += (p > 0 ? p * Math.log2(p / middle) : 0) / 2 + (q > 0 ? q * Math.log2(q / middle) : 0) / 2;
  }
  return Math.sqrt(Math.max(0, divergence));
}

/**
 * Pearson's chi-square test of the 2 x k contingency table, without Yates' correction.
 * @returns `null` where either sample is empty; a p-value of 1 where there is one category
 */
export function chiSquare(cells: readonly (readonly [number, number])[]): FeatureDistances['chi_square'] | null {
  const filled = cells.filter(([a, b]) => a + b > 0);
  const [first, second] = totals(filled);
  if (first === 0 || second === 0) return null;
  const degrees = filled.length - 1;
  const statistic = pearsonStatistic(filled, first, second);
  return { statistic, degrees, p_value: degrees === 0 ? 1 : upperGamma(degrees / 2, statistic / 2) };
}

/** The distances that two profiles with the same bins have; `null` where either holds no value. */
export function profileDistances(
  reference: ColumnProfile,
  current: ColumnProfile,
): Pick<FeatureDistances, 'jensen_shannon' | 'chi_square'> | null {
  const cells = pairedCounts(reference, current);
  const distance = jensenShannon(cells);
  if (distance === null) return null;
  return { jensen_shannon: distance, ...(reference.kind === 'categories' && { chi_square: chiSquare(cells)! }) };
}

function totals(cells: readonly (readonly [number, number])[]): [number, number] {
  return [cells.reduce((sum, [a]) => sum + a, 0), cells.reduce((sum, [, b]) => sum + b, 0)];
}
