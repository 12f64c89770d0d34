import { FILE_ROW, INTERNAL } from '../config/columns.js';
import { PerdureError } from '../errors.js';
import type { Pipeline } from '../config/load.js';
import type { Window } from '../contracts/index.js';
import { labelOf } from './labels.js';
import { isMissing } from '../ml/missing.js';
import { identifier, literal, readParquetSql, type Database } from './duckdb.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { goldPartitions, partitionFile, type DayRange, type PartitionFile } from './layers.js';
import { dayOf, earlier } from './partitions.js';

/** Gold rows of some days, features joined with labels. */
export interface TrainingRows {
  /** A column a feature; what is missing is NaN. */
  columns: Map<string, Float64Array>;
  /** 0 or 1 a row. */
  labels: Int8Array;
  /** Rows that were left out as their label is not known yet. */
  unlabelled: number;
}

/** A partition's two files. */
export interface GoldFiles {
  features: PartitionFile;
  labels: PartitionFile;
}

/** The days of a window whose gold files a training reads; `asOf` is an ISO 8601 instant. */
export function windowDays({ config }: Pipeline, window: Window, asOf: string): Required<DayRange> {
  const { start_date, end_date } = config.temporal_splits[window];
  return { from: start_date, to: earlier(end_date, dayOf(asOf)) };
}

/** Both gold files of every partition with one of the days. */
export async function goldFiles(stores: Stores, days: Required<DayRange>): Promise<GoldFiles[]> {
  const files: GoldFiles[] = [];
  for (const { name, featureStore, labelStore } of await goldPartitions(stores, days)) {
    files.push({
      features: await partitionFile(stores.datamart, 'gold', 'feature_store', name, featureStore),
      labels: await partitionFile(stores.datamart, 'gold', 'label_store', name, labelStore),
    });
  }
  return files;
}

/**
 * Reads features and labels of some days, joined on the pipeline's keys, in order of
 * partition and then of the source file. Rows whose label is null, or isn't there, are left out and counted.
 *
 * @throws PerdureError `InputInvalid` for a feature that is text, a label other than 0 and 1, keys that are not unique
 */
export async function readTrainingRows(database: Database, pipeline: Pipeline, files: GoldFiles[], days: Required<DayRange>): Promise<TrainingRows> {
  const names = pipeline.definition.features.map(({ name }) => name);
  const capacity = files.reduce((sum, { features }) => sum + features.rows, 0);
  const columns = names.map(() => new Float64Array(capacity));
  const labels = new Int8Array(capacity);
  let rows = 0;
  let unlabelled = 0;
  for (const file of files) {
    const before = rows + unlabelled;
    for await (const chunk of database.chunks(rowsSql(pipeline, file, days), { sqlFile: pipeline.definition.layers.feature_store.sql })) {
      if (rows + unlabelled - before + chunk.rowCount > file.features.rows) {
        throw new PerdureError('InputInvalid', `Several rows of gold have the same ${pipeline.definition.keys.join(' and ')}; add an expectation that drops them and run data processing again.`);
      }
      const labelVector = chunk.getColumnVector(names.length);
      const kept: number[] = [];
      for (let row = 0; row < chunk.rowCount; row++) {
        const label = labelOf(pipeline, labelVector.getItem(row) as number | null);
        if (label === undefined) continue;
        labels[rows + kept.length] = label;
        kept.push(row);
      }
      for (const [i, column] of columns.entries()) {
        const vector = chunk.getColumnVector(i);
        kept.forEach((row, position) => {
          const value = vector.getItem(row) as number | null;
          column[rows + position] = value === null || isMissing(value) ? NaN : value;
        });
      }
      rows += kept.length;
      unlabelled += chunk.rowCount - kept.length;
    }
  }
  return {
    columns: new Map(names.map((name, i) => [name, columns[i]!.subarray(0, rows)])),
    labels: labels.subarray(0, rows),
    unlabelled,
  };
}

/** Features and labels of one partition are joined with each other only, so that a label never comes from another. */
function rowsSql(pipeline: Pipeline, { features: featureFile, labels: labelFile }: GoldFiles, { from, to }: Required<DayRange>): string {
  const { keys, features, label, partition } = pipeline.definition;
  const [f, l] = [INTERNAL.features, INTERNAL.labels];
  const day = `CAST(${f}.${identifier(partition.column)} AS DATE)`;
  const values = features.map(({ name }) => `CAST(${f}.${identifier(name)} AS DOUBLE)`);
  return `
    SELECT ${values.join(', ')}, CAST(${l}.${identifier(label)} AS DOUBLE)
    FROM ${readParquetSql([featureFile.path], { fileRow: true })} AS ${f}
    LEFT JOIN ${readParquetSql([labelFile.path])} AS ${l} USING (${keys.map(identifier).join(', ')})
    WHERE ${day} BETWEEN CAST(${literal(from)} AS DATE) AND CAST(${literal(to)} AS DATE)
    ORDER BY ${f}.${FILE_ROW}`;
}
