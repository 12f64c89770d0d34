import type { Counts } from './measure.js';

/** Below this many rows a comparing sort is quicker than one by digits. */
const FEW_ROWS = 4096;
const DIGITS = 1 << 16;

/** Rows by falling score, with what is asked of each: whether it is positive. */
export interface Ranking {
  /** Rows, the highest score first; equal scores in the order of the rows. */
  order: Uint32Array;
  /** 1 for a positive row, aligned with `order`. */
  positive: Uint8Array;
  /** Where each group of equal scores ends, as positions of `order`. */
  ends: Uint32Array;
  positives: number;
}

/** @param scores not NaN, one per row */
export function rank(scores: ArrayLike<number>, isPositive: (row: number) => boolean): Ranking {
  const order = rowsFromHighest(scores);
  const positive = new Uint8Array(order.length);
  const ends = new Uint32Array(order.length);
  let positives = 0;
  let groups = 0;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    if (isPositive(row)) {
      positive[at] = 1;
      positives++;
    }
    if (at + 1 === order.length || scores[order[at + 1]!] !== scores[row]) ends[groups++] = at + 1;
  }
  return { order, positive, ends: ends.subarray(0, groups), positives };
}

/**
 * Area under the ROC curve by the Mann-Whitney statistic with mid-ranks for ties, `null` with one class; and average
 * precision, the step sum of precision over the gains in recall, sum of (R_n - R_(n-1)) P_n, `null` without positives.
 */
export function rankStatistics(
  { order, positive, ends }: Ranking,
  counts?: Counts,
): { roc_auc: number | null; average_precision: number | null } {
  let rows = order.length;
  if (counts) {
    rows = 0;
    for (let row = 0; row < order.length; row++) rows += counts[row]!;
  }
  let ranked = 0;
  let positives = 0;
  let rankSum = 0;
  let precisions = 0;
  let at = 0;
  for (const end of ends) {
    let tied = 0;
    let tiedPositives = 0;
    for (; at < end; at++) {
      const count = counts ? counts[order[at]!]! : 1;
      tied += count;
      if (positive[at] === 1) tiedPositives += count;
    }
    if (tied === 0) continue;
    rankSum += tiedPositives * (rows - ranked - (tied - 1) / 2);
    positives += tiedPositives;
    ranked += tied;
    precisions += tiedPositives * (positives / ranked);
  }
  const negatives = rows - positives;
  return {
    roc_auc:
      positives === 0 || negatives === 0
        ? null
        : (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives),
    average_precision: positives === 0 ? null : precisions / positives,
  };
}

/** {@link rankStatistics}' ROC AUC of labels of 0 and 1. */
export function rocAuc(labels: ArrayLike<number>, scores: ArrayLike<number>): number | null {
  return rankStatistics(rank(scores, (row) => labels[row] === 1)).roc_auc;
}

/**
 * DeLong's structural components of the AUC: of a positive row the share of negatives that it outranks, of a negative
 * row the share of positives that outrank it; a tie counts half.
 */
export function aucInfluence({ order, positive, ends, positives }: Ranking): Float64Array {
  const negatives = order.length - positives;
  const influence = new Float64Array(order.length);
  let above = { positives: 0, negatives: 0 };
  let start = 0;
  for (const end of ends) {
    let tiedPositives = 0;
    for (let at = start; at < end; at++) tiedPositives += positive[at]!;
    const tiedNegatives = end - start - tiedPositives;
    const ofPositive = 1 - (above.negatives + tiedNegatives / 2) / negatives;
    const ofNegative = (above.positives + tiedPositives / 2) / positives;
    for (let at = start; at < end; at++) influence[order[at]!] = positive[at] === 1 ? ofPositive : ofNegative;
    above = { positives: above.positives + tiedPositives, negatives: above.negatives + tiedNegatives };
    start = end;
  }
  return influence;
}

/**
 * Average precision is the mean over the positive rows of the precision at their score, TP / (TP + FP). One more row
 * moves the precision at its own score and at every lower one; a positive row has its own precision besides.
 */
export function averagePrecisionInfluence({ order, positive, ends, positives }: Ranking): Float64Array {
  const negatives = order.length - positives;
  const influence = new Float64Array(order.length);
  let tp = positives;
  let fp = negatives;
  let byPositive = 0;
  let byNegative = 0;
  // From the lowest score up, a group of equal ones at a time.
  for (let group = ends.length - 1; group >= 0; group--) {
    const start = group === 0 ? 0 : ends[group - 1]!;
    const end = ends[group]!;
    let tiedPositives = 0;
    for (let at = start; at < end; at++) tiedPositives += positive[at]!;
    const ranked = tp + fp;
    byPositive += (tiedPositives * fp) / ranked ** 2;
    byNegative -= (tiedPositives * negatives * tp) / (positives * ranked ** 2);
    for (let at = start; at < end; at++)
      influence[order[at]!] = positive[at] === 1 ? tp / ranked + byPositive : byNegative;
    tp -= tiedPositives;
    fp -= end - start - tiedPositives;
  }
  return influence;
}

/** Rows by falling score, equal ones in their order. */
export function rowsFromHighest(scores: ArrayLike<number>): Uint32Array {
  const rows = new Uint32Array(scores.length);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  return rows.length < FEW_ROWS ? rows.sort((a, b) => scores[b]! - scores[a]!) : sortByDigits(rows, scores);
}

/** A stable radix sort by the 16-bit digits of float64; of scores that came from float32, two of the four say all. */
function sortByDigits(rows: Uint32Array<ArrayBuffer>, scores: ArrayLike<number>): Uint32Array {
  const digits = new Uint16Array(fallingKeys(scores).buffer);
  let from = rows;
  let to = new Uint32Array(rows.length);
  const counts = new Uint32Array(DIGITS);
  for (let digit = 0; digit < 4; digit++) {
    counts.fill(0);
    for (let row = 0; row < rows.length; row++) counts[digits[row * 4 + digit]!]!++;
    if (counts[digits[digit]!] === rows.length) continue;
    let before = 0;
    for (let value = 0; value < DIGITS; value++) {
      const count = counts[value]!;
      counts[value] = before;
      before += count;
    }
    for (const row of from) to[counts[digits[row * 4 + digit]!]!++] = row;
    [from, to] = [to, from];
  }
  return from;
}

/** Two 32-bit words per score, the low one first (as on every machine that this runs on), whose order as unsigned numbers is that of the falling scores. */
function fallingKeys(scores: ArrayLike<number>): Uint32Array {
  const values = Float64Array.from(scores);
  const words = new Uint32Array(values.buffer);
  for (let row = 0; row < values.length; row++) {
    // -0 equals 0.
    if (values[row] === 0) values[row] = 0;
    const high = row * 2 + 1;
    if (words[high]! >>> 31 === 0) {
      // Positive numbers grow with their bits; turned round for the falling order, below all negative ones.
      words[high] = ~words[high]! & 0x7fffffff;
      words[high - 1] = ~words[high - 1]!;
    }
  }
  return words;
}
