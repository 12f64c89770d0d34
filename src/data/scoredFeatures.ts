import { INTERNAL } from '../config/columns.js';
import { sameName } from '../contracts/index.js';
import type { Pipeline } from '../config/load.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { columnsOf, identifier, readParquetSql, type Database } from './duckdb.js';
import type { InputColumn } from './inputColumns.js';
import { featureStoreFiles } from './layers.js';
import { ofDaysSql, SCORED_ROWS, type ScoredDays } from './scoredRows.js';

/** The scored rows of some days beside their features, as SQL. */
export interface ScoredFeatures {
  /** What follows FROM. */
  relation: string;
  /** The value of a feature as training had it; what gold now lacks, or has as something else, is null. */
  valueOf(feature: string): string;
}

/**
 * The features in gold of the rows that `loadScoredRows` has loaded.
 * @param inputs those that the version was trained on
 * @returns `undefined` where gold has no file of these days
 */
export async function scoredFeatures(
  database: Database,
  { definition }: Pipeline,
  stores: Stores,
  inputs: InputColumn[],
  days: ScoredDays,
): Promise<ScoredFeatures | undefined> {
  const files = await featureStoreFiles(stores, days);
  if (files.length === 0) return undefined;
  const gold = readParquetSql(files.map(({ path }) => path));
  const known = new Set((await columnsOf(database, gold)).map(sameName));
  const kinds = new Map(inputs.map(({ name, kind }) => [name, kind]));
  const keys = definition.keys.map(identifier).join(', ');
  return {
    relation: `${SCORED_ROWS} JOIN ${gold} AS ${INTERNAL.features} USING (${keys}) WHERE ${ofDaysSql(days)}`,
    valueOf: (name) =>
      known.has(sameName(name)) ? valueSql(`${INTERNAL.features}.${identifier(name)}`, kinds.get(name)) : 'NULL',
  };
}

function valueSql(column: string, kind: InputColumn['kind'] | undefined): string {
  if (kind === 'category') return `CAST(${column} AS VARCHAR)`;
  return kind === 'date'
    ? `epoch(TRY_CAST(CAST(${column} AS VARCHAR) AS TIMESTAMP)) / 86400.0`
    : `TRY_CAST(${column} AS DOUBLE)`;
}
