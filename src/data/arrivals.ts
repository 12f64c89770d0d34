import { FILE_ROW, INTERNAL, isAmong } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { ARRIVAL } from '../config/schema.js';
import { agreeing, listOf } from '../contracts/counts.js';
import { PerdureError } from '../errors.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { columnsOf, identifier, literal, readParquetSql, sameKeySql, type Database } from './duckdb.js';
import type { LayerSql } from './layerSql.js';
import type { LayerWriter } from './layerWriter.js';
import { partitionFile, tableOf, type PartitionFile } from './layers.js';

/**
 * Rows that go by the day on which they arrive: the day of the first source that had their key. A source adds rows and
 * changes those that it has; a row that it doesn't have stays as it is. So a key keeps its partition, and a file may be
 * the whole table each time, or what is new alone.
 */
export function byArrival({ definition }: Pick<Pipeline, 'definition'>): boolean {
  return definition.partition.by === 'arrival';
}

/** What arrived before: the files of bronze, by the name of their partition. */
export type Arrivals = Map<string, PartitionFile>;

/**
 * Opens what arrived before, and fills the table `INTERNAL.arrivals` with keys, day and place of its rows.
 *
 * @throws PerdureError `InputInvalid` where a partition's file is lost, and with it which rows arrived then; `replace`
 * has all rows of the source whose day is so unknown arrive at `asOf`
 */
export async function openArrivals(
  database: Database,
  { definition }: Pipeline,
  datamart: ObjectStore,
  writer: LayerWriter,
  sql: LayerSql,
  replace: boolean,
): Promise<Arrivals> {
  const given = await columnsOf(database, `(${sql.text}\n)`);
  const lacking = definition.keys.find((key) => !isAmong(given, key));
  if (lacking !== undefined)
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives no column ${lacking}, a key, by which rows are known again when they arrive once more; add it to the query.`,
    );
  if (isAmong(given, ARRIVAL))
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives the column ${ARRIVAL}, which is added to rows that are partitioned by arrival; rename it.`,
    );
  const names = Object.keys(writer.manifest.partitions);
  const lost = names.filter((name) => !writer.intact(name));
  if (lost.length > 0 && !replace)
    throw new PerdureError(
      'InputInvalid',
      `Bronze has lost ${agreeing(lost.length, 'the partition', 'the partitions')} ${listOf(lost)}, and with ${agreeing(lost.length, 'it', 'them')} which rows arrived then; give a file that has those rows and ask to replace (--replace, or "replace": true), which has them arrive anew.`,
    );
  const files: Arrivals = new Map();
  for (const name of names) {
    const entry = writer.intact(name);
    if (entry) files.set(name, await partitionFile(datamart, 'bronze', 'bronze', name, tableOf(entry, 'bronze')));
  }
  const keys = definition.keys.map(identifier).join(', ');
  const known =
    files.size === 0
      ? `SELECT ${keys}, CAST(NULL AS DATE) AS ${ARRIVAL}, CAST(NULL AS BIGINT) AS ${INTERNAL.position} FROM (${sql.text}\n) LIMIT 0`
      : // A key that stands there twice keeps its first place, so that a join by it multiplies no rows.
        `SELECT ${keys}, min(${ARRIVAL}) AS ${ARRIVAL}, arg_min(${FILE_ROW}, ${ARRIVAL}) AS ${INTERNAL.position} FROM ${readParquetSql(
          [...files.values()].map(({ path }) => path),
          { fileRow: true },
        )} GROUP BY ALL`;
  await database.run(`CREATE OR REPLACE TEMP TABLE ${INTERNAL.arrivals} AS ${known}`);
  return files;
}

/** SQL of a source's rows with the day of their arrival, and their place in the partition of that day (NULL of new ones). */
export function arrivingSql({ definition }: Pipeline, rows: string, asOf: string): string {
  const { arrivals, rows: source, position } = INTERNAL;
  return `SELECT ${source}.*, coalesce(${arrivals}.${ARRIVAL}, DATE ${literal(asOf)}) AS ${ARRIVAL}, ${arrivals}.${position}
    FROM (${rows}) AS ${source} LEFT JOIN ${arrivals} ON ${sameKeySql(definition.keys, source, arrivals)}`;
}

/**
 * SQL of a partition with what a source has of it: its rows in their places, changed where the source changed them, then
 * those that are new in the order of the source.
 *
 * @param arrived SQL of the rows of the source, as {@link arrivingSql} and `INTERNAL.row` give them
 * @param before the partition as it was; without it the source's rows are all
 */
export function mergedSql({ definition }: Pipeline, arrived: string, before: PartitionFile | undefined): string {
  const { row, position } = INTERNAL;
  const order = `ORDER BY ${position} NULLS LAST, ${row}`;
  if (!before) return `SELECT * EXCLUDE (${row}, ${position}) FROM ${arrived} ${order}`;
  return `SELECT * EXCLUDE (${row}, ${position}) FROM (
    SELECT * FROM ${arrived} UNION ALL BY NAME SELECT * EXCLUDE (${FILE_ROW}), CAST(NULL AS BIGINT) AS ${row}, ${FILE_ROW} AS ${position}
    FROM (${keptSql({ definition }, arrived, before)})) ${order}`;
}

/** SQL of the rows of a partition that a source doesn't have. */
export function keptSql({ definition }: Pick<Pipeline, 'definition'>, arrived: string, before: PartitionFile): string {
  const { rows, arrivals } = INTERNAL;
  return `SELECT ${rows}.* FROM ${readParquetSql([before.path], { fileRow: true })} AS ${rows} ANTI JOIN ${arrived} AS ${arrivals} ON ${sameKeySql(definition.keys, rows, arrivals)}`;
}
