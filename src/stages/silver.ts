import { join } from 'node:path';
import { rulesOf } from '../config/expectations.js';
import type { Pipeline } from '../config/load.js';
import type { RefineInput, SilverResult } from '../contracts/index.js';
import { findDuplicates, knownDuplicates, withoutDuplicatesSql } from '../data/duplicates.js';
import { literal, type Database } from '../data/duckdb.js';
import { checkLayerColumns, fingerprint, layerSql, openTables, type LayerSql } from '../data/layerSql.js';
import { tableOf, type DuplicatesEntry } from '../data/layers.js';
import { partitionKey } from '../data/partitions.js';
import type { BuiltTable } from '../data/layerWriter.js';
import { refine } from '../data/refine.js';
import { correctedRows, readCorrections } from '../data/validation/corrections.js';
import { Evaluator, summaryOf, type Evaluation } from '../data/validation/evaluate.js';
import { keptResults, writeResult } from '../data/validation/results.js';
import { isRefused, qualityOf, refusal, refuseLowScores, type RefusedPartition } from '../data/validation/verdict.js';
import { PerdureError } from '../errors.js';
import type { Stage } from './context.js';
import { countOf } from '../contracts/counts.js';

/**
 * Bronze cleaned: exact duplicates left out, values standardised by the pipeline's `silver.sql`, and rows that break an
 * expectation left out, told or refused. What came of the expectations, and the rows that break one, are kept beside
 * the layers also where a partition is refused. A row that is left out counts under the first expectation that does so.
 *
 * @throws PerdureError `InputInvalid` where an expectation that must hold is broken, or too few are met
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

  const isExpected = rulesOf(pipeline.expectations).length > 0;
  const corrected = isExpected ? await readCorrections(datamart) : {};
  const refused: RefusedPartition[] = [];
  const { entries, written, unchanged } = await refine(context, datamart, input, {
    layer: 'silver',
    from: { layer: 'bronze', table: 'bronze' },
    inputs: (partition, checksum) =>
      fingerprint(
        checksum,
        sql.digest,
        pipeline.expectations,
        duplicates?.partitions[partition],
        ...(corrected[partition] ? [corrected[partition].checksum] : []),
      ),
    ...(isExpected && { isKept: await keptResults(datamart) }),
    check: (database) => openTables(database, sql),
    build: async (database, partition, file, folder) => {
      const repeated = countDuplicates(pipeline, duplicates, partition);
      await database.run(
        `CREATE OR REPLACE TEMP VIEW bronze AS ${await withoutDuplicatesSql(datamart, duplicates, partition, file)}`,
      );
      const columns = await checkLayerColumns(database, sql);
      const rows = await correctedRows(database, datamart, sql, columns, corrected[partition]);
      const evaluator = new Evaluator(database, pipeline, rows);
      const evaluation = await evaluator.evaluate();
      const result = await writeResult(datamart, pipeline, partition, folder, { database, evaluator, evaluation });
      if (isRefused(pipeline, result)) {
        refused.push({ partition, ...result });
        return undefined;
      }
      const kept = await writeKept(database, pipeline, partition, folder, { sql, evaluator, evaluation });
      return {
        tables: [kept],
        dropped: { ...repeated, ...evaluation.dropped },
        ...(isExpected && { validation: summaryOf(evaluation) }),
      };
    },
  });
  if (refused.length > 0) throw refusal(pipeline, refused);
  refuseLowScores(
    pipeline,
    unchanged.map((partition, i) => [partition, entries[i]!]),
  );
  return {
    rows: entries.reduce((sum, entry) => sum + tableOf(entry, 'silver').rows, 0),
    written,
    unchanged,
    dropped: addUp(entries.map(({ dropped = {} }) => dropped)),
    ...(pipeline.expectations.expectations.length > 0 && { quality: qualityOf(entries) }),
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

/** Writes the rows that no expectation drops, in their order. */
async function writeKept(
  database: Database,
  { definition }: Pipeline,
  partition: string,
  folder: string,
  { sql, evaluator, evaluation }: { sql: LayerSql; evaluator: Evaluator; evaluation: Evaluation },
): Promise<BuiltTable> {
  const path = join(folder, `${partition}.parquet`);
  const { kept, dropped } = evaluation;
  const { query, identified } = evaluator.source;
  const rows = Object.keys(dropped).length === 0 && !identified ? query : evaluator.keptSql();
  const [written] = await database.rows<{ Count: bigint }>(`COPY (${rows}\n) TO ${literal(path)} (FORMAT parquet)`, {
    sqlFile: sql.file,
  });
  if (Number(written!.Count) !== kept) {
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives ${countOf(Number(written!.Count), 'row')} of partition ${partition} where it gave ${kept} a moment before; have it give the same rows each time, as LIMIT and first() do under ORDER BY alone.`,
    );
  }
  return { table: 'silver', key: partitionKey(definition.layers.silver.path, partition), path, rows: kept };
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
