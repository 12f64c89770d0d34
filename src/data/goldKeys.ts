import { INTERNAL, isAmong } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { PerdureError } from '../errors.js';
import { identifier, literal, readParquetSql, type Database } from './duckdb.js';
import type { PartitionFile } from './layers.js';
import { daySql, partitionNameSql } from './partitions.js';
import { countOf } from '../contracts/counts.js';

/** A table of gold as its SQL gave it for one partition. */
export interface GoldTableFile {
  /** The SQL file, for messages. */
  sql: string;
  path: string;
  rows: number;
}

/**
 * Checks that the keys of a gold table name one row each within a partition, and that features lie in the partition
 * that they are stored under: joins by keys then neither multiply rows nor lose any.
 *
 * @param silverRows rows of silver that the table was made from
 * @throws PerdureError `InputInvalid` with the keys of one such row
 */
export async function checkKeys(
  database: Database,
  pipeline: Pipeline,
  partition: string,
  { sql, path, rows }: GoldTableFile,
  silverRows: number,
): Promise<void> {
  const { keys } = pipeline.definition;
  const table = readParquetSql([path]);
  const nulls = keys.map((key, i) => `count(*) FILTER (${identifier(key)} IS NULL) AS nulls_${i}`);
  const [counts] = await database.rows<Record<string, bigint>>(`SELECT ${nulls.join(', ')} FROM ${table}`);
  const position = keys.findIndex((_, i) => Number(counts![`nulls_${i}`]) > 0);
  if (position !== -1) {
    const lacking = keys[position]!;
    throw new PerdureError(
      'InputInvalid',
      `${sql} gives ${countOf(Number(counts![`nulls_${position}`]), 'row')} of partition ${partition} without ${lacking}, by which features, labels and predictions are joined; give every row one, or leave such rows out by an expectation such as ${literalCheck(`${identifier(lacking)} IS NOT NULL`)}.`,
    );
  }
  const repeated = await repeatedKeys(database, pipeline, [path]);
  if (!repeated) return;
  const why =
    rows > silverRows
      ? `it makes ${countOf(rows, 'row')} of ${silverRows} in silver, so a join in it may multiply rows`
      : 'a key names one row';
  throw new PerdureError(
    'InputInvalid',
    `${sql} gives ${countOf(repeated.rows, 'row')} of partition ${partition} whose keys another row has, such as ${repeated.example}: ${why}; correct the query or pipeline.json's keys, or leave such rows out by an expectation such as ${literalCheck(`count(*) OVER (PARTITION BY ${keys.map(identifier).join(', ')}) = 1`)}.`,
  );
}

/** Checks that every feature row's day lies in the partition that it is stored under. Throws `InputInvalid`. */
export async function checkPartitionDays(
  database: Database,
  pipeline: Pipeline,
  partition: string,
  { sql, path }: GoldTableFile,
): Promise<void> {
  const { column } = pipeline.definition.partition;
  const day = daySql(pipeline);
  if (day === undefined) return;
  const [found] = await database.rows<{ rows: bigint; example: string | null }>(
    `SELECT count(*) AS rows, any_value(coalesce(CAST(${day} AS VARCHAR), 'none')) AS example FROM ${readParquetSql([path])}
      WHERE ${partitionNameSql(pipeline)} IS DISTINCT FROM ${literal(partition)}`,
  );
  if (Number(found!.rows) === 0) return;
  throw new PerdureError(
    'InputInvalid',
    `${sql} gives ${countOf(Number(found!.rows), 'row')} of partition ${partition} whose ${column} lies outside of it (such as ${found!.example}); leave the column as bronze.sql gives it.`,
  );
}

/** Whether no key can stand in two partitions: the partition column is a key itself, or there is one partition. */
export function keysHoldPartition({ definition: { keys, partition } }: Pipeline): boolean {
  const { column } = partition;
  return column === undefined || isAmong(keys, column);
}

/**
 * Checks that no key stands in two partitions, as it may where {@link keysHoldPartition} doesn't hold.
 *
 * @param tables files of gold tables, and the SQL that they are made by, for messages
 * @throws PerdureError `InputInvalid`
 */
export async function checkKeysAcross(
  database: Database,
  pipeline: Pipeline,
  tables: { sql: string; files: PartitionFile[] }[],
): Promise<void> {
  const { partition } = pipeline.definition;
  for (const { sql, files } of tables) {
    const repeated =
      files.length > 1
        ? await repeatedKeys(
            database,
            pipeline,
            files.map(({ path }) => path),
          )
        : undefined;
    if (!repeated) continue;
    throw new PerdureError(
      'InputInvalid',
      `${sql} gives ${countOf(repeated.rows, 'row')} whose keys a row of another partition has, such as ${repeated.example}; add ${partition.column} to "keys" in pipeline.json, or leave such rows out.`,
    );
  }
}

/** Rows beyond the first one of their keys, and the keys of one of them; `undefined` where there are none. */
async function repeatedKeys(
  database: Database,
  { definition }: Pipeline,
  paths: string[],
): Promise<{ rows: number; example: string } | undefined> {
  const keys = definition.keys.map(identifier).join(', ');
  const { occurrence } = INTERNAL;
  const example = definition.keys
    .map((key) => `${literal(`${key} `)} || CAST(${identifier(key)} AS VARCHAR)`)
    .join(` || ', ' || `);
  const [found] = await database.rows<{ rows: bigint | null; example: string }>(
    `SELECT CAST(sum(${occurrence} - 1) AS BIGINT) AS rows, min(${example}) AS example
      FROM (SELECT ${keys}, count(*) AS ${occurrence} FROM ${readParquetSql(paths)} GROUP BY ${keys} HAVING count(*) > 1)`,
  );
  return found?.rows ? { rows: Number(found.rows), example: found.example } : undefined;
}

function literalCheck(sql: string): string {
  return `\`${sql}\``;
}
