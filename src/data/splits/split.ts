import { identifier, literal } from '../duckdb.js';
import { dayOf } from '../partitions.js';
import { columnSplit } from './column.js';
import { hashSplit } from './hash.js';
import type { SplitName } from '../../contracts/index.js';
import type { SplitSettings } from '../../config/splitSettings.js';
import { timeSplit } from './time.js';

/** Which row stands on which side. */
export interface Split {
  /** Names of the splits: `train`, then those that evaluate. */
  names: SplitName[];
  /** Those of them that must have rows; the others are absent where a column doesn't say them. */
  required: SplitName[];
  /** Columns of a gold row, besides the keys and the day, that {@link sql} reads. */
  columns: string[];
  /**
   * An SQL expression over a gold row: the name of its split as VARCHAR, NULL for a row that belongs to none, such as one
   * of a day after `asOf`.
   *
   * @param asOf ISO 8601 date or instant
   */
  sql(asOf: string): string;
  /** First and last day of each split, both included, where the split is by time; a `from` that is absent is the beginning. */
  days?(asOf: string): Map<SplitName, SplitDays>;
}

/** Days of a split, both included. There are none where `from` is later than `to`. */
export interface SplitDays {
  from?: string;
  to: string;
}

/** How a gold row's columns are reached in SQL. */
export interface SplitColumns {
  /** Columns that name a row. */
  keys: string[];
  /** SQL of a row's day, where rows have one. */
  day?: string;
  /** SQL of a column; its quoted name by default. */
  column?: (name: string) => string;
}

/** A kind of split, before rows of the future are taken out; all its names are required unless it says so. */
export type SplitKind = Omit<Split, 'required'> & Partial<Pick<Split, 'required'>>;

/**
 * The split that settings describe.
 *
 * @throws PerdureError `ConfigInvalid` for a split by time of rows without a day
 */
export function splitOf(settings: SplitSettings, { keys, day, column = identifier }: SplitColumns): Split {
  const kind = kindOf(settings, { keys, day, column });
  const split = { ...kind, required: kind.required ?? kind.names };
  if (day === undefined) return split;
  return {
    ...split,
    sql: (asOf) =>
      `CASE WHEN CAST(${day} AS DATE) > CAST(${literal(dayOf(asOf))} AS DATE) THEN NULL ELSE ${kind.sql(asOf)} END`,
  };
}

function kindOf(
  settings: SplitSettings,
  columns: { keys: string[]; day: string | undefined; column: (name: string) => string },
): SplitKind {
  switch (settings.by) {
    case 'time':
      return timeSplit(settings, columns.day);
    case 'random':
    case 'group':
      return hashSplit(settings, columns);
    case 'column':
      return columnSplit(settings, columns.column);
  }
}
