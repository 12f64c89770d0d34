import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { VersionRef } from '../contracts/index.js';
import { identifier, literal, readParquetSql, type Database } from '../data/duckdb.js';
import { openPredictions, predictionsFiles } from '../data/predictions.js';
import type { Stores } from '../storage/objectStore.js';

/** The days that scored rows fall on, both included. */
export interface ScoredDays {
  from: string;
  to: string;
}

/** Name of the temporary table that {@link loadScoredRows} makes. */
export const SCORED_ROWS = INTERNAL.scoredRows;

/**
 * Loads a version's predictions into a temporary table: the pipeline's keys and `INTERNAL.probability`, for rows up to
 * `until`, back `monitoring_config.window_days` from the newest of them.
 *
 * @param until the last day to look at
 * @returns the days that the rows fall on; `undefined` where there are none
 */
export async function loadScoredRows(
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  model: VersionRef,
  until: string,
): Promise<ScoredDays | undefined> {
  const files = (await predictionsFiles(stores.predictions)).filter(
    (file) => file.model.algorithm === model.algorithm && file.model.version === model.version,
  );
  if (files.length === 0) return undefined;
  const { keys, partition } = pipeline.definition;
  const { day } = INTERNAL;
  const paths = await openPredictions(stores.predictions, files);
  await database.run(`
    CREATE TEMP TABLE ${SCORED_ROWS} AS
    WITH eligible AS (
      SELECT ${keys.map(identifier).join(', ')}, probability AS ${INTERNAL.probability}, CAST(${identifier(partition.column)} AS DATE) AS ${day}
      FROM ${readParquetSql(paths)}
      WHERE ${day} <= CAST(${literal(until)} AS DATE)
    )
    SELECT * FROM eligible
    WHERE ${day} > (SELECT max(${day}) FROM eligible) - ${pipeline.config.monitoring_config.window_days}`);
  const [days] = await database.rows<{ from: string | null; to: string | null }>(
    `SELECT CAST(min(${day}) AS VARCHAR) AS "from", CAST(max(${day}) AS VARCHAR) AS "to" FROM ${SCORED_ROWS}`,
  );
  return days && days.from !== null && days.to !== null ? { from: days.from, to: days.to } : undefined;
}
