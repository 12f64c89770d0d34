import { agreeing, countOf } from '../contracts/counts.js';
import type { TaskSpec } from '../contracts/task.js';
import { PerdureError } from '../errors.js';
import { Mt19937 } from './mt19937.js';
import { FOLD_WORDS, stratifiedFolds, type FoldWords } from './stratifiedKFold.js';

/** How training rows are cut into folds for cross-validation. */
export type FoldSettings =
  /** Every fold has its share of every class: scikit-learn's `StratifiedKFold`, shuffled where there is a seed. */
  | { by: 'stratified'; count: number; shuffleSeed?: number }
  /** scikit-learn's `KFold`, shuffled where there is a seed. */
  | { by: 'rows'; count: number; shuffleSeed?: number }
  /** All rows of a group are in one fold: scikit-learn's `GroupKFold`. */
  | { by: 'group'; count: number }
  /** Each fold is tested on a stretch of time by a model of all that came before: scikit-learn's `TimeSeriesSplit`. */
  | { by: 'time'; count: number; /** Left out between training and test, in units of the times. */ gap?: number };

/** Folds by chance: with their share of every class where there are classes, else shuffled. */
export function seededFolds({ task }: TaskSpec, count: number, seed: number): FoldSettings {
  return task === 'regression' ? { by: 'rows', count, shuffleSeed: seed } : { by: 'stratified', count };
}

/** What rows are, besides their number; each has a value per row. */
export interface FoldRows {
  /** Classes as numbers, for `stratified`. */
  labels?: ArrayLike<number>;
  /** A number per group, for `group`; a row with a number below 0 has no group and is one of its own. */
  groups?: ArrayLike<number>;
  /** For `time`, e.g. days since 1970-01-01. */
  times?: ArrayLike<number>;
}

/** More folds than this don't fit a byte per row. */
const MAX_FOLDS = 254;
const NEVER = 255;

/** Folds of some rows: a byte or two per row, which pass to other processes as they are. */
export class Folds {
  /**
   * @param count number of folds
   * @param tested the fold that a row is tested in, 255 for one that never is
   * @param trainedSince the first fold that a row trains for, where training expands; else a row trains for every fold but its own
   */
  constructor(
    readonly count: number,
    readonly tested: Uint8Array,
    readonly trainedSince?: Uint8Array,
  ) {}

  /** Rows that a fold's model learns from, in order. */
  train(fold: number): Int32Array {
    const { tested, trainedSince } = this;
    return trainedSince
      ? rowsWhere(trainedSince, (since) => since <= fold)
      : rowsWhere(tested, (test) => test !== fold);
  }

  /** Rows that a fold's model is tested on, in order. */
  test(fold: number): Int32Array {
    return rowsWhere(this.tested, (test) => test === fold);
  }
}

function rowsWhere(values: Uint8Array, holds: (value: number) => boolean): Int32Array {
  const rows = new Int32Array(values.length);
  let n = 0;
  for (let row = 0; row < values.length; row++) if (holds(values[row]!)) rows[n++] = row;
  return rows.slice(0, n);
}

/**
 * Cuts `n` rows into folds.
 *
 * @param words of whose folds a message is
 * @throws PerdureError `InputInvalid` where there are too few rows, classes, groups or moments for so many folds
 */
export function foldsOf(settings: FoldSettings, n: number, rows: FoldRows, words: FoldWords = FOLD_WORDS): Folds {
  const { count } = settings;
  if (count < 2 || count > MAX_FOLDS)
    throw new PerdureError(
      'ConfigInvalid',
      `${countOf(count, 'fold')} ${agreeing(count, 'was', 'were')} asked for; give 2 to ${MAX_FOLDS}.`,
    );
  switch (settings.by) {
    case 'stratified':
      return new Folds(
        count,
        stratifiedFolds(valuesOf(rows.labels, n, 'labels'), count, {
          words,
          ...(settings.shuffleSeed !== undefined && { shuffleSeed: settings.shuffleSeed }),
        }),
      );
    case 'rows':
      return new Folds(count, rowFolds(n, count, words, settings.shuffleSeed));
    case 'group':
      return new Folds(count, groupFolds(valuesOf(rows.groups, n, 'groups'), count, words));
    case 'time':
      return timeFolds(valuesOf(rows.times, n, 'times'), count, words, settings.gap ?? 0);
  }
}

function valuesOf(values: ArrayLike<number> | undefined, n: number, what: string): ArrayLike<number> {
  if (values?.length === n) return values;
  throw new TypeError(`Folds of ${countOf(n, 'row')} need as many ${what}, not ${values?.length ?? 'none'}.`);
}

/** The first folds are one row longer where the rows can't be divided evenly. */
function rowFolds(n: number, count: number, { of, remedy }: FoldWords, seed?: number): Uint8Array {
  if (n < count)
    throw new PerdureError(
      'InputInvalid',
      `${countOf(count, 'fold')}${of} need at least ${countOf(count, 'row')}, and there ${agreeing(n, 'is', 'are')} ${n}; ${remedy}.`,
    );
  const order = Int32Array.from({ length: n }, (_, row) => row);
  if (seed !== undefined) new Mt19937(seed).shuffle(order);
  const folds = new Uint8Array(n);
  let next = 0;
  for (let fold = 0; fold < count; fold++) {
    const end = next + Math.floor(n / count) + (fold < n % count ? 1 : 0);
    for (; next < end; next++) folds[order[next]!] = fold;
  }
  return folds;
}

/** How many groups rows are of; see {@link FoldRows}. */
export function countGroups(groups: ArrayLike<number>): number {
  return sizesOf(groups).size;
}

/** Rows of each group. A row without one is a group of its own, by a number that no other has. */
function sizesOf(groups: ArrayLike<number>): Map<number, number> {
  const sizes = new Map<number, number>();
  for (let row = 0; row < groups.length; row++) {
    const group = groupOf(groups, row);
    sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  return sizes;
}

function groupOf(groups: ArrayLike<number>, row: number): number {
  return groups[row]! >= 0 ? groups[row]! : -1 - row;
}

/** Groups go, the largest first, each into the fold that has the fewest rows by then. */
function groupFolds(groups: ArrayLike<number>, count: number, { of, remedy }: FoldWords): Uint8Array {
  const sizes = sizesOf(groups);
  if (sizes.size < count)
    throw new PerdureError(
      'InputInvalid',
      `${countOf(count, 'fold')}${of} by group need at least ${countOf(count, 'group')}, and there ${agreeing(sizes.size, 'is', 'are')} ${sizes.size}; ${remedy}.`,
    );
  const largestFirst = [...sizes].sort(([a, sizeA], [b, sizeB]) => sizeB - sizeA || b - a);
  const filled = new Array<number>(count).fill(0);
  const foldOf = new Map<number, number>();
  for (const [group, size] of largestFirst) {
    const lightest = filled.indexOf(Math.min(...filled));
    filled[lightest]! += size;
    foldOf.set(group, lightest);
  }
  return Uint8Array.from({ length: groups.length }, (_, row) => foldOf.get(groupOf(groups, row))!);
}

/**
 * The rows in order of time make `count + 1` blocks of equal size but the first, which takes what is left over. Rows of
 * one moment stay together, in the block where the middle one of them lies.
 */
function timeFolds(times: ArrayLike<number>, count: number, { of, remedy }: FoldWords, gap: number): Folds {
  const n = times.length;
  const order = Int32Array.from({ length: n }, (_, row) => row).sort((a, b) => times[a]! - times[b]! || a - b);
  const size = Math.floor(n / (count + 1));
  const firstTested = n - count * size;
  const blocks = new Uint8Array(n);
  const starts = new Array<number>(count).fill(Infinity);
  for (let first = 0; first < n;) {
    const time = times[order[first]!]!;
    let end = first + 1;
    while (end < n && times[order[end]!] === time) end++;
    const middle = Math.floor((first + end - 1) / 2);
    const block = size === 0 || middle < firstTested ? 0 : 1 + Math.floor((middle - firstTested) / size);
    for (const row of order.subarray(first, end)) blocks[row] = block;
    if (block > 0) starts[block - 1] = Math.min(starts[block - 1]!, time);
    first = end;
  }
  const tested = blocks.map((of) => (of === 0 ? NEVER : of - 1));
  const trainedSince = Uint8Array.from({ length: n }, (_, row) => {
    const first = starts.findIndex((start) => times[row]! < start - gap);
    return first < 0 ? NEVER : Math.max(first, blocks[row]!);
  });
  const folds = new Folds(count, tested, trainedSince);
  const empty = starts.findIndex((start, fold) => start === Infinity || !trainedSince.some((since) => since <= fold));
  if (empty >= 0) {
    const left = gap > 0 ? ` with ${gap} left out before each` : '';
    throw new PerdureError(
      'InputInvalid',
      `${countOf(count, 'fold')}${of} by time${left} leave fold ${empty + 1} without rows to train or to test: the ${countOf(n, 'row')} lie at too few moments; ${remedy}.`,
    );
  }
  return folds;
}
