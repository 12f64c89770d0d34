import { countedRows, type ColumnProfile } from './profile.js';

/** Shares below this count as this much, so that an empty bin gives a large number instead of an infinite one. */
const SMALLEST_SHARE = 1e-4;

/** The convention behind every PSI shown, to be named beside it. */
export const PSI_CONVENTION =
  'scorecard PSI: deciles of the reference (linear quantiles, equal edges merged, outer edges infinite) for numeric features, categories for the others, shares floored at 0.0001';

/**
 * Population stability index of `current` against `reference`: the sum over bins of (c - r) ln(c / r), where c and r
 * are the shares of rows. 0 is no change; above 0.2 is the usual alarm.
 *
 * Both profiles must have the same bins ({@link emptyLike}). `null` where either holds no value at all.
 */
export function psi(reference: ColumnProfile, current: ColumnProfile): number | null {
  const referenceRows = countedRows(reference);
  const currentRows = countedRows(current);
  if (referenceRows === 0 || currentRows === 0) return null;
  let sum = 0;
  for (const [r, c] of pairedCounts(reference, current)) {
    const expected = Math.max(r / referenceRows, SMALLEST_SHARE);
    const actual = Math.max(c / currentRows, SMALLEST_SHARE);
    sum += (actual - expected) * Math.log(actual / expected);
  }
  return sum;
}

function pairedCounts(reference: ColumnProfile, current: ColumnProfile): [number, number][] {
  const referenceCounts = new Map(Object.entries(reference.counts));
  const currentCounts = new Map(Object.entries(current.counts));
  const bins = new Set([...referenceCounts.keys(), ...currentCounts.keys()]);
  return [...bins].map((bin) => [referenceCounts.get(bin) ?? 0, currentCounts.get(bin) ?? 0]);
}
