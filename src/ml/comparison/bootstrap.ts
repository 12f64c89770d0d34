import type { Counts, Measure } from '../metrics/measure.js';
import { Mt19937 } from '../mt19937.js';

/** Draws of many rows take long and are alike; draws of few rows cost nothing. */
const MOST_DRAWS = 2_000;
const FEWEST_DRAWS = 200;
/** Rows that are drawn or passed over, in all draws together. */
const WORK = 1e8;

/** The convention behind every result shown, to be named beside it. */
export const BOOTSTRAP_CONVENTION =
  'paired bootstrap: rows drawn with replacement, the same for both models; percentile interval, and p twice the smaller share of draws on either side of 0, with one added to both counts';

/**
 * Whether two models that predicted the same rows differ in a metric, by the paired bootstrap (Efron and Tibshirani
 * 1993): both are measured on the same rows, drawn with replacement again and again.
 *
 * @param rows of the evaluation
 * @param options.alpha one minus the confidence of the interval
 * @param options.seed 0 to 2^32 - 1; the same seed and number of rows give the same draws
 * @returns `null` where the metric of either is undefined, or most draws leave it so
 */
export function pairedBootstrap(
  a: Measure,
  b: Measure,
  rows: number,
  options: { alpha: number; seed: number },
): { a: number; b: number; difference: number; p: number; interval: [number, number] } | null {
  const [ofA, ofB] = [a.value(), b.value()];
  if (ofA === null || ofB === null || rows < 2) return null;
  const draws = Math.round(Math.min(MOST_DRAWS, Math.max(FEWEST_DRAWS, WORK / (rows * (1 + a.passes + b.passes)))));
  const differences: number[] = [];
  const random = new Mt19937(options.seed);
  const counts = new Uint32Array(rows);
  for (let draw = 0; draw < draws; draw++) {
    drawRows(random, counts);
    const difference = differenceOf(a, b, counts);
    if (difference !== null) differences.push(difference);
  }
  if (differences.length * 2 < draws) return null;
  const sorted = Float64Array.from(differences).sort();
  return {
    a: ofA,
    b: ofB,
    difference: ofA - ofB,
    p: shareBeyondZero(sorted),
    interval: [quantile(sorted, options.alpha / 2), quantile(sorted, 1 - options.alpha / 2)],
  };
}

/** How often each row is drawn, with as many draws as rows. */
function drawRows(random: Mt19937, counts: Uint32Array): void {
  counts.fill(0);
  for (let drawn = 0; drawn < counts.length; drawn++) counts[random.integer(counts.length - 1)]!++;
}

function differenceOf(a: Measure, b: Measure, counts: Counts): number | null {
  const [ofA, ofB] = [a.value(counts), b.value(counts)];
  return ofA === null || ofB === null ? null : ofA - ofB;
}

/** A p-value of 0 would say more than so many draws can, hence the one added to both counts (Davison and Hinkley 1997). */
function shareBeyondZero(sorted: Float64Array): number {
  let below = 0;
  let above = 0;
  for (const difference of sorted) {
    if (difference <= 0) below++;
    if (difference >= 0) above++;
  }
  return Math.min(1, (2 * (Math.min(below, above) + 1)) / (sorted.length + 1));
}

/** Between the two nearest order statistics, as numpy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const low = Math.floor(position);
  const high = Math.min(sorted.length - 1, low + 1);
  return sorted[low]! + (position - low) * (sorted[high]! - sorted[low]!);
}
