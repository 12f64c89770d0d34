import { listOf } from '../contracts/counts.js';
import { FILE_ROW, INTERNAL, isAmong } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { TaskSpec } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { RawColumn, RawTable } from '../ml/table.js';
import { columnsOf, identifier, literal, readParquetSql, type Database } from './duckdb.js';
import type { GoldFiles } from './goldAsOf.js';
import { InputReader, inputSql, readableSql, type InputColumn } from './inputColumns.js';
import { declaredTask, labelReader, labelSql, taskSpecOf, type RawLabel } from './labels.js';
import { betweenDaysSql } from './partitions.js';
import { keyDigestSql } from './trainedRows.js';
import { sharedGroupsSql, type SharedGroups } from './splits/sharedGroups.js';
import type { Split } from './splits/split.js';
import { trainingSplit } from './trainingSplit.js';

/** Gold rows of one split, features joined with labels. */
export interface TrainingRows {
  table: RawTable;
  /** A label per row, as the task has them: a position among its classes, or a value. */
  labels: Float64Array;
  /** Rows that were left out as their label is not known yet. */
  unlabelled: number;
  /** Rows that were left out as their class is none of the task's. */
  unknown: number;
  /** The digest of each row's key, where they were asked for. */
  keys?: Float64Array;
  /** The column that was read beside the features. */
  beside?: RawColumn;
}

/** Which gold rows are meant. */
export interface RowsOfSplit {
  name: Split['names'][number];
  /** ISO 8601 date or instant. */
  asOf: string;
  /** The last day whose rows' labels count. */
  labelledTo: string;
  /** Rows that are read at most, the first ones. @default all */
  limit?: number;
  /** Whether the digests of the rows' keys are wanted: half a second a million rows. @default false */
  keys?: boolean;
}

/**
 * Reads features and labels of a split, joined on the pipeline's keys, in order of partition and then of the source file.
 * Rows whose label is null, or isn't there, are left out and counted.
 *
 * @param beside a column that is read as well, and is no feature
 * @throws PerdureError `InputInvalid` for a label that the task doesn't have, keys that are not unique
 */
export async function readTrainingRows(
  database: Database,
  pipeline: Pipeline,
  files: GoldFiles[],
  rows: RowsOfSplit,
  inputs: InputColumn[],
  task: TaskSpec,
  beside?: InputColumn,
): Promise<TrainingRows> {
  const { limit = Infinity } = rows;
  const capacity = Math.min(
    limit,
    files.reduce((sum, { features }) => sum + features.rows, 0),
  );
  // It may be a feature too, as another kind.
  const columns = [...inputs, ...(beside ? [beside] : [])];
  const reader = new InputReader([...inputs, ...(beside ? [{ ...beside, name: INTERNAL.fold }] : [])], capacity);
  const labels = new Float64Array(capacity);
  const keys = rows.keys ? new Float64Array(capacity) : undefined;
  const read = labelReader(pipeline, task);
  let [taken, unlabelled, unknown] = [0, 0, 0];
  const values = [
    ...columns.map((input) => readableSql(input, inputSql(input, INTERNAL.features))),
    await labelOf(database, pipeline, files),
    ...(keys ? [keyDigestSql(pipeline.definition.keys, INTERNAL.features)] : []),
  ];
  for (const file of files) {
    const before = taken + unlabelled + unknown;
    if (before >= limit) break;
    const sql = `${rowsSql(pipeline, file, rows, values)} ${limit === Infinity ? '' : `LIMIT ${limit - before}`}`;
    for await (const chunk of database.chunks(sql, { sqlFile: pipeline.definition.layers.feature_store.sql })) {
      if (taken + unlabelled + unknown - before + chunk.rowCount > file.features.rows) {
        throw new PerdureError(
          'InputInvalid',
          `Several rows of gold have the same ${pipeline.definition.keys.join(' and ')}; add an expectation that drops them and run data processing again.`,
        );
      }
      const labelVector = chunk.getColumnVector(columns.length);
      const kept: number[] = [];
      for (let row = 0; row < chunk.rowCount; row++) {
        const label = read(labelVector.getItem(row) as RawLabel);
        if (label === undefined) unlabelled++;
        else if (label === null) unknown++;
        else {
          labels[taken + kept.length] = label;
          kept.push(row);
        }
      }
      reader.take(chunk, kept);
      if (keys) {
        const digests = chunk.getColumnVector(columns.length + 1);
        kept.forEach((row, i) => (keys[taken + i] = digests.getItem(row) as number));
      }
      taken += kept.length;
    }
  }
  const table = reader.table();
  const other = table.columns.get(INTERNAL.fold);
  table.columns.delete(INTERNAL.fold);
  return {
    table,
    labels: labels.subarray(0, taken),
    unlabelled,
    unknown,
    ...(keys && { keys: keys.subarray(0, taken) }),
    ...(other && { beside: other }),
  };
}

/** Labels of which nobody could make classes. */
const TOO_MANY_LABELS = 1_000;

/** What a pipeline predicts, by the labels of a split's rows where `pipeline.json` doesn't say. Throws `ConfigInvalid`. */
export async function readTask(
  database: Database,
  pipeline: Pipeline,
  files: GoldFiles[],
  rows: RowsOfSplit,
): Promise<TaskSpec> {
  const declared = declaredTask(pipeline);
  if (declared) return declared;
  const distinct = new Set<RawLabel>();
  const label = await labelOf(database, pipeline, files);
  for (const file of files) {
    const sql = rowsSql(pipeline, file, rows, [label]);
    const found = await database.rows<{ label: RawLabel }>(
      `SELECT DISTINCT label FROM (${sql}) AS rows (label) LIMIT ${TOO_MANY_LABELS}`,
    );
    for (const { label } of found) distinct.add(label);
    if (distinct.size >= TOO_MANY_LABELS) break;
  }
  return taskSpecOf(pipeline, [...distinct]);
}

/** SQL for a label, by the first of the files: one query makes them all. */
async function labelOf(database: Database, pipeline: Pipeline, [first]: GoldFiles[]): Promise<string> {
  return first ? labelSql(database, pipeline, readParquetSql([first.labels.path]), INTERNAL.labels) : 'NULL';
}

/** Features and labels of one partition are joined with each other only, so that a label never comes from another. */
function rowsSql(
  pipeline: Pipeline,
  { features: featureFile, labels: labelFile }: GoldFiles,
  { name, asOf, labelledTo }: RowsOfSplit,
  values: string[],
): string {
  const [f, l] = [INTERNAL.features, INTERNAL.labels];
  const split = trainingSplit(pipeline, f).sql(asOf);
  return `
    SELECT ${values.join(', ')}
    FROM ${readParquetSql([featureFile.path], { fileRow: true })} AS ${f}
    LEFT JOIN ${readParquetSql([labelFile.path])} AS ${l} USING (${pipeline.definition.keys.map(identifier).join(', ')})
    WHERE ${betweenDaysSql(pipeline, { from: '0000-01-01', to: labelledTo }, f)} AND (${split}) = ${literal(name)}
    ORDER BY ${f}.${FILE_ROW}`;
}

/**
 * How many rows of each evaluating split are about an entity that train has rows of, too; see {@link SharedGroups}.
 *
 * @param files those of every split
 * @throws PerdureError `ConfigInvalid` for an entity that the feature store doesn't have
 */
export async function countSharedEntities(
  database: Database,
  pipeline: Pipeline,
  files: GoldFiles[],
  entity: string,
  { asOf, labelledTo }: Omit<RowsOfSplit, 'name'>,
): Promise<SharedGroups[]> {
  const { keys, label, layers } = pipeline.definition;
  const f = INTERNAL.features;
  const features = readParquetSql(files.map((file) => file.features.path));
  const present = await columnsOf(database, features);
  if (!isAmong(present, entity))
    throw new PerdureError(
      'ConfigInvalid',
      `"entity" names ${entity}, which the feature store doesn't have (it has ${listOf(present)}); have ${layers.feature_store.sql ?? 'its query'} give it, or correct the name.`,
    );
  const labels = readParquetSql(files.map((file) => file.labels.path));
  const known = `SELECT ${keys.map(identifier).join(', ')} FROM ${labels} WHERE ${identifier(label)} IS NOT NULL`;
  const rows = `(
    SELECT * FROM ${features} AS ${f} SEMI JOIN (${known}) AS ${INTERNAL.labels} USING (${keys.map(identifier).join(', ')})
    WHERE ${betweenDaysSql(pipeline, { from: '0000-01-01', to: labelledTo }, f)}
  ) AS ${f}`;
  return database.rows<SharedGroups>(
    sharedGroupsSql(rows, `(${trainingSplit(pipeline, f).sql(asOf)})`, `${f}.${identifier(entity)}`),
  );
}
