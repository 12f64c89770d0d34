import type { FoldScore } from './engines/pool.js';
import { classSizes, type Measure } from './metrics/measure.js';

/** Groups that the rows of a fold are dealt to. More would make the noise of a difference no clearer, and results larger. */
const GROUPS = 100;

/**
 * A score of a fold, greater is better, and what is needed to say how certain its difference from another candidate's is.
 *
 * @param measure of the fold's rows, defined
 * @param better which way of the metric is better
 * @param strata rows within which the groups are alike, as `strataOf` gives them
 */
export function foldScoreOf(
  value: number,
  measure: Measure,
  better: 'higher' | 'lower',
  strata: Uint32Array[],
): FoldScore {
  const groups = groupInfluence(measure.influence(), strata);
  const unit = measure.unit();
  return {
    score: better === 'higher' ? value : -value,
    influence: better === 'higher' ? groups : groups.map((part) => -part),
    step: measure.step(),
    ...(unit === 1 ? {} : { unit }),
  };
}

/**
 * The part that each of some groups of rows has in the deviation of a metric from its expected value. They add up to 0,
 * and the sum of the squares of two candidates' differences estimates the variance of the difference of their metrics.
 * Rows of each stratum are dealt in turn, so that the groups are alike.
 *
 * @param influence per row, as {@link Measure} has it
 * @returns {@link GROUPS} numbers, fewer where there are fewer rows
 */
export function groupInfluence(influence: Float64Array, strata: Uint32Array[]): number[] {
  const groups = new Array<number>(Math.min(GROUPS, influence.length)).fill(0);
  let dealt = 0;
  for (const rows of strata) {
    let mean = 0;
    for (let at = 0; at < rows.length; at++) mean += influence[rows[at]!]!;
    mean /= rows.length;
    for (let at = 0; at < rows.length; at++)
      groups[dealt++ % groups.length]! += (influence[rows[at]!]! - mean) / rows.length;
  }
  return groups;
}

/**
 * Of one metric what `differenceVariance` is of a difference, from every row; `null` where a stratum has a single row, which
 * has no variance of its own; for a mean over the rows it counts among those of the largest stratum.
 */
export function standardErrorOf(measure: Measure, strata: Uint32Array[]): number | null {
  const influence = measure.influence();
  const largest = strata.reduce((most, rows) => (rows.length > most.length ? rows : most));
  const single = strata.filter((rows) => rows.length === 1).map(([row]) => row!);
  if (largest.length < 2 || (single.length > 0 && !measure.isMean)) return null;
  let variance = measure.step() ** 2;
  for (const rows of strata) {
    if (rows.length < 2) continue;
    const of = rows === largest ? [...rows, ...single] : rows;
    // Influence is a share of the stratum, which is larger with the rows of others.
    const grown = of.length / rows.length;
    const shares = Float64Array.from(of, (row, at) => influence[row]! * (at < rows.length ? grown : of.length));
    let mean = 0;
    for (const share of shares) mean += share / of.length;
    let squares = 0;
    for (const share of shares) squares += (share - mean) ** 2;
    variance += squares / (of.length - 1) / of.length;
  }
  return Math.sqrt(variance);
}

/** Rows by class, the last class first; without classes all rows in one. */
export function strataOf(labels: ArrayLike<number>, classes: number | null): Uint32Array[] {
  const strata = Array.from(
    classes === null ? [labels.length] : classSizes(labels, classes),
    (size) => new Uint32Array(size),
  );
  const filled = new Uint32Array(strata.length);
  for (let row = 0; row < labels.length; row++) {
    const stratum = classes === null ? 0 : labels[row]!;
    strata[stratum]![filled[stratum]!++] = row;
  }
  return strata.reverse();
}
