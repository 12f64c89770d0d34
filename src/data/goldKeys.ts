import { INTERNAL, isAmong } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { PerdureError } from '../errors.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { identifier, literal, readParquetSql, type Database } from './duckdb.js';
import { fingerprint } from './layerSql.js';
import { featureStoreFiles, labelStoreFiles, readManifest, type LayerManifest, type PartitionFile } from './layers.js';
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

/** Fingerprint of the keys, and of all that lies in gold, where nobody has seen yet that no key stands in two partitions. */
export async function uncheckedKeys(
  pipeline: Pipeline,
  { datamart }: Pick<Stores, 'datamart'>,
): Promise<string | undefined> {
  if (keysHoldPartition(pipeline)) return undefined;
  const manifest = await readManifest(datamart, 'gold');
  const keys = fingerprintOfKeys(pipeline, manifest);
  return keys === manifest.keys ? undefined : keys;
}

function fingerprintOfKeys({ definition }: Pipeline, { partitions }: LayerManifest): string {
  return fingerprint(
    definition.keys,
    Object.entries(partitions).map(([name, { objects }]) => [
      name,
      objects.map(({ table, checksum }) => [table, checksum]),
    ]),
  );
}

/**
 * Checks that no key of gold stands in two partitions, where nobody has seen that yet: as a data processing leaves it that
 * was refused for such a key. Joins would multiply its rows.
 *
 * @throws PerdureError `InputInvalid`
 */
export async function requireOneRowAKey(
  database: Database,
  pipeline: Pipeline,
  stores: Pick<Stores, 'datamart'>,
): Promise<void> {
  if ((await uncheckedKeys(pipeline, stores)) === undefined) return;
  await checkKeysAcross(database, pipeline, stores, { feature_store: 'Gold', label_store: 'Gold' });
}

/**
 * Checks that no key of gold stands in two partitions, as it may where {@link keysHoldPartition} doesn't hold.
 *
 * @param sql what gives each table, to begin a sentence with
 * @throws PerdureError `InputInvalid`
 */
export async function checkKeysAcross(
  database: Database,
  pipeline: Pipeline,
  stores: Pick<Stores, 'datamart'>,
  sql: Record<'feature_store' | 'label_store', string>,
): Promise<void> {
  await checkKeysOfFiles(database, pipeline, [
    { sql: sql.feature_store, files: await featureStoreFiles(stores) },
    { sql: sql.label_store, files: await labelStoreFiles(stores) },
  ]);
}

/** {@link checkKeysAcross} of the files of some tables. */
export async function checkKeysOfFiles(
  database: Database,
  pipeline: Pipeline,
  tables: { sql: string; files: PartitionFile[] }[],
): Promise<void> {
  const { partition, time } = pipeline.definition;
  // Where `time` gives the day, the source doesn't have the partition column, which so can't be of its key.
  const [column, setting] = time === undefined ? [partition.column, 'keys'] : [time, 'key'];
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
      `${sql} gives ${countOf(repeated.rows, 'row')} whose keys a row of another partition has, such as ${repeated.example}: where its day was corrected, process a file that has the rows of both partitions (--csv); where both are rows, add ${column} to "${setting}" in pipeline.json, or leave one of them out.`,
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
