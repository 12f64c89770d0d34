import type { Pipeline } from '../config/load.js';
import type { Stores } from '../storage/objectStore.js';
import { identifier, literal, readParquetSql } from './duckdb.js';
import { featureStoreFiles } from './layers.js';
import { dayOf } from './partitions.js';
import { intactPredictions, type PredictionsFile } from './predictions.js';

/** Gold rows to predict, as SQL. */
export interface NewRowsQuery {
  /** A subquery with the feature store's columns; `undefined` where there is no gold partition to look at. */
  sql: string | undefined;
  /** The predictions files whose rows are left out. */
  known: PredictionsFile[];
}

/**
 * Rows of the feature store from `inference_config.start_date` up to `asOf` that no stored predictions file holds, by
 * the pipeline's keys; a lost predictions file holds none. Throws `ObjectCorrupt` for a torn file of gold.
 */
export async function newRowsQuery(pipeline: Pipeline, stores: Stores, asOf: string): Promise<NewRowsQuery> {
  const { keys, partition } = pipeline.definition;
  const days = { from: pipeline.config.inference_config.start_date, to: dayOf(asOf) };
  const { files: known, paths: predicted } = await intactPredictions(stores.predictions);
  const features = await featureStoreFiles(stores, days);
  if (features.length === 0) return { sql: undefined, known };

  const day = `CAST(${identifier(partition.column)} AS DATE)`;
  const rows = `SELECT * FROM ${readParquetSql(features.map(({ path }) => path))}
    WHERE ${day} BETWEEN CAST(${literal(days.from)} AS DATE) AND CAST(${literal(days.to)} AS DATE)`;
  const sql =
    predicted.length === 0 ? rows : `SELECT * FROM (${rows}) ANTI JOIN ${readParquetSql(predicted)} USING (${keys.map(identifier).join(', ')})`;
  return { sql, known };
}
