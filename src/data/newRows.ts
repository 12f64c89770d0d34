import { INTERNAL } from '../config/columns.js';
import { sameName } from '../contracts/index.js';
import type { Pipeline } from '../config/load.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { presentSql } from '../ml/missing.js';
import { describe, identifier, readParquetSql, type Database, type ResultColumn } from './duckdb.js';
import { featureStoreFiles, type DayRange } from './layers.js';
import { betweenDaysSql, dayOf, earlier } from './partitions.js';
import { intactPredictions, type PredictionsFile } from './predictions.js';

/** Gold rows to predict, as SQL. */
export interface NewRowsQuery {
  /** A subquery with the feature store's columns; `undefined` where there is no gold partition to look at. */
  sql: string | undefined;
  /** The predictions files whose rows are left out. */
  known: PredictionsFile[];
}

/** Which rows are meant, where it isn't all that nobody has scored. */
export interface RowsAsked {
  asOf: string;
  /** First and last day. */
  from?: string;
  to?: string;
  /** Also those that are scored already. */
  again?: boolean;
}

/**
 * Rows of the feature store from `inference_config.start_date` up to `asOf` that no stored prediction is of: none with
 * the row's keys, or none that was made from the features that the row has now. A lost predictions
 * file holds none. Throws `ObjectCorrupt` for a torn file of gold.
 */
export async function newRowsQuery(
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  asked: RowsAsked,
): Promise<NewRowsQuery> {
  const days = daysAsked(pipeline, asked);
  const { files: known, paths } = await intactPredictions(stores.predictions);
  const features = await featureStoreFiles(stores, days);
  if (features.length === 0) return { sql: undefined, known };

  const gold = readParquetSql(features.map(({ path }) => path));
  let sql = `SELECT * FROM ${gold} WHERE ${betweenDaysSql(pipeline, days)}`;
  if (asked.again) return { sql, known };
  const present = await describe(database, `SELECT * FROM ${gold}`);
  for (const files of groupByFeatures(present, known).values()) {
    const predicted = readParquetSql(files.map((file) => paths[known.indexOf(file)]!));
    sql = `SELECT * FROM (${sql}) AS ${INTERNAL.features} ANTI JOIN ${predicted} AS ${INTERNAL.scores} ON ${sameRowSql(pipeline, files[0]!, present)}`;
  }
  return { sql, known };
}

/** The days that are looked at. */
export function daysAsked({ config }: Pipeline, { asOf, from, to }: RowsAsked): Required<DayRange> {
  const { start_date } = config.inference_config;
  return {
    from: from !== undefined && from > start_date ? from : start_date,
    to: earlier(to ?? dayOf(asOf), dayOf(asOf)),
  };
}

/** Types whose values are the same number as a DOUBLE and by their text: a cast spares writing and reading it. */
const CAST_TO_DOUBLE = /^(DOUBLE|BIGINT|U?(TINYINT|SMALLINT|INTEGER))$/;

/**
 * SQL for a digest of a row's features: a score stays good for as long as it is the same.
 *
 * @param columns those of the relation that has them
 * @param table its name
 */
export function inputsDigestSql(features: string[], columns: ResultColumn[], table?: string): string {
  const types = new Map(columns.map(({ name, type }) => [sameName(name), type]));
  const values = features.map((name) => {
    const type = types.get(sameName(name))!;
    const column = `${table === undefined ? '' : `${table}.`}${identifier(name)}`;
    const text = `coalesce(CAST(${column} AS VARCHAR), '')`;
    if (type === 'VARCHAR') return text;
    // Whole numbers and fractions of one value are the same; what is no number counts by its text.
    const numberText = (number: string) => `coalesce(CAST(${presentSql(number)} AS VARCHAR), '')`;
    if (CAST_TO_DOUBLE.test(type)) return numberText(`CAST(${column} AS DOUBLE)`);
    const number = `TRY_CAST(CAST(${column} AS VARCHAR) AS DOUBLE)`;
    return `CASE WHEN ${number} IS NULL THEN ${text} ELSE ${numberText(number)} END`;
  });
  return `md5_number_lower(concat_ws(',', ${values.join(', ')}))`;
}

/**
 * SQL that tells whether a row of `INTERNAL.features` is the one that a row of `INTERNAL.scores`, in a file like `file`, was
 * made from.
 *
 * @param present columns that gold has
 */
export function sameRowSql(pipeline: Pipeline, file: PredictionsFile, present: ResultColumn[]): string {
  const { features, scores, inputs } = INTERNAL;
  const keys = pipeline.definition.keys.map((key) => `${features}.${identifier(key)} = ${scores}.${identifier(key)}`);
  const digested = digestedFeatures(file, present);
  return [...keys, ...(digested ? [`${inputsDigestSql(digested, present, features)} = ${scores}.${inputs}`] : [])].join(
    ' AND ',
  );
}

/** `undefined` where a file has no digests, or gold no longer has all of the features: nobody can tell then. */
function digestedFeatures({ features }: PredictionsFile, present: ResultColumn[]): string[] | undefined {
  const names = new Set(present.map(({ name }) => sameName(name)));
  return features?.every((name) => names.has(sameName(name))) ? features : undefined;
}

function groupByFeatures(present: ResultColumn[], files: PredictionsFile[]): Map<string, PredictionsFile[]> {
  const groups = new Map<string, PredictionsFile[]>();
  for (const file of files) {
    const key = JSON.stringify(digestedFeatures(file, present));
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return groups;
}
