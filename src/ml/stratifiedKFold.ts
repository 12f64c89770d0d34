import { PerdureError } from '../errors.js';
import { Mt19937 } from './mt19937.js';
import { countOf } from '../contracts/counts.js';

/** Whose folds a message is of, in words that follow "folds", and what to do where there are too few rows for them. */
export interface FoldWords {
  of: string;
  remedy: string;
}
export const FOLD_WORDS: FoldWords = { of: '', remedy: 'use fewer folds' };

/**
 * The test fold of each row, as scikit-learn's `StratifiedKFold(n_splits)` deals them: every fold gets its share of
 * every class, classes in order of first appearance, rows in order unless shuffled.
 *
 * @param labels a class a row, any numbers
 * @param options.words of whose folds a message is
 * @param options.shuffleSeed shuffles the fold ids within each class, as `shuffle=True, random_state=shuffleSeed`
 * @returns fold number a row, from 0
 * @throws PerdureError `InputInvalid` where no class has a row for every fold
 */
export function stratifiedFolds(
  labels: ArrayLike<number>,
  nSplits: number,
  options: { shuffleSeed?: number; words?: FoldWords } = {},
): Uint8Array {
  const rowsByClass = new Map<number, number[]>();
  for (let row = 0; row < labels.length; row++) {
    const rows = rowsByClass.get(labels[row]!);
    if (rows) rows.push(row);
    else rowsByClass.set(labels[row]!, [row]);
  }
  const largest = Math.max(0, ...[...rowsByClass.values()].map((rows) => rows.length));
  if (largest < nSplits) {
    const { of, remedy } = options.words ?? FOLD_WORDS;
    throw new PerdureError(
      'InputInvalid',
      `${countOf(nSplits, 'fold')}${of} need at least ${countOf(nSplits, 'row')} of a class, and the largest class has ${largest}; ${remedy}.`,
    );
  }
  const random = options.shuffleSeed === undefined ? undefined : new Mt19937(options.shuffleSeed);
  const folds = new Uint8Array(labels.length);
  let dealt = 0;
  for (const rows of rowsByClass.values()) {
    const ids = foldIds(dealt, rows.length, nSplits);
    random?.shuffle(ids);
    rows.forEach((row, i) => (folds[row] = ids[i]!));
    dealt += rows.length;
  }
  return folds;
}

/** Sorted fold ids of a class whose rows are dealt round-robin after those of the classes before it. */
function foldIds(dealtBefore: number, count: number, nSplits: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (dealtBefore + i) % nSplits).sort();
}
