import { join } from 'node:path';
import { FILE_ROW, INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { checksumOfFile, sha256 } from '../platform/storage/checksum.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { describe, identifier, literal, readParquetSql, sameKeySql, type Database } from './duckdb.js';
import type { BuiltTable } from './layerWriter.js';
import {
  HISTORY_OF,
  partitionFile,
  tableOf,
  type FormerVersions,
  type GoldTable,
  type LayerManifest,
  type PartitionPast,
} from './layers.js';
import type { Before, Built } from './refine.js';

/**
 * What gold's rows were before, so that a training that stands before a correction sees what it would have seen then. Two
 * times count: a row's own day, and the moment of its arrival, which is the `asOf` of the processing that made it what it is.
 *
 * Beside a table of a partition lies its history: a Parquet file with the table's columns, of
 * - rows that were replaced or taken away, with `since` (NULL: from the start) and `until`, and
 * - keys of present rows that are newer than the first processing, with `since` alone.
 *
 * So it is as large as what has changed. `position` is where a former row would stand in the present file, whose row numbers
 * are whole: rows then come in the order that they had. What the first processing of a store read counts as there from
 * the start, and a partition that comes later has one `since` for all of its rows, in its manifest entry.
 *
 * A history is kept as long as data alone change. Where the SQL, the expectations or the columns do, every row may differ,
 * and none was corrected: it then begins anew, and a training that stands before sees the rows of that moment.
 */

const DAY = 86_400_000;
/** Before every moment. */
const EARLIEST = -Number.MAX_SAFE_INTEGER;

/** The moment at which what a run at `asOf` reads arrives, in milliseconds; a day counts from its beginning. */
export function arrivalOf(asOf: string): number {
  return Date.parse(asOf);
}

/** The last moment that a run at `asOf` sees, in milliseconds: of a day, its end. */
export function standsAt(asOf: string): number {
  return asOf.length === 'YYYY-MM-DD'.length ? Date.parse(asOf) + DAY - 1 : Date.parse(asOf);
}

/**
 * What gold's manifest says of the first processing, from its first partition on.
 * @param partitions those that there are to make
 */
export function beginning(manifest: LayerManifest, asOf: string, partitions: string[]): Partial<LayerManifest> {
  return manifest.began !== undefined || Object.keys(manifest.partitions).length > 0
    ? {}
    : { began: { at: instant(arrivalOf(asOf)), partitions } };
}

/** What gold was before a partition is written, and what is written. */
export interface Transition {
  partition: string;
  asOf: string;
  /** Fingerprint of all but the data that decides what the rows are. */
  recipe: string;
  tables: BuiltTable[];
  folder: string;
  before: Before;
}

/** Adds to what is written of a partition the histories of its tables. */
export async function withHistory(
  database: Database,
  pipeline: Pipeline,
  datamart: ObjectStore,
  { partition, asOf, recipe, tables, folder, before: { manifest, isWhole } }: Transition,
): Promise<Built> {
  const at = arrivalOf(asOf);
  const entry = manifest.partitions[partition];
  const { began } = manifest;
  const { keep_days } = pipeline.definition.history;
  const isLater = began
    ? at > Date.parse(began.at) && !began.partitions.includes(partition)
    : Object.keys(manifest.partitions).length > 0;
  if (!entry) return { tables, recipe, ...(isLater && keep_days > 0 && { since: instant(at) }) };
  const since = entry.since === undefined ? {} : { since: entry.since };
  const anew = { tables, recipe, ...since, past: { from: instant(at) } };
  if (entry.recipe !== recipe || keep_days === 0) return anew;

  const past: PartitionPast = { ...entry.past };
  // What is older is as from the start.
  const kept = at - keep_days * DAY;
  const horizon = Math.max(kept, timeOf(began?.at), timeOf(past.from));
  const built: Built = { tables: [], kept: [], recipe, ...since, announced: true };
  for (const made of tables) {
    const table = made.table as GoldTable;
    const former = tableOf(entry, table);
    const history = entry.objects.find((object) => object.table === HISTORY_OF[table]);
    if (history && !isWhole(history)) return anew;
    const checksum = await checksumOfFile(made.path);
    if (checksum === former.checksum) {
      if (history) built.kept!.push(history);
      built.tables.push(made);
      continue;
    }
    if (!isWhole(former)) return anew;
    const before = (await partitionFile(datamart, 'gold', table, partition, former)).path;
    if (!(await haveSameColumns(database, before, made.path))) return anew;
    const path = join(folder, `${HISTORY_OF[table]}_${partition}.parquet`);
    const { rows, isPruned } = await writeHistory(database, pipeline.definition.keys, {
      before,
      after: made.path,
      history: history && (await partitionFile(datamart, 'gold', HISTORY_OF[table], partition, history)).path,
      at,
      horizon,
      kept,
      path,
    });
    if (isPruned && kept > timeOf(past.from)) past.from = instant(kept);
    past[table] = versionsUntil(past[table] ?? [], { at, horizon, former: former.checksum, checksum });
    if (rows > 0) {
      const first = historyKey(pipeline.definition.layers[table].path, partition, 'a');
      const key = history?.key === first ? historyKey(pipeline.definition.layers[table].path, partition, 'b') : first;
      built.tables.push({ table: HISTORY_OF[table], key, path, rows });
    }
    built.tables.push(made);
  }
  return Object.keys(past).length === 0 ? built : { ...built, past };
}

/** The key of a partition's history, by the path of its table. Two files take turns, so that the present one is never written over. */
export function historyKey(path: string, partition: string, turn: 'a' | 'b'): string {
  return path.replace('{partition}', `history_${partition}_${turn}`);
}

async function haveSameColumns(database: Database, one: string, other: string): Promise<boolean> {
  const [before, after] = [
    await describe(database, `SELECT * FROM ${readParquetSql([one])}`),
    await describe(database, `SELECT * FROM ${readParquetSql([other])}`),
  ];
  return JSON.stringify(before) === JSON.stringify(after);
}

/**
 * What a table was, once it is another. A run at an earlier moment than the newest changes what was seen from then on:
 * the versions after it are mixtures.
 */
export function versionsUntil(
  versions: FormerVersions,
  { at, horizon, former, checksum }: { at: number; horizon: number; former: string; checksum: string },
): FormerVersions {
  const earlier = versions.filter(({ until }) => Date.parse(until) < at);
  const later = versions.filter(({ until }) => Date.parse(until) > at);
  const replaced = versions.find(({ until }) => Date.parse(until) >= at)?.checksum ?? former;
  return [
    ...earlier,
    { until: instant(at), checksum: replaced },
    ...later.map((version) => ({ ...version, checksum: mixtureOf(version.checksum, checksum) })),
  ].filter(({ until }) => Date.parse(until) > horizon);
}

/** What a history is written from. */
interface TableChange {
  /** Local Parquet files: the table as it was and as it becomes, and its history so far. */
  before: string;
  after: string;
  history: string | undefined;
  /** The moment of the change, in milliseconds. */
  at: number;
  /** The moments before which nothing is told apart, and before which nothing is kept. */
  horizon: number;
  kept: number;
  /** The file to write. */
  path: string;
}

/**
 * Writes the history of a table that becomes another.
 * @returns how many rows it has, and whether any was left out as it is older than is kept
 */
async function writeHistory(
  database: Database,
  keyColumns: string[],
  { before: old, after: made, history: known, at, horizon, kept, path }: TableChange,
): Promise<{ rows: number; isPruned: boolean }> {
  const { since, until, position, history, changes, changed, places, place, before, after, oldRow, newRow } = INTERNAL;
  const keys = keyColumns.map(identifier).join(', ');
  const oldRows = readParquetSql([old], { fileRow: true });
  const columns = await describe(database, `SELECT * FROM ${readParquetSql([old])}`);
  const same = columns.map(
    ({ name }) => `${before}.${identifier(name)} IS NOT DISTINCT FROM ${after}.${identifier(name)}`,
  );
  await database.run(`
    CREATE OR REPLACE TEMP TABLE ${changes} AS
    SELECT ${keys}, ${before}.${FILE_ROW} AS ${oldRow}, ${after}.${FILE_ROW} AS ${newRow},
      ${oldRow} IS NULL OR ${newRow} IS NULL OR NOT (${same.join(' AND ')}) AS ${changed}
    FROM ${oldRows} AS ${before} FULL JOIN ${readParquetSql([made], { fileRow: true })} AS ${after} USING (${keys})`);
  const none = `SELECT *, CAST(NULL AS BIGINT) AS ${since}, CAST(NULL AS BIGINT) AS ${until}, CAST(NULL AS DOUBLE) AS ${position} FROM ${readParquetSql([old])} LIMIT 0`;
  await database.run(
    `CREATE OR REPLACE TEMP TABLE ${history} AS ${known === undefined ? none : `SELECT * FROM ${readParquetSql([known])}`}`,
  );
  // A former place becomes that of the row that stood there, or one between the rows that stood around it.
  await database.run(`
    CREATE OR REPLACE TEMP TABLE ${places} AS
    SELECT ${place}, coalesce(${newRow}, -1) + CASE WHEN ${oldRow} = ${place} THEN 0
      ELSE row_number() OVER (PARTITION BY ${oldRow} ORDER BY ${place}) / (count(*) OVER (PARTITION BY ${oldRow}) + 1) END AS ${position}
    FROM (
      SELECT CAST(${oldRow} AS DOUBLE) AS ${place} FROM ${changes} WHERE ${changed} AND ${oldRow} IS NOT NULL
      UNION SELECT ${position} FROM ${history} WHERE ${until} IS NOT NULL
    ) AS ${before}
    ASOF LEFT JOIN (SELECT ${oldRow}, ${newRow} FROM ${changes} WHERE ${oldRow} IS NOT NULL AND ${newRow} IS NOT NULL) AS ${after}
      ON ${place} >= ${oldRow}`);
  const ofPresent = `SELECT ${keys}, ${since} FROM ${history} WHERE ${until} IS NULL`;
  await database.run(`
    CREATE OR REPLACE TEMP TABLE ${after} AS
    SELECT ${history}.* REPLACE (CASE WHEN ${changed} THEN least(${until}, ${at}) ELSE ${until} END AS ${until}, ${places}.${position} AS ${position})
    FROM ${history} JOIN ${places} ON ${history}.${position} = ${place} LEFT JOIN ${changes} USING (${keys})
    WHERE ${until} IS NOT NULL
    UNION ALL BY NAME
    SELECT ${before}.* EXCLUDE (${FILE_ROW}), ${since}, CAST(${at} AS BIGINT) AS ${until}, ${position}
    FROM ${oldRows} AS ${before} JOIN (SELECT ${keys}, ${oldRow} FROM ${changes} WHERE ${changed}) AS ${changes} USING (${keys})
      JOIN ${places} ON ${place} = ${oldRow} LEFT JOIN (${ofPresent}) AS ${history} USING (${keys})
    UNION ALL BY NAME
    SELECT ${keys}, CAST(${at} AS BIGINT) AS ${since} FROM ${changes} WHERE ${changed} AND ${newRow} IS NOT NULL
    UNION ALL BY NAME
    SELECT ${history}.* FROM (${ofPresent}) AS ${history} SEMI JOIN (SELECT * FROM ${changes} WHERE NOT ${changed}) AS ${changes} USING (${keys})`);
  const [pruned] = await database.rows<{ rows: bigint }>(
    `SELECT count(*) AS rows FROM ${after} WHERE ${until} <= ${kept} OR ${since} <= ${kept}`,
  );
  const [written] = await database.rows<{ Count: bigint }>(`
    COPY (
      SELECT * FROM (SELECT * REPLACE (CASE WHEN ${since} > ${horizon} THEN ${since} END AS ${since}) FROM ${after})
      WHERE CASE WHEN ${until} IS NULL THEN ${since} IS NOT NULL ELSE ${until} > ${horizon} AND coalesce(${since} < ${until}, true) END
      ORDER BY ${keys}, ${until} NULLS LAST
    ) TO ${literal(path)} (FORMAT parquet)`);
  return { rows: Number(written!.Count), isPruned: Number(pruned!.rows) > 0 };
}

/**
 * SQL of a table's rows as they were at a moment, in the order that they had then.
 *
 * @param table the present file; `history`: what it was before
 * @param moment milliseconds
 */
export function formerRowsSql(keys: string[], table: string, history: string, moment: number): string {
  const { since, until, position, before, after } = INTERNAL;
  const known = readParquetSql([history]);
  return `SELECT * EXCLUDE (${position}) FROM (
    SELECT ${after}.* EXCLUDE (${FILE_ROW}), CAST(${after}.${FILE_ROW} AS DOUBLE) AS ${position}
    FROM ${readParquetSql([table], { fileRow: true })} AS ${after}
    ANTI JOIN (SELECT * FROM ${known} WHERE ${until} IS NULL AND ${since} > ${moment}) AS ${before} ON ${sameKeySql(keys, after, before, '=')}
    UNION ALL BY NAME
    SELECT * EXCLUDE (${since}, ${until}) FROM ${known} WHERE ${until} > ${moment} AND coalesce(${since} <= ${moment}, true)
  ) ORDER BY ${position}, ${keys.map(identifier).join(', ')}`;
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function timeOf(moment: string | undefined): number {
  return moment === undefined ? EARLIEST : Date.parse(moment);
}

/** What stands for rows of which some are of one file and some of another. */
function mixtureOf(one: string, other: string): string {
  return sha256(`${one} ${other}`);
}
