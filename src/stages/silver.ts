import { join } from 'node:path';
import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { RefineInput, SilverResult } from '../contracts/index.js';
import { findDuplicates, knownDuplicates, withoutDuplicatesSql } from '../data/duplicates.js';
import { literal, type Database } from '../data/duckdb.js';
import { checkLayerColumns, fingerprint, layerSql, openTables, type LayerSql } from '../data/layerSql.js';
import { tableOf, type DuplicatesEntry } from '../data/layers.js';
import { partitionKey } from '../data/partitions.js';
import { refine, type Built } from '../data/refine.js';
import { PerdureError } from '../errors.js';
import type { Stage } from './context.js';
import { countOf } from '../contracts/counts.js';

/**
 * Bronze cleaned: exact duplicates left out, values standardised by the pipeline's `silver.sql`, and rows that break an
 * expectation left out or refused. A row counts under the first expectation that it breaks.
 *
 * @throws PerdureError `InputInvalid` where an expectation that must hold is broken
 */
export const silver: Stage<RefineInput, SilverResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  const sql = await layerSql(context, pipeline, 'silver');
  const seeks = pipeline.expectations.duplicates !== undefined;
  const duplicates = !seeks
    ? undefined
    : input.dryRun
      ? (await knownDuplicates(pipeline, datamart)).known
      : await findDuplicates(context, pipeline, datamart);
  // Duplicates are sought in the rows, which a dry run doesn't read: any partition may have some.
  if (seeks && !duplicates) return { rows: 0, written: [], unchanged: [], dropped: {} };

  const { entries, written, unchanged } = await refine(context, datamart, input, {
    layer: 'silver',
    from: { layer: 'bronze', table: 'bronze' },
    inputs: (partition, checksum) =>
      fingerprint(checksum, sql.digest, pipeline.expectations, duplicates?.partitions[partition]),
    check: (database) => openTables(database, sql),
    build: async (database, partition, file, folder) => {
      const repeated = countDuplicates(pipeline, duplicates, partition);
      await database.run(
        `CREATE OR REPLACE TEMP VIEW bronze AS ${await withoutDuplicatesSql(datamart, duplicates, partition, file)}`,
      );
      const { tables, dropped } = await clean(database, pipeline, sql, partition, folder);
      return { tables, dropped: { ...repeated, ...dropped } };
    },
  });
  return {
    rows: entries.reduce((sum, entry) => sum + tableOf(entry, 'silver').rows, 0),
    written,
    unchanged,
    dropped: addUp(entries.map(({ dropped = {} }) => dropped)),
  };
};

function countDuplicates(
  pipeline: Pipeline,
  duplicates: DuplicatesEntry | undefined,
  partition: string,
): Record<string, number> {
  const expectation = pipeline.expectations.duplicates;
  const rows = duplicates?.partitions[partition]?.rows ?? 0;
  if (!expectation || rows === 0) return {};
  if (expectation.on_failure === 'fail') refuse(expectation.name, rows, partition);
  return { [expectation.name]: rows };
}

/** Writes the rows of the view `bronze` that meet every expectation, in their order. */
async function clean(
  database: Database,
  pipeline: Pipeline,
  sql: LayerSql,
  partition: string,
  folder: string,
): Promise<Required<Built>> {
  await checkLayerColumns(database, sql);
  const { kept, dropped } = await countBroken(database, pipeline, sql, partition);
  const path = join(folder, `${partition}.parquet`);
  const rows = Object.keys(dropped).length === 0 ? sql.text : keptRowsSql(pipeline, sql);
  const [written] = await database.rows<{ Count: bigint }>(`COPY (${rows}\n) TO ${literal(path)} (FORMAT parquet)`, {
    sqlFile: sql.file,
  });
  if (Number(written!.Count) !== kept) {
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives ${countOf(Number(written!.Count), 'row')} of partition ${partition} where it gave ${kept} a moment before; have it give the same rows each time, as LIMIT and first() do under ORDER BY alone.`,
    );
  }
  const key = partitionKey(pipeline.definition.layers.silver.path, partition);
  return { tables: [{ table: 'silver', key, path, rows: kept }], dropped };
}

/** Counts rows by the expectation they break, reading only the columns that expectations look at. */
async function countBroken(
  database: Database,
  pipeline: Pipeline,
  sql: LayerSql,
  partition: string,
): Promise<{ kept: number; dropped: Record<string, number> }> {
  const counts = await database
    .rows<{ broken: number | null; rows: bigint }>(
      `SELECT broken, count(*) AS rows FROM (SELECT ${brokenSql(pipeline)} AS broken FROM (${sql.text}\n)) GROUP BY ALL ORDER BY ALL`,
      { sqlFile: sql.file },
    )
    .catch(async (error: unknown) => {
      await findBadExpectation(database, pipeline, sql);
      throw error;
    });
  const dropped: Record<string, number> = {};
  let kept = 0;
  for (const { broken, rows } of counts) {
    if (broken === null) {
      kept = Number(rows);
      continue;
    }
    const { name, on_failure } = pipeline.expectations.silver[broken]!;
    if (on_failure === 'fail') refuse(name, Number(rows), partition);
    dropped[name] = Number(rows);
  }
  return { kept, dropped };
}

/** Throws for the first expectation that fails where the layer's own SQL doesn't. */
async function findBadExpectation(database: Database, pipeline: Pipeline, sql: LayerSql): Promise<void> {
  await database.run(`CREATE OR REPLACE TEMP TABLE ${INTERNAL.rows} AS ${sql.text}`, { sqlFile: sql.file });
  for (const { name, check } of pipeline.expectations.silver) {
    const sqlFile = `${join(pipeline.folder, 'expectations.json')}: the check of ${name}`;
    await database.rows(
      `SELECT count(*) AS rows FROM (SELECT (${check}\n) IS NOT TRUE AS ${INTERNAL.broken} FROM ${INTERNAL.rows}) WHERE ${INTERNAL.broken}`,
      { sqlFile },
    );
  }
}

/** The position of the first expectation that a row breaks, NULL where it breaks none. */
function brokenSql(pipeline: Pipeline): string {
  const cases = pipeline.expectations.silver.map(({ check }, i) => `WHEN (${check}) IS NOT TRUE THEN ${i}`);
  return cases.length > 0 ? `CASE ${cases.join(' ')} END` : 'CAST(NULL AS INTEGER)';
}

/** Rows are numbered before they are checked, as a check may hold a window function, which forgets their order. */
function keptRowsSql(pipeline: Pipeline, sql: LayerSql): string {
  return `SELECT * EXCLUDE (${INTERNAL.row}, ${INTERNAL.broken})
    FROM (SELECT *, ${brokenSql(pipeline)} AS ${INTERNAL.broken} FROM (SELECT *, row_number() OVER () AS ${INTERNAL.row} FROM (${sql.text}\n)))
    WHERE ${INTERNAL.broken} IS NULL ORDER BY ${INTERNAL.row}`;
}

function refuse(expectation: string, rows: number, partition: string): never {
  throw new PerdureError(
    'InputInvalid',
    `The expectation ${expectation}, which must hold, is broken by ${countOf(rows, 'row')} of partition ${partition}; correct the source and run again.`,
  );
}

function addUp(counts: Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, rows] of counts.flatMap((count) => Object.entries(count))) total[name] = (total[name] ?? 0) + rows;
  return total;
}
