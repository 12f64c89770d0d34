import { rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { ARRIVAL } from '../config/schema.js';
import type { BronzeInput, BronzeResult } from '../contracts/index.js';
import { arrivingSql, byArrival, keptSql, mergedSql, openArrivals, type Arrivals } from '../data/arrivals.js';
import { labelsAreTaken, takeLabels } from '../data/labelsFile.js';
import { manifestOfBronzeFiles } from '../data/bronzeFiles.js';
import { badValue, isBadValue, readCsvHeader, readCsvSql } from '../data/csv.js';
import { columnsOf, identifier, literal, readParquetSql, withDuckDb, type Database } from '../data/duckdb.js';
import { checkDay, checkLayerColumns, fingerprint, layerSql, openTables, type LayerSql } from '../data/layerSql.js';
import { LayerWriter } from '../data/layerWriter.js';
import {
  partitionFile,
  rawKey,
  tableOf,
  type PartitionEntry,
  type PartitionFile,
  type SourceEntry,
} from '../data/layers.js';
import {
  dayOf,
  daySql,
  earlier,
  isPartition,
  partitionDays,
  partitionKey,
  partitionNameSql,
} from '../data/partitions.js';
import { PerdureError } from '../errors.js';
import { limitsOf } from '../platform/resources/limits.js';
import type { Resources } from '../platform/resources/resources.js';
import { sha256File } from '../platform/storage/checksum.js';
import { diskError } from '../platform/files/diskError.js';
import { unlessLost } from '../platform/storage/lost.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { openSource, withReading, type OpenSource } from '../data/sourceReading.js';
import { absoluteSource, isAddress } from '../platform/storage/stores.js';
import type { Stage, StageContext } from './context.js';
import { agreeing, countOf } from '../contracts/counts.js';

/** What a value takes in DuckDB's memory, in bytes; a long text takes more. */
const VALUE_BYTES = 20;
/** Of the rows that are collected at a time, those that one partition's file may hold back before it writes them. */
const OPEN_FILE_SHARE = 1 / 64;
const LATER = 'later';
const PROGRESS_INTERVAL = 1_000;
/** Stands for the last day of rows without dates: every run sees them all. */
const UNDATED_DAY = '0000-01-01';

/**
 * The raw CSV as Parquet, a partition a month, columns unchanged and the partition column added, rows in file order.
 * Where no CSV is given it is the one that was read last, else the pipeline's own in the store's `raw/` folder.
 *
 * The file is the whole truth of the months it has rows of: such a partition becomes what the file says. Of other
 * months it says nothing, so their partitions stay. A file that was read before does no work; from a changed one
 * only the partitions whose rows differ are written. Rows that were read before stay visible to a run that stands at
 * an earlier day, and only `replace` lets a file take rows away. Rows that go by their arrival stay where they are,
 * whatever a later file lacks: see `arrivals.ts`.
 *
 * @throws PerdureError `InputInvalid` for a CSV that is absent, torn, short of a column or of the wrong type, or that
 * would take rows away; `ConfigInvalid` where other partitions were made by SQL or columns that are no longer the pipeline's
 */
export const bronze: Stage<BronzeInput, BronzeResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  if (input.dryRun && !(await labelsAreTaken(pipeline, datamart, input)))
    return { rows: 0, written: [], unchanged: [], pending: true };
  const result = await readRows(context, pipeline, input);
  if (input.dryRun) return result;
  // With the columns that the source was just read by.
  const labels = await takeLabels(context, await context.pipeline(input.pipeline), datamart, input);
  return labels ? { ...result, labels } : result;
};

async function readRows(context: StageContext, pipeline: Pipeline, input: BronzeInput): Promise<BronzeResult> {
  const { datamart } = context.stores(pipeline);
  // With the columns of the source that was read last, where they are the source's own.
  const before = await recipeOf(context, pipeline);
  if (input.dryRun) return lookAt(pipeline, datamart, before.recipe, input);
  const writer = await LayerWriter.open(datamart, 'bronze', () =>
    manifestOfBronzeFiles(context, pipeline, datamart, before.recipe),
  );
  const named = input.source ?? writer.manifest.source?.path ?? ownAddress(pipeline);
  const given = named === undefined ? undefined : absoluteSource(named);
  const key = keyOf(pipeline, datamart, given);
  const etag = key === undefined ? undefined : (await datamart.head(key))?.etag;
  const path = given === undefined ? await ownSource(pipeline, datamart) : await localPath(datamart, given);
  const asOf = dayOf(input.asOf);
  const last = writer.manifest.source;
  await readCsvHeader(path, last?.reading ? [] : Object.keys(pipeline.definition.source.columns), last?.reading);
  const checkUnchanged = await watch(path);
  const found: Source = {
    ...(given === undefined ? {} : { path: given }),
    checksum: await checksumOf(path),
    sql: before.recipe,
    ...(last?.reading && { reading: last.reading }),
    ...(last?.own && { own: last.own }),
    // A file that was replaced while it was fetched may be either.
    ...(key !== undefined && etag !== undefined && (await datamart.head(key))?.etag === etag ? { etag } : {}),
  };

  const known = alreadyRead(writer, found, asOf);
  if (known) {
    if (known.path !== found.path || known.etag !== found.etag) await writer.commit({ source: { ...known, ...found } });
    return resultOf(writer.manifest.partitions, []);
  }
  const replace = input.replace === true;
  const isLast = last !== undefined && last.checksum === found.checksum && last.sql === found.sql;
  const opened = await openSource(context, pipeline, path, last, { isLast, replace });
  return readSource(context, withReading(pipeline, opened.found), writer, {
    ...opened,
    given: path,
    asOf,
    look: found,
    checkUnchanged,
    replace,
    standing: isLast && !replace ? standingPartitions(pipeline, writer, last) : [],
  });
}

/**
 * Partitions that are as the source makes them: it was read before to their last day. What a file of many years holds
 * of them need not be made again for each day that is added.
 */
function standingPartitions(pipeline: Pipeline, writer: LayerWriter, last: SourceEntry): string[] {
  if (byArrival(pipeline) || pipeline.definition.partition.column === undefined) return [];
  return last.partitions.filter(
    (name) => writer.intact(name)?.inputs === last.sql && partitionDays(name).end <= last.through,
  );
}

/** Reads a source that is new, whole or not at all. */
async function readSource(
  context: StageContext,
  pipeline: Pipeline,
  writer: LayerWriter,
  {
    given,
    asOf,
    look,
    checkUnchanged,
    replace,
    standing,
    ...opened
  }: OpenSource & {
    given: string;
    asOf: string;
    look: Source;
    checkUnchanged: () => Promise<void>;
    replace: boolean;
    standing: string[];
  },
): Promise<BronzeResult> {
  const { datamart } = context.stores(pipeline);
  const { sql, recipe } = await recipeOf(context, pipeline);
  const source: Source = { ...look, sql: recipe, ...(opened.found && { reading: opened.found, own: opened.reading }) };
  return withDuckDb(
    context,
    async (database) => {
      const { partitions, lastDay, arrivals } = await splitSource(context, database, pipeline, {
        ...opened,
        given,
        sql,
        asOf,
        writer,
        datamart,
        replace,
        standing,
      });
      await checkUnchanged();
      const stale = await staleBeyond(database, pipeline, writer, source, partitions, arrivals);
      if (!replace) refuseStale(sql, given, stale);
      const sorted = await sortPartitions(context, database, pipeline, partitions, replace ? undefined : arrivals);
      if (!replace && !arrivals)
        await refuseLoss(database, pipeline, datamart, writer, { path: given, partitions: sorted });
      const made = new Set(sorted.map(({ name }) => name));
      for (const name of stale)
        if (!made.has(name)) sorted.push(await emptyPartition(context, database, pipeline, sql, name));
      const result = await storeChanged(context, pipeline, writer, source, sorted);
      await writer.commit({
        source: {
          ...source,
          lastDay,
          through: earlier(lastDay, asOf),
          partitions: [...standing, ...partitions.map(({ name }) => name)].sort(),
        },
      });
      return result;
    },
    // One thread: rows must stay in file order, and equal rows must give equal bytes.
    { threads: 1 },
  );
}

/** The SQL of bronze, and the fingerprint of all that decides what it makes of a source. */
async function recipeOf(context: StageContext, pipeline: Pipeline): Promise<{ sql: LayerSql; recipe: string }> {
  const sql = await layerSql(context, pipeline, 'bronze');
  const { source, partition } = pipeline.definition;
  return { sql, recipe: fingerprint(sql.digest, source.columns, source.null_values, partition) };
}

/** What is known of a source before it is read. */
type Source = Pick<SourceEntry, 'path' | 'checksum' | 'sql' | 'etag' | 'reading' | 'own'>;

/** Whether the source is the one that was read last, by the store's mark of it, or of a local file by its bytes. */
async function lookAt(
  pipeline: Pipeline,
  datamart: ObjectStore,
  recipe: string,
  { source: asked, asOf }: BronzeInput,
): Promise<BronzeResult> {
  const pending = { rows: 0, written: [], unchanged: [], pending: true };
  const writer = await LayerWriter.open(datamart, 'bronze');
  const last = writer.manifest.source;
  const named = asked ?? last?.path ?? ownAddress(pipeline);
  const given = named === undefined ? undefined : absoluteSource(named);
  if (!last || last.path !== given) return pending;
  const key = keyOf(pipeline, datamart, given);
  if (key !== undefined && (last.etag === undefined || (await datamart.head(key))?.etag !== last.etag)) return pending;
  // What a worker can't read lies where the task runs.
  const checksum = key === undefined ? await sha256File(given!).catch(() => undefined) : last.checksum;
  if (checksum === undefined || !alreadyRead(writer, { checksum, sql: recipe }, dayOf(asOf))) return pending;
  return resultOf(writer.manifest.partitions, []);
}

/** The source's key where it lies in the store; `undefined` for a local file. */
function keyOf({ definition }: Pipeline, datamart: ObjectStore, given: string | undefined): string | undefined {
  if (given === undefined) return rawKey(definition.source.file);
  return isAddress(given) ? datamart.key(given) : undefined;
}

function localPath(datamart: ObjectStore, source: string): string | Promise<string> {
  return isAddress(source) ? datamart.localFile(datamart.key(source)) : source;
}

/** The address that `pipeline.json` names its source by, where it does; a path is one of the machine that a command is given on. */
function ownAddress({ definition: { source } }: Pipeline): string | undefined {
  return source.path !== undefined && isAddress(source.path) ? source.path : undefined;
}

/** The pipeline's own CSV in the store's `raw/` folder, as a local file. */
async function ownSource(pipeline: Pipeline, datamart: ObjectStore): Promise<string> {
  const key = rawKey(pipeline.definition.source.file);
  if (await datamart.head(key)) return datamart.localFile(key);
  throw new PerdureError(
    'InputInvalid',
    `No source was given, and there is none at ${datamart.uri(key)}; name a CSV file.`,
  );
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
      throw new PerdureError(
        'StoreUnavailable',
        `${path} was changed while it was read; run again once it is complete.`,
      );
    }
  };
}

/** The last source, where it is the present one, read up to the same day or a later one, and nothing of it is lost. */
function alreadyRead(writer: LayerWriter, source: Source, asOf: string): SourceEntry | undefined {
  const last = writer.manifest.source;
  if (
    !last ||
    last.checksum !== source.checksum ||
    last.sql !== source.sql ||
    last.through < earlier(last.lastDay, asOf)
  )
    return undefined;
  const current = (name: string) => writer.intact(name)?.inputs === source.sql;
  return Object.keys(writer.manifest.partitions).every(current) && last.partitions.every(current) ? last : undefined;
}

/** Every partition of a manifest, told apart by whether it was written just now. */
function resultOf(partitions: Record<string, PartitionEntry>, written: string[]): BronzeResult {
  const names = Object.keys(partitions).sort();
  return {
    rows: Object.values(partitions).reduce((sum, entry) => sum + tableOf(entry, 'bronze').rows, 0),
    written,
    unchanged: names.filter((name) => !written.includes(name)),
  };
}

/** The rows of one partition in no order, numbered by `INTERNAL.row`. */
interface SourcePartition {
  name: string;
  path: string;
  rows: number;
}

/**
 * Splits the CSV into a local Parquet file a partition, in one pass that keeps little in memory. `lastDay` is that of
 * the whole file, days after `asOf` included. Partitions that are `standing` are left out. `arrivals` are the partitions as they were, where rows go by their arrival.
 */
async function splitSource(
  context: StageContext,
  database: Database,
  pipeline: Pipeline,
  {
    given,
    path,
    header,
    reading,
    sql,
    asOf,
    writer,
    datamart,
    replace,
    standing,
  }: OpenSource & {
    given: string;
    sql: LayerSql;
    asOf: string;
    writer: LayerWriter;
    datamart: ObjectStore;
    replace: boolean;
    standing: string[];
  },
): Promise<{ partitions: SourcePartition[]; lastDay: string; arrivals?: Arrivals }> {
  const folder = join(context.scratch, 'split');
  const collected = collectedRows(context.resources, Object.keys(pipeline.definition.source.columns).length);
  await database.run(
    `SET partitioned_write_max_open_files = 10000; SET partitioned_write_flush_threshold = ${collected}`,
  );
  await database.run('SET enable_progress_bar = true; SET enable_progress_bar_print = false');
  await database.run(`CREATE TEMP VIEW source AS ${readCsvSql(path, header, reading)}`);
  await openTables(database, sql);
  const columns = await checkLayerColumns(database, sql);
  const arrivals = byArrival(pipeline)
    ? await openArrivals(database, pipeline, datamart, writer, sql, replace)
    : undefined;
  if (!arrivals) checkDay(pipeline, sql, columns);
  const day = daySql(pipeline);
  const name = partitionNameSql(pipeline);
  const numbered = `SELECT *, row_number() OVER () AS ${INTERNAL.row} FROM (${sql.text}\n)`;
  const cut =
    day === undefined || arrivals
      ? name
      : `CASE WHEN ${day} > ${lastVisibleDay(pipeline, asOf, writer.manifest.partitions)} THEN ${literal(LATER)} ELSE ${name} END`;

  const stop = reportReading(context, database);
  const files = await database
    .rows<{ filename: string; count: bigint }>(
      `COPY (
        SELECT *, ${cut} AS ${INTERNAL.partition}
        FROM (${arrivals ? arrivingSql(pipeline, numbered, asOf) : numbered})
        ${standing.length > 0 ? `WHERE ${name} NOT IN (${standing.map(literal).join(', ')})` : ''}
      ) TO ${literal(folder)} (FORMAT parquet, COMPRESSION uncompressed, PARTITION_BY (${INTERNAL.partition}), ROW_GROUP_SIZE ${Math.ceil(collected * OPEN_FILE_SHARE)}, RETURN_STATS)`,
      { csv: given, sqlFile: sql.file },
    )
    .catch(async (error: unknown) => {
      throw isBadValue(error)
        ? await badValue(database, given, path, header, reading, pipeline.definition.source.findsColumns)
        : error;
    })
    .finally(stop);

  const partitions = files
    .map(({ filename, count }) => ({
      name: basename(dirname(filename)).slice(`${INTERNAL.partition}=`.length),
      path: filename,
      rows: Number(count),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const { source: before } = writer.manifest;
  if (partitions.length === 0 && standing.length > 0) return { partitions, lastDay: before!.lastDay };
  if (partitions.length === 0)
    throw new PerdureError('InputInvalid', `${given} holds no rows below its header; give a file with data.`);
  const undated = partitions.find(({ name }) => name.startsWith('__HIVE'));
  if (undated) {
    throw new PerdureError(
      'InputInvalid',
      `The column ${pipeline.definition.partition.column} is empty in ${countOf(undated.rows, 'row')} of ${given}, which so ${agreeing(undated.rows, 'belongs', 'belong')} to no partition; correct the file and run again.`,
    );
  }
  if (partitions.some(({ name }) => name !== LATER && !isPartition(name))) throw outOfRange(pipeline, given);
  if (arrivals) return { partitions, lastDay: UNDATED_DAY, arrivals };
  if (day === undefined) return { partitions, lastDay: UNDATED_DAY };
  if (standing.length > 0)
    return { partitions: partitions.filter(({ name }) => name !== LATER), lastDay: before!.lastDay };
  const newest = partitions.at(-1)!;
  const [last] = await database.rows<{ day: string }>(
    `SELECT CAST(max(${day}) AS VARCHAR) AS day FROM ${readParquetSql([newest.path])}`,
  );
  // Days sort as text only where every year has four digits.
  if (!/^\d{4}-\d{2}-\d{2}$/.test(last!.day)) throw outOfRange(pipeline, given);
  return { partitions: partitions.filter(({ name }) => name !== LATER), lastDay: last!.day };
}

/**
 * Rows that DuckDB collects before it hands them to the partitions' files: what fills half of its memory. Fewer at a time
 * would cost time, and memory as well, as every piece that a file is written in is remembered until the file is closed.
 */
function collectedRows(resources: Resources, columns: number): number {
  return Math.ceil(limitsOf(resources).database.memory / 2 / (columns * VALUE_BYTES));
}

function outOfRange({ definition }: Pipeline, path: string): PerdureError {
  return new PerdureError(
    'InputInvalid',
    `The column ${definition.partition.column} of ${path} holds days outside the years 0 to 9999; correct them and run again.`,
  );
}

/** Reports how far the CSV is read until the returned function is called. */
function reportReading(context: StageContext, database: Database): () => void {
  const timer = setInterval(() => {
    context.report({ what: 'percent of the source', done: Math.round(database.progress() * 100), total: 100 });
  }, PROGRESS_INTERVAL);
  return () => clearInterval(timer);
}

/** SQL for the last day that a run at `asOf` sees: a partition that was read further before doesn't shrink. */
function lastVisibleDay(pipeline: Pipeline, asOf: string, known: Record<string, PartitionEntry>): string {
  const further = Object.entries(known).flatMap(([name, { lastDay = asOf }]) =>
    lastDay > asOf ? [[name, lastDay] as const] : [],
  );
  const cases = further.map(([name, lastDay]) => `WHEN ${literal(name)} THEN DATE ${literal(lastDay)}`);
  return cases.length === 0
    ? `DATE ${literal(asOf)}`
    : `CASE ${partitionNameSql(pipeline)} ${cases.join(' ')} ELSE DATE ${literal(asOf)} END`;
}

/** The rows of one partition in the order of the source. */
interface SortedPartition extends SourcePartition {
  checksum: string;
  lastDay?: string;
}

async function sortPartitions(
  context: StageContext,
  database: Database,
  pipeline: Pipeline,
  partitions: SourcePartition[],
  arrivals: Arrivals | undefined,
): Promise<SortedPartition[]> {
  const sorted: SortedPartition[] = [];
  for (const [done, { name, path }] of partitions.entries()) {
    const file = join(context.scratch, `sorted_${name}.parquet`);
    const own = readParquetSql([path]);
    const rowsSql = byArrival(pipeline)
      ? mergedSql(pipeline, own, arrivals?.get(name))
      : `SELECT * EXCLUDE (${INTERNAL.row}) FROM ${own} ORDER BY ${INTERNAL.row}`;
    const [written] = await database.rows<{ Count: bigint }>(`COPY (${rowsSql}) TO ${literal(file)} (FORMAT parquet)`);
    const rows = Number(written!.Count);
    await rm(path);
    const day = daySql(pipeline);
    const [last] =
      day === undefined
        ? []
        : await database.rows<{ day: string }>(
            `SELECT CAST(max(${day}) AS VARCHAR) AS day FROM ${readParquetSql([file])}`,
          );
    sorted.push({ name, path: file, rows, checksum: await sha256File(file), ...(last && { lastDay: last.day }) });
    context.report({ what: 'partitions', done: done + 1, total: partitions.length });
  }
  return sorted;
}

async function emptyPartition(
  { scratch }: StageContext,
  database: Database,
  pipeline: Pipeline,
  sql: LayerSql,
  name: string,
): Promise<SortedPartition> {
  const path = join(scratch, `empty_${name}.parquet`);
  const arrival = byArrival(pipeline) ? `, CAST(NULL AS DATE) AS ${ARRIVAL}` : '';
  await database.run(`COPY (SELECT *${arrival} FROM (${sql.text}\n) LIMIT 0) TO ${literal(path)} (FORMAT parquet)`, {
    sqlFile: sql.file,
  });
  return { name, path, rows: 0, checksum: await sha256File(path) };
}

/** Partitions that another recipe made, and that the source can't make anew, or not all of their rows. */
async function staleBeyond(
  database: Database,
  pipeline: Pipeline,
  { manifest }: LayerWriter,
  source: Source,
  partitions: SourcePartition[],
  arrivals: Arrivals | undefined,
): Promise<string[]> {
  const made = new Map(partitions.map(({ name, path }) => [name, readParquetSql([path])]));
  const stale: string[] = [];
  for (const [name, { inputs }] of Object.entries(manifest.partitions)) {
    // A lost one is here only where all may arrive anew.
    if (inputs === source.sql && (!arrivals || arrivals.has(name))) continue;
    const own = made.get(name);
    const before = arrivals?.get(name);
    if (own === undefined) stale.push(name);
    else if (before) {
      const [kept] = await database.rows<{ rows: bigint }>(
        `SELECT count(*) AS rows FROM (${keptSql(pipeline, own, before)})`,
      );
      if (Number(kept!.rows) > 0) stale.push(name);
    }
  }
  return stale;
}

function refuseStale(sql: LayerSql, path: string, names: string[]): void {
  if (names.length === 0) return;
  throw new PerdureError(
    'ConfigInvalid',
    `${capitalized(spanOf(names))} ${agreeing(names.length, 'was', 'were')} made before ${sql.file} or the source's columns were changed, and ${path} has no rows of ${agreeing(names.length, 'it', 'them')}; process a file that has, undo the change, or empty ${agreeing(names.length, 'it', 'them')} by asking to replace (--replace, or "replace": true).`,
  );
}

/** Refuses a source in which rows are missing that were read before. Nothing is written yet. */
async function refuseLoss(
  database: Database,
  pipeline: Pipeline,
  datamart: ObjectStore,
  writer: LayerWriter,
  { path, partitions }: { path: string; partitions: SortedPartition[] },
): Promise<void> {
  const present = readParquetSql(partitions.map((partition) => partition.path));
  const losses: { name: string; lost: number }[] = [];
  for (const partition of partitions) {
    const entry = writer.intact(partition.name);
    if (!entry || tableOf(entry, 'bronze').checksum === partition.checksum) continue;
    const before = await unlessLost(() =>
      partitionFile(datamart, 'bronze', 'bronze', partition.name, tableOf(entry, 'bronze')),
    );
    if (!before) continue;
    const lost = await countLost(database, pipeline, before, {
      own: readParquetSql([partition.path]),
      rows: partition.rows,
      present,
    });
    if (lost > 0) losses.push({ name: partition.name, lost });
  }
  if (losses.length === 0) return;
  const lost = losses.reduce((sum, loss) => sum + loss.lost, 0);
  throw new PerdureError(
    'InputInvalid',
    `${path} lacks ${countOf(lost, 'row')} that ${spanOf(losses.map(({ name }) => name))} had before, and a file is taken for the whole of each month it has rows of; give one that has them, or ask to replace what was read (--replace, or "replace": true).`,
  );
}

/** How many of the rows that were read before the source doesn't have, by their keys; by number where bronze has no keys. */
async function countLost(
  database: Database,
  { definition }: Pipeline,
  before: PartitionFile,
  source: { own: string; rows: number; present: string },
): Promise<number> {
  const old = readParquetSql([before.path]);
  const columns = async (table: string) => new Set(await columnsOf(database, table));
  const [then, now] = [await columns(old), await columns(source.own)];
  const keys = definition.keys.filter((key) => key !== definition.partition.column && then.has(key) && now.has(key));
  if (keys.length === 0) return Math.max(0, before.rows - source.rows);
  const names = keys.map(identifier).join(', ');
  const except = async (table: string) => {
    const [found] = await database.rows<{ lost: bigint }>(
      `SELECT count(*) AS lost FROM (SELECT ${names} FROM ${old} EXCEPT SELECT ${names} FROM ${table})`,
    );
    return Number(found!.lost);
  };
  // A row may have moved to another month, which is looked at only where its own lacks it.
  return (await except(source.own)) === 0 ? 0 : except(source.present);
}

function spanOf(names: string[]): string {
  const sorted = [...names].sort();
  return sorted.length === 1
    ? `the partition ${sorted[0]}`
    : `${countOf(sorted.length, 'partition')} (${sorted[0]} to ${sorted.at(-1)})`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Stores the partitions that the store doesn't hold yet, or not with these rows. */
async function storeChanged(
  context: StageContext,
  pipeline: Pipeline,
  writer: LayerWriter,
  source: Source,
  partitions: SortedPartition[],
): Promise<BronzeResult> {
  const entries = { ...writer.manifest.partitions };
  const written: string[] = [];
  try {
    for (const { name, path, rows, checksum, lastDay } of partitions) {
      context.signal.throwIfAborted();
      const entry = writer.intact(name);
      const more = lastDay === undefined ? {} : { lastDay };
      if (entry && tableOf(entry, 'bronze').checksum === checksum) {
        entries[name] = { ...entry, inputs: source.sql, ...more };
        if (entry.inputs !== source.sql || entry.lastDay !== lastDay) await writer.note(name, entries[name]);
      } else {
        const key = partitionKey(pipeline.definition.layers.bronze.path, name);
        entries[name] = await writer.write(name, source.sql, [{ table: 'bronze', key, path, rows }], more);
        written.push(name);
      }
    }
  } finally {
    await writer.commit();
  }
  return resultOf(entries, written);
}
