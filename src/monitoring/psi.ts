import { homogeneityP } from './homogeneity.js';
import { countedRows, type ColumnProfile } from './profile.js';

/** Shares below this count as this much, so that an empty bin gives a large number instead of an infinite one. */
const SMALLEST_SHARE = 1e-4;

/** The convention behind every PSI shown, to be named beside it. */
export const PSI_CONVENTION =
  'scorecard PSI: deciles of the reference (linear quantiles, equal edges merged, outer edges infinite) for numeric features, where each edge is a bin of its own, as is the smallest or largest value that 1% of the rows share; categories for the others; shares floored at 0.0001';

/**
 * Population stability index of `current` against `reference`: the sum over bins of (c - r) ln(c / r), where c and r
 * are the shares of rows. 0 is no change; above 0.2 is the usual alarm.
 *
 * Both profiles must have the same bins ({@link emptyLike}). `null` where either holds no value at all.
 */
export function psi(reference: ColumnProfile, current: ColumnProfile): number | null {
  return shiftOf(reference, current)?.psi ?? null;
}

/** How far a column has moved, beside what two samples of these sizes show where nothing moved. */
export interface Shift {
  psi: number;
  /**
   * Mean of PSI where nothing moved: (1/n + 1/m)(k - 1) with k filled bins and n and m rows (Yurdakul and Naranjo
   * 2020, Journal of Risk Model Validation 14).
   */
  expected: number;
  /** Of PSI, from the multinomial variances of both samples by the delta method. */
  standardError: number;
  /** Of no move at all, by {@link homogeneityP}. */
  p: number;
}

/** As {@link psi}, with its sampling noise; `null` where either profile holds no value at all. */
export function shiftOf(reference: ColumnProfile, current: ColumnProfile): Shift | null {
  const referenceRows = countedRows(reference);
  const currentRows = countedRows(current);
  if (referenceRows === 0 || currentRows === 0) return null;
  const cells = pairedCounts(reference, current).filter(([r, c]) => r + c > 0);
  let psi = 0;
  const slopes = { reference: new Spread(), current: new Spread() };
  for (const [r, c] of cells) {
    const expected = Math.max(r / referenceRows, SMALLEST_SHARE);
    const actual = Math.max(c / currentRows, SMALLEST_SHARE);
    const logRatio = Math.log(actual / expected);
    psi += (actual - expected) * logRatio;
    slopes.reference.add(r / referenceRows, 1 - actual / expected - logRatio);
    slopes.current.add(c / currentRows, 1 - expected / actual + logRatio);
  }
  return {
    psi,
    expected: (1 / referenceRows + 1 / currentRows) * (cells.length - 1),
    standardError: Math.sqrt(slopes.reference.variance / referenceRows + slopes.current.variance / currentRows),
    p: homogeneityP(cells),
  };
}

/** Variance of a value over the bins of one sample, weighted by their shares. */
class Spread {
  private mean = 0;
  private square = 0;

  add(share: number, value: number): void {
    this.mean += share * value;
    this.square += share * value ** 2;
  }

  get variance(): number {
    return Math.max(this.square - this.mean ** 2, 0);
  }
}

/** Rows of both profiles per bin that either fills. */
export function pairedCounts(reference: ColumnProfile, current: ColumnProfile): [number, number][] {
  const referenceCounts = new Map(Object.entries(reference.counts));
  const currentCounts = new Map(Object.entries(current.counts));
  const bins = new Set([...referenceCounts.keys(), ...currentCounts.keys()]);
  return [...bins].map((bin) => [referenceCounts.get(bin) ?? 0, currentCounts.get(bin) ?? 0]);
}
