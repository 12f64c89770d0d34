import type { DataNeeds } from '../estimators/estimator.js';
import { stratifiedShuffleSplits } from '../stratifiedShuffleSplit.js';
import type { Matrix } from './binding.js';

/** Rows that are kept apart, of each class its share, in the order that the rows have. */
export function apart(
  { labels, rows }: Pick<Matrix, 'labels' | 'rows'>,
  isClass: boolean,
  { share, seed }: NonNullable<DataNeeds['validation']>,
): { train: Uint32Array; test: Uint32Array } {
  const classes = isClass ? labels : new Uint8Array(rows);
  const [split] = stratifiedShuffleSplits(classes, { splits: 1, testShare: share, seed });
  return { train: split!.train.sort(), test: split!.test.sort() };
}
