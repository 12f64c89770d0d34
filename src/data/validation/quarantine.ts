import { INTERNAL, repeatedName } from '../../config/columns.js';
import { rulesOf } from '../../config/expectations.js';
import type { Pipeline } from '../../config/load.js';
import { countOf } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import type { ObjectStore } from '../../platform/storage/objectStore.js';
import { castSql, isWholeSql, readCsvHeader } from '../csv.js';
import { describe, identifier, literal, readParquetSql, type Database, type SqlValue } from '../duckdb.js';
import { readManifest } from '../layers.js';
import { isPartition, partitionNameSql } from '../partitions.js';
import { addCorrections } from './corrections.js';
import { VALIDATION_FOLDER, validationResult, type ValidationResult } from './results.js';

/** Rows of a partition that broke an expectation when it was last made. */
export interface QuarantinedPartition {
  partition: string;
  rows: number;
  /** Parquet on the local disk. */
  path: string;
  results: ValidationResult['results'];
}

/** The rows in quarantine, by partition in order of time. */
export async function openQuarantine(pipeline: Pipeline, datamart: ObjectStore): Promise<QuarantinedPartition[]> {
  // What was kept by expectations that there were once is of no use.
  if (rulesOf(pipeline.expectations).length === 0) return [];
  const { partitions } = await readManifest(datamart, 'bronze');
  const found: QuarantinedPartition[] = [];
  for await (const { key } of datamart.list(VALIDATION_FOLDER)) {
    const partition = key.slice(VALIDATION_FOLDER.length).replace(/\.json$/, '');
    if (!isPartition(partition) || !Object.hasOwn(partitions, partition)) continue;
    const { quarantine, results } = (await validationResult.read(datamart, key, PROCESS_AGAIN)) ?? { results: [] };
    if (!quarantine) continue;
    const path = await datamart.localFile(quarantine.key, quarantine.checksum);
    found.push({ partition, rows: quarantine.rows, path, results });
  }
  return found;
}

const PROCESS_AGAIN = 'delete it and run data processing again';

/** SQL of all rows in quarantine: of which partition, which row, what it breaks, and the columns of silver. */
function quarantineSql(opened: QuarantinedPartition[]): string {
  const { id, rules, partition } = INTERNAL;
  return opened
    .map(
      ({ partition: name, path }) =>
        `SELECT ${literal(name)} AS ${partition}, ${id}, ${rules}, * EXCLUDE (${id}, ${rules}) FROM ${readParquetSql([path])}`,
    )
    .join(' UNION ALL BY NAME ');
}

/** Writes the rows in quarantine as CSV, by which they can be corrected and sent back. */
export async function exportQuarantine(
  database: Database,
  opened: QuarantinedPartition[],
  file: string,
): Promise<void> {
  await database.run(`COPY (${quarantineSql(opened)}) TO ${literal(file)} (FORMAT csv, HEADER true)`);
}

/** The first rows in quarantine, as text, by column. */
export async function firstQuarantined(
  database: Database,
  opened: QuarantinedPartition[],
  limit: number,
): Promise<Record<string, string | null>[]> {
  if (opened.length === 0) return [];
  return database.rows(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${quarantineSql(opened)}) LIMIT ${limit}`);
}

/** What was taken of a file that was sent back. */
export interface Returned {
  /** Rows that differ from what is in quarantine, which the next run takes. */
  corrected: number;
  unchanged: number;
  partitions: string[];
}

/**
 * Takes rows back that were exported and corrected: those that differ from what is in quarantine take its place in the
 * next run, and are checked as any others are. Either all of the file is taken or nothing.
 *
 * @param folder for files on their way
 * @throws PerdureError `InputInvalid` for a file of other rows or columns, and for a value that its column can't have
 */
export async function returnRows(
  database: Database,
  pipeline: Pipeline,
  datamart: ObjectStore,
  opened: QuarantinedPartition[],
  file: string,
  folder: string,
): Promise<Returned> {
  const { id, rules, partition, quarantine, row } = INTERNAL;
  const refuse = (text: string) => new PerdureError('InputInvalid', `${file} ${text}`);
  if (opened.length === 0)
    throw refuse("can't be taken back, as no rows are in quarantine; run data processing, and export them anew.");
  await database.run(`CREATE TEMP TABLE ${quarantine} AS ${quarantineSql(opened)}`);
  const columns = await describe(database, `SELECT * EXCLUDE (${id}, ${rules}, ${partition}) FROM ${quarantine}`);
  const { columns: given, newLine } = await readCsvHeader(file, []);
  // It has more, so other signs may be between them, which this tells.
  if (given.length === 1) await readCsvHeader(file, [id]);
  const wanted = [id, ...columns.map(({ name }) => name)];
  const missing = wanted.filter((name) => !given.includes(name));
  if (missing.length > 0)
    throw refuse(`has no column ${missing.join(', ')}; export the rows anew and keep all columns.`);
  const more = given.filter((name) => ![...wanted, rules, partition].includes(name));
  if (more.length > 0) throw refuse(`has the column ${more.join(', ')}, which silver does not have; leave it out.`);
  const repeated = repeatedName(given);
  if (repeated !== undefined) throw refuse(`has the column ${repeated} twice; leave one of them out.`);
  // Every value as text, and nothing left to DuckDB to find out, so that what is bad is told with its line.
  const csv = `read_csv(${literal(file)}, auto_detect = false, header = true, columns = {${given.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')}},
    allow_quoted_nulls = false, delim = ',', quote = '"', escape = '"', new_line = '${newLine === '\n' ? '\\n' : '\\r\\n'}')`;
  await database.run(`CREATE TEMP TABLE returned AS SELECT *, row_number() OVER () + 1 AS ${row} FROM ${csv}`, {
    csv: file,
  });

  const first = async (sql: string) => (await database.rows<Record<string, SqlValue>>(`${sql} ORDER BY 1 LIMIT 1`))[0];
  const unknown = await first(
    `SELECT ${row} AS line, ${id} AS id FROM returned ANTI JOIN (SELECT ${id} FROM ${quarantine}) USING (${id})`,
  );
  if (unknown)
    throw refuse(
      `names a row that is not in quarantine (record ${lineOf(unknown)}, ${id} ${String(unknown.id)}); export the rows anew, as the data have changed since.`,
    );
  const twice = await first(`SELECT max(${row}) AS line FROM returned GROUP BY ${id} HAVING count(*) > 1`);
  if (twice) throw refuse(`has a row twice (record ${lineOf(twice)}); leave one of them out.`);
  for (const { name, type } of columns) {
    const column = identifier(name);
    // What stands there as it was exported may be what no text should say, as an infinite number of silver's SQL.
    const bad = await first(
      `SELECT r.${row} AS line, r.${column} AS value FROM returned r JOIN ${quarantine} q USING (${id})
        WHERE r.${column} IS DISTINCT FROM CAST(q.${column} AS VARCHAR) AND r.${column} IS NOT NULL
          AND NOT coalesce(${isWholeSql(type, `r.${column}`, castSql(`r.${column}`, type))}, false)`,
    );
    if (bad)
      throw refuse(
        `has ${JSON.stringify(bad.value)} in the column ${name} (record ${lineOf(bad)}), which is no ${type}; correct it and send the file again.`,
      );
  }

  const names = columns.map(({ name }) => identifier(name));
  const values = columns.map(({ name, type }) => castSql(`r.${identifier(name)}`, type));
  const typed = values.map((value, i) => `${value} AS ${names[i]!}`);
  const differs = values.map((value, i) => `${value} IS DISTINCT FROM q.${names[i]!}`);
  await database.run(
    `CREATE TEMP TABLE corrected AS SELECT q.${partition}, q.${id}, ${typed.join(', ')}, r.${row}
      FROM returned r JOIN ${quarantine} q USING (${id}) WHERE ${differs.join(' OR ')}`,
  );
  const { column } = pipeline.definition.partition;
  if (column !== undefined && columns.some(({ name }) => name === column)) {
    const moved = await first(
      `SELECT ${row} AS line, ${partition} AS partition FROM corrected WHERE ${partitionNameSql(pipeline)} IS DISTINCT FROM ${partition}`,
    );
    if (moved)
      throw refuse(
        `moves a row out of its partition ${String(moved.partition)} by the column ${column} (record ${lineOf(moved)}); correct the source instead.`,
      );
  }
  const counts = await database.rows<{ partition: string; rows: bigint }>(
    `SELECT ${partition} AS partition, count(*) AS rows FROM corrected GROUP BY 1 ORDER BY 1`,
  );
  const [all] = await database.rows<{ rows: bigint }>('SELECT count(*) AS rows FROM returned');
  const corrected = counts.reduce((sum, { rows }) => sum + Number(rows), 0);
  const partitions = counts.map(({ partition }) => partition);
  await database.run(`CREATE TEMP VIEW taken AS SELECT ${[partition, id, ...names].join(', ')} FROM corrected`);
  await addCorrections(database, datamart, partitions, 'taken', folder);
  return { corrected, unchanged: Number(all!.rows) - corrected, partitions };
}

/** Of the header is 1. */
function lineOf({ line }: Record<string, SqlValue>): string {
  return String(Number(line));
}

/** What is in quarantine, in a line. */
export function quarantineLine(opened: QuarantinedPartition[]): string {
  const rows = opened.reduce((sum, { rows }) => sum + rows, 0);
  return `${countOf(rows, 'row')} of ${countOf(opened.length, 'partition')} in quarantine`;
}
