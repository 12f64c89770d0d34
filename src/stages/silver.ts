import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { RefineInput, SilverResult } from '../contracts/index.js';
import { findDuplicates, withoutDuplicatesSql } from '../data/duplicates.js';
import { literal, type Database } from '../data/duckdb.js';
import { fingerprint, layerSql, type LayerSql } from '../data/layerSql.js';
import { tableOf, type DuplicatesEntry } from '../data/layers.js';
import { partitionKey } from '../data/partitions.js';
import { refine, type Built } from '../data/refine.js';
import { PerdureError } from '../errors.js';
import type { Stage } from './context.js';

/**
 * Bronze cleaned: exact duplicates left out, values standardised by the pipeline's `silver.sql`, and rows that break an
 * expectation left out or refused. A row counts under the first expectation that it breaks.
 *
 * @throws PerdureError `InputInvalid` where an expectation that must hold is broken
 */
export const silver: Stage<RefineInput, SilverResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  const sql = await layerSql(pipeline, 'silver');
  const duplicates = pipeline.expectations.duplicates && (await findDuplicates(context, pipeline, datamart));

  const { entries, written, unchanged } = await refine(context, datamart, input, {
    layer: 'silver',
    from: { layer: 'bronze', table: 'bronze' },
    inputs: (partition, checksum) => fingerprint(checksum, sql.text, pipeline.expectations, duplicates?.partitions[partition]),
    build: async (database, partition, file, folder) => {
      const repeated = countDuplicates(pipeline, duplicates, partition);
      await database.run(`CREATE OR REPLACE TEMP VIEW bronze AS ${await withoutDuplicatesSql(datamart, duplicates, partition, file)}`);
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

function countDuplicates(pipeline: Pipeline, duplicates: DuplicatesEntry | undefined, partition: string): Record<string, number> {
  const expectation = pipeline.expectations.duplicates;
  const rows = duplicates?.partitions[partition]?.rows ?? 0;
  if (!expectation || rows === 0) return {};
  if (expectation.on_failure === 'fail') refuse(expectation.name, rows, partition);
  return { [expectation.name]: rows };
}

/** Writes the rows of the view `bronze` that meet every expectation, in their order. */
async function clean(database: Database, pipeline: Pipeline, sql: LayerSql, partition: string, folder: string): Promise<Required<Built>> {
  const expectations = pipeline.expectations.silver;
  const cases = expectations.map(({ check }, i) => `WHEN (${check}) IS NOT TRUE THEN ${i}`);
  // Numbered first, as a check may hold a window function, which forgets the order.
  await database.run(
    `CREATE OR REPLACE TEMP TABLE checked AS
     SELECT *, ${cases.length > 0 ? `CASE ${cases.join(' ')} END` : 'NULL'} AS broken_expectation
     FROM (SELECT *, row_number() OVER () AS row_position FROM (${sql.text}
     ))`,
    { sqlFile: sql.file },
  );
  const counts = await database.rows<{ broken: number | null; rows: bigint }>(
    `SELECT broken_expectation AS broken, count(*) AS rows FROM checked GROUP BY ALL ORDER BY ALL`,
  );
  const dropped: Record<string, number> = {};
  let rows = 0;
  for (const count of counts) {
    const expectation = count.broken === null ? undefined : expectations[count.broken]!;
    if (!expectation) {
      rows = Number(count.rows);
      continue;
    }
    if (expectation.on_failure === 'fail') refuse(expectation.name, Number(count.rows), partition);
    dropped[expectation.name] = Number(count.rows);
  }
  const path = join(folder, `${partition}.parquet`);
  await database.run(
    `COPY (SELECT * EXCLUDE (broken_expectation, row_position) FROM checked WHERE broken_expectation IS NULL ORDER BY row_position)
     TO ${literal(path)} (FORMAT parquet)`,
  );
  const key = partitionKey(pipeline.definition.layers.silver.path, partition);
  return { tables: [{ table: 'silver', key, path, rows }], dropped };
}

function refuse(expectation: string, rows: number, partition: string): never {
  throw new PerdureError(
    'InputInvalid',
    `${rows} ${rows === 1 ? 'row' : 'rows'} of partition ${partition} break the expectation ${expectation}, which must hold; correct the source and run again.`,
  );
}

function addUp(counts: Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, rows] of counts.flatMap((count) => Object.entries(count))) total[name] = (total[name] ?? 0) + rows;
  return total;
}
