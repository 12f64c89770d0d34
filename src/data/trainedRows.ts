import { INTERNAL } from '../config/columns.js';
import { writeColumns } from '../platform/files/parquet.js';
import { identifier, readParquetSql } from './duckdb.js';
import { textSql } from './splits/hash.js';

/**
 * The rows that a model was fitted on, by digests of their keys. What it says of them is better than what it says of any
 * other row, so they are no evidence of how it does: monitoring leaves them out, with whatever features they have by then.
 */
export const TRAINED_ROWS = 'trained_rows.parquet';

/** SQL for the digest of a row's key, a DOUBLE that holds a whole number of 53 bits. @param table that the keys are of */
export function keyDigestSql(keys: string[], table: string): string {
  return `CAST(md5_number_lower(${textSql(keys.map((key) => `${table}.${identifier(key)}`))}) >> 11 AS DOUBLE)`;
}

/** Writes a file of {@link TRAINED_ROWS}. */
export async function writeTrainedRows(path: string, digests: Float64Array): Promise<void> {
  await writeColumns(path, { [INTERNAL.row]: digests.toSorted() });
}

/** SQL condition that a row is one of those of a file. @param table that its keys are of */
export function isTrainedSql(path: string, keys: string[], table: string): string {
  return `${keyDigestSql(keys, table)} IN (SELECT ${INTERNAL.row} FROM ${readParquetSql([path])})`;
}
