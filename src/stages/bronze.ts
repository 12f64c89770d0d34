import { mkdir, stat, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { BronzeInput, BronzeResult } from '../contracts/index.js';
import { readCsvHeader, readCsvSql, type CsvHeader } from '../data/csv.js';
import { identifier, literal, readParquetSql, withDuckDb, type Database } from '../data/duckdb.js';
import { fingerprint, layerSql, type LayerSql } from '../data/layerSql.js';
import { LayerWriter } from '../data/layerWriter.js';
import { tableOf, type PartitionEntry, type SourceEntry } from '../data/layers.js';
import { dayOf, earlier, partitionKey, partitionNameSql } from '../data/partitions.js';
import { PerdureError } from '../errors.js';
import { diskError, sha256File } from '../storage/folderStore.js';
import type { ObjectStore } from '../storage/objectStore.js';
import type { Stage, StageContext } from './context.js';

/** Rows that an open Parquet file holds in memory at most: some 120 files are open at once. */
const ROW_GROUP_SIZE = 4_096;
/** Rows that DuckDB collects before it hands them to the open files. */
const FLUSH_THRESHOLD = 131_072;
const LATER = 'later';
const PROGRESS_INTERVAL = 1_000;

/**
 * The raw CSV as Parquet, a partition a month, columns unchanged and the partition column added, rows in file order.
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
  const path = await sourcePath(pipeline, datamart, writer, input.source);
  const { columns } = pipeline.definition.source;
  const header = await readCsvHeader(path, Object.keys(columns));
  const sql = await layerSql(pipeline, 'bronze');
  const before = await stat(path);
  const source = { path, checksum: await checksumOf(path), sql: fingerprint(sql.text, columns, pipeline.definition.partition) };

  const read = alreadyRead(writer, source, dayOf(input.asOf));
  if (read) {
    return { rows: rowsOf(Object.values(read)), written: [], unchanged: Object.keys(read) };
  }

  const result: BronzeResult = { rows: 0, written: [], unchanged: [] };
  await withDuckDb(
    context,
    async (database) => {
      const { partitions, lastDay } = await readSource(context, database, pipeline, { path, header, sql, asOf: dayOf(input.asOf) });
      const after = await stat(path);
      if (after.mtimeMs !== before.mtimeMs || after.size !== before.size) {
        throw new PerdureError('StoreUnavailable', `${path} was changed while it was read; run again once it is complete.`);
      }
      for (const [done, partition] of partitions.entries()) {
        context.signal.throwIfAborted();
        const changed = await writeIfChanged(database, pipeline, datamart, writer, partition);
        (changed ? result.written : result.unchanged).push(partition.name);
        result.rows += partition.rows;
        context.report({ what: 'partitions', done: done + 1, total: partitions.length });
      }
      const names = partitions.map(({ name }) => name);
      await writer.commit({ source: { ...source, lastDay, through: earlier(lastDay, dayOf(input.asOf)), partitions: names } });
    },
    // One thread: rows must stay in file order, and equal rows must give equal bytes.
    { threads: 1 },
  );
  return result;
};

/** The CSV to read: the one given, else the one read last, else the pipeline's own in the store's `raw/` folder. */
async function sourcePath(pipeline: Pipeline, datamart: ObjectStore, { manifest }: LayerWriter, given?: string): Promise<string> {
  const known = given ?? manifest.source?.path;
  if (known !== undefined) return resolve(known);
  const key = `raw/${pipeline.definition.source.file}`;
  if (await datamart.head(key)) return datamart.localFile(key);
  throw new PerdureError('InputInvalid', `No source was given, and there is none at ${datamart.uri(key)}; name a CSV file.`);
}

async function checksumOf(path: string): Promise<string> {
  return sha256File(path).catch((error: unknown) => {
    throw diskError(error, path);
  });
}

/** The partitions of a source that was read before up to the same day by the same SQL, where nothing of them is lost. */
function alreadyRead(writer: LayerWriter, source: Pick<SourceEntry, 'checksum' | 'sql'>, asOf: string): Record<string, PartitionEntry> | undefined {
  const last = writer.manifest.source;
  if (!last || last.checksum !== source.checksum || last.sql !== source.sql || last.through !== earlier(last.lastDay, asOf)) return undefined;
  const entries = last.partitions.map((name) => [name, writer.intact(name)] as const);
  return entries.every(([, entry]) => entry) ? (Object.fromEntries(entries) as Record<string, PartitionEntry>) : undefined;
}

interface SourcePartition {
  name: string;
  path: string;
  rows: number;
}

/** Reads the CSV into a local Parquet file a partition. `lastDay` is that of the whole file, days after `asOf` included. */
async function readSource(
  context: StageContext,
  database: Database,
  pipeline: Pipeline,
  { path, header, sql, asOf }: { path: string; header: CsvHeader; sql: LayerSql; asOf: string },
): Promise<{ partitions: SourcePartition[]; lastDay: string }> {
  // DuckDB takes "*" and "[" in a path for a pattern, so the file is read under a name of our own.
  const link = join(context.scratch, 'source.csv');
  await symlink(path, link);
  const folder = join(context.scratch, 'bronze');
  await mkdir(folder);
  await database.run(`SET partitioned_write_max_open_files = 10000; SET partitioned_write_flush_threshold = ${FLUSH_THRESHOLD}`);
  await database.run('SET enable_progress_bar = true; SET enable_progress_bar_print = false');
  await database.run(`CREATE TEMP VIEW source AS ${readCsvSql(link, header, pipeline.definition.source.columns)}`);
  const day = identifier(pipeline.definition.partition.column);

  const stop = reportReading(context, database);
  const files = await database
    .rows<{ filename: string; count: bigint }>(
      `COPY (
        SELECT *, CASE WHEN CAST(${day} AS DATE) > CAST(${literal(asOf)} AS DATE) THEN ${literal(LATER)} ELSE ${partitionNameSql(day)} END AS partition_name
        FROM (${sql.text}
        )
      ) TO ${literal(folder)} (FORMAT parquet, PARTITION_BY (partition_name), ROW_GROUP_SIZE ${ROW_GROUP_SIZE}, RETURN_STATS)`,
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
  const newest = partitions.at(-1)!;
  const [last] = await database.rows<{ day: string }>(`SELECT CAST(max(CAST(${day} AS DATE)) AS VARCHAR) AS day FROM ${readParquetSql([newest.path])}`);
  return { partitions: partitions.filter(({ name }) => name !== LATER), lastDay: last!.day };
}

/** Reports how far the CSV is read until the returned function is called. */
function reportReading(context: StageContext, database: Database): () => void {
  const timer = setInterval(() => {
    context.report({ what: 'percent of the source', done: Math.round(database.progress() * 100), total: 100 });
  }, PROGRESS_INTERVAL);
  return () => clearInterval(timer);
}

/** Stores a partition unless the store holds the same rows. Tells whether it did. */
async function writeIfChanged(
  database: Database,
  pipeline: Pipeline,
  datamart: ObjectStore,
  writer: LayerWriter,
  { name, path, rows }: SourcePartition,
): Promise<boolean> {
  const checksum = await sha256File(path);
  const entry = writer.intact(name);
  if (entry) {
    const stored = tableOf(entry, 'bronze');
    if (stored.checksum === checksum) return false;
    // Where row groups end depends on the rows of other partitions too, so bytes may differ though no row does.
    const mayBeSame = stored.rows === rows && rows > ROW_GROUP_SIZE;
    if (mayBeSame && (await sameRows(database, path, await datamart.localFile(stored.key, stored.checksum)))) return false;
  }
  const key = partitionKey(pipeline.definition.layers.bronze.path, name);
  await writer.write(name, checksum, [{ table: 'bronze', key, path, rows }]);
  return true;
}

async function sameRows(database: Database, a: string, b: string): Promise<boolean> {
  const [found] = await database.rows<{ same: boolean | null }>(
    `SELECT bool_and(a IS NOT DISTINCT FROM b) AS same FROM ${readParquetSql([a])} AS a POSITIONAL JOIN ${readParquetSql([b])} AS b`,
  );
  return found?.same === true;
}

function rowsOf(entries: PartitionEntry[]): number {
  return entries.reduce((sum, entry) => sum + tableOf(entry, 'bronze').rows, 0);
}
