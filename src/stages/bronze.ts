import { rm, stat, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { BronzeInput, BronzeResult } from '../contracts/index.js';
import { readCsvHeader, readCsvSql, type CsvHeader } from '../data/csv.js';
import { identifier, literal, readParquetSql, withDuckDb, type Database } from '../data/duckdb.js';
import { fingerprint, layerSql, type LayerSql } from '../data/layerSql.js';
import { LayerWriter } from '../data/layerWriter.js';
import { tableOf, type PartitionEntry, type SourceEntry } from '../data/layers.js';
import { dayOf, earlier, isPartition, partitionKey, partitionNameSql } from '../data/partitions.js';
import { PerdureError } from '../errors.js';
import { resourcesOf } from '../sizes/resources.js';
import type { WorkerSize } from '../sizes/workerSize.js';
import { sha256File } from '../storage/checksum.js';
import { diskError } from '../storage/diskError.js';
import type { ObjectStore } from '../storage/objectStore.js';
import { isAddress } from '../storage/stores.js';
import type { Stage, StageContext } from './context.js';

/** What a value takes in DuckDB's memory, in bytes; a long text takes more. */
const VALUE_BYTES = 20;
/** Of the rows that are collected at a time, those that one partition's file may hold back before it writes them. */
const OPEN_FILE_SHARE = 1 / 64;
const LATER = 'later';
const PROGRESS_INTERVAL = 1_000;

/**
 * The raw CSV as Parquet, a partition a month, columns unchanged and the partition column added, rows in file order.
 * Where no CSV is given it is the one that was read last, else the pipeline's own in the store's `raw/` folder.
 *
 * The file is the whole truth of the months it has rows of: such a partition becomes what the file says. Of other
 * months it says nothing, so their partitions stay. A file that was read before does no work; from a changed one
 * only the partitions whose rows differ are written.
 *
 * @throws PerdureError `InputInvalid` for a CSV that is absent, torn, short of a column or of the wrong type
 */
export const bronze: Stage<BronzeInput, BronzeResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  const writer = await LayerWriter.open(datamart, 'bronze');
  const given = absolute(input.source ?? writer.manifest.source?.path);
  const path = given === undefined ? await ownSource(pipeline, datamart) : await localPath(datamart, given);
  const { columns } = pipeline.definition.source;
  const header = await readCsvHeader(path, Object.keys(columns));
  const checkUnchanged = await watch(path);
  const sql = await layerSql(pipeline, 'bronze');
  const asOf = dayOf(input.asOf);
  const source: Source = {
    ...(given === undefined ? {} : { path: given }),
    checksum: await checksumOf(path),
    sql: fingerprint(sql.text, columns, pipeline.definition.partition),
  };

  const known = alreadyRead(writer, source, asOf);
  if (known) {
    if (known.source.path !== source.path) await writer.commit({ source: { ...known.source, ...source } });
    return { rows: rowsOf(known.entries), written: [], unchanged: known.source.partitions };
  }
  return withDuckDb(
    context,
    async (database) => {
      const { partitions, lastDay } = await splitSource(context, database, pipeline, { path, header, sql, asOf });
      await checkUnchanged();
      const result = await storeChanged(context, database, pipeline, writer, partitions);
      await writer.commit({ source: { ...source, lastDay, through: earlier(lastDay, asOf), partitions: partitions.map(({ name }) => name) } });
      return result;
    },
    // One thread: rows must stay in file order, and equal rows must give equal bytes.
    { threads: 1 },
  );
};

/** What is known of a source before it is read. */
type Source = Pick<SourceEntry, 'path' | 'checksum' | 'sql'>;

/** A source by a name that means the same in every folder. */
function absolute(source: string | undefined): string | undefined {
  return source === undefined || isAddress(source) ? source : resolve(source);
}

function localPath(datamart: ObjectStore, source: string): string | Promise<string> {
  return isAddress(source) ? datamart.localFile(datamart.key(source)) : source;
}

/** The pipeline's own CSV in the store's `raw/` folder, as a local file. */
async function ownSource(pipeline: Pipeline, datamart: ObjectStore): Promise<string> {
  const key = `raw/${pipeline.definition.source.file}`;
  if (await datamart.head(key)) return datamart.localFile(key);
  throw new PerdureError('InputInvalid', `No source was given, and there is none at ${datamart.uri(key)}; name a CSV file.`);
}

async function checksumOf(path: string): Promise<string> {
  return sha256File(path).catch((error: unknown) => {
    throw diskError(error, path);
  });
}

/** Looks at a file now; the returned check throws where it was changed since. */
async function watch(path: string): Promise<() => Promise<void>> {
  const before = await stat(path);
  return async () => {
    const { mtimeMs, size } = await stat(path);
    if (mtimeMs !== before.mtimeMs || size !== before.size) {
      throw new PerdureError('StoreUnavailable', `${path} was changed while it was read; run again once it is complete.`);
    }
  };
}

/** The last source and its partitions, where it is the present one, read up to the same day, and nothing of it is lost. */
function alreadyRead(writer: LayerWriter, source: Source, asOf: string): { source: SourceEntry; entries: PartitionEntry[] } | undefined {
  const last = writer.manifest.source;
  if (!last || last.checksum !== source.checksum || last.sql !== source.sql || last.through !== earlier(last.lastDay, asOf)) return undefined;
  const entries = last.partitions.flatMap((name) => writer.intact(name) ?? []);
  return entries.length === last.partitions.length ? { source: last, entries } : undefined;
}

/** The rows of one partition in no order, numbered by `row_position`. */
interface SourcePartition {
  name: string;
  path: string;
  rows: number;
}

/**
 * Splits the CSV into a local Parquet file a partition, in one pass that keeps little in memory. `lastDay` is that of
 * the whole file, days after `asOf` included.
 */
async function splitSource(
  context: StageContext,
  database: Database,
  pipeline: Pipeline,
  { path, header, sql, asOf }: { path: string; header: CsvHeader; sql: LayerSql; asOf: string },
): Promise<{ partitions: SourcePartition[]; lastDay: string }> {
  // DuckDB takes "*" and "[" in a path for a pattern, so the file is read under a name of our own.
  const link = join(context.scratch, 'source.csv');
  await symlink(path, link);
  const folder = join(context.scratch, 'split');
  const collected = collectedRows(context.size, Object.keys(pipeline.definition.source.columns).length);
  await database.run(`SET partitioned_write_max_open_files = 10000; SET partitioned_write_flush_threshold = ${collected}`);
  await database.run('SET enable_progress_bar = true; SET enable_progress_bar_print = false');
  await database.run(`CREATE TEMP VIEW source AS ${readCsvSql(link, header, pipeline.definition.source.columns)}`);
  const day = `CAST(${identifier(pipeline.definition.partition.column)} AS DATE)`;

  const stop = reportReading(context, database);
  const files = await database
    .rows<{ filename: string; count: bigint }>(
      `COPY (
        SELECT *, CASE WHEN ${day} > CAST(${literal(asOf)} AS DATE) THEN ${literal(LATER)} ELSE ${partitionNameSql(day)} END AS partition_name
        FROM (SELECT *, row_number() OVER () AS row_position FROM (${sql.text}\n))
      ) TO ${literal(folder)} (FORMAT parquet, COMPRESSION uncompressed, PARTITION_BY (partition_name), ROW_GROUP_SIZE ${Math.ceil(collected * OPEN_FILE_SHARE)}, RETURN_STATS)`,
      { csv: path, sqlFile: sql.file },
    )
    .finally(stop);

  const partitions = files
    .map(({ filename, count }) => ({ name: /partition_name=([^/\\]+)/.exec(filename)![1]!, path: filename, rows: Number(count) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (partitions.length === 0) throw new PerdureError('InputInvalid', `${path} holds no rows below its header; give a file with data.`);
  const undated = partitions.find(({ name }) => name.startsWith('__HIVE'));
  if (undated) {
    throw new PerdureError('InputInvalid', `The column ${pipeline.definition.partition.column} is empty in ${undated.rows} of the rows of ${path}, which belong to no partition; correct them and run again.`);
  }
  if (partitions.some(({ name }) => name !== LATER && !isPartition(name))) throw outOfRange(pipeline, path);
  const newest = partitions.at(-1)!;
  const [last] = await database.rows<{ day: string }>(`SELECT CAST(max(${day}) AS VARCHAR) AS day FROM ${readParquetSql([newest.path])}`);
  // Days sort as text only where every year has four digits.
  if (!/^\d{4}-\d{2}-\d{2}$/.test(last!.day)) throw outOfRange(pipeline, path);
  return { partitions: partitions.filter(({ name }) => name !== LATER), lastDay: last!.day };
}

/**
 * Rows that DuckDB collects before it hands them to the partitions' files: what fills half of its memory. Fewer at a time
 * would cost time, and memory as well, as every piece that a file is written in is remembered until the file is closed.
 */
function collectedRows(size: WorkerSize, columns: number): number {
  return Math.ceil(resourcesOf(size).database.memory / 2 / (columns * VALUE_BYTES));
}

function outOfRange({ definition }: Pipeline, path: string): PerdureError {
  return new PerdureError('InputInvalid', `The column ${definition.partition.column} of ${path} holds days outside the years 0 to 9999; correct them and run again.`);
}

/** Reports how far the CSV is read until the returned function is called. */
function reportReading(context: StageContext, database: Database): () => void {
  const timer = setInterval(() => {
    context.report({ what: 'percent of the source', done: Math.round(database.progress() * 100), total: 100 });
  }, PROGRESS_INTERVAL);
  return () => clearInterval(timer);
}

/** Stores the partitions that the store doesn't hold yet, or not with these rows. */
async function storeChanged(
  context: StageContext,
  database: Database,
  pipeline: Pipeline,
  writer: LayerWriter,
  partitions: SourcePartition[],
): Promise<BronzeResult> {
  const result: BronzeResult = { rows: 0, written: [], unchanged: [] };
  const sorted = join(context.scratch, 'sorted.parquet');
  try {
    for (const [done, { name, path, rows }] of partitions.entries()) {
      await database.run(
        `COPY (SELECT * EXCLUDE (row_position) FROM ${readParquetSql([path])} ORDER BY row_position) TO ${literal(sorted)} (FORMAT parquet)`,
      );
      const checksum = await sha256File(sorted);
      const entry = writer.intact(name);
      if (entry && tableOf(entry, 'bronze').checksum === checksum) {
        result.unchanged.push(name);
      } else {
        const key = partitionKey(pipeline.definition.layers.bronze.path, name);
        await writer.write(name, checksum, [{ table: 'bronze', key, path: sorted, rows }]);
        result.written.push(name);
      }
      await rm(path);
      result.rows += rows;
      context.report({ what: 'partitions', done: done + 1, total: partitions.length });
    }
  } finally {
    await writer.commit();
  }
  return result;
}

function rowsOf(entries: PartitionEntry[]): number {
  return entries.reduce((sum, entry) => sum + tableOf(entry, 'bronze').rows, 0);
}
