import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { countOf, type TaskSpec, type VersionRef } from '../contracts/index.js';
import { describe, identifier, literal, readParquetSql, type Database } from './duckdb.js';
import { featureStoreFiles, type PartitionFile } from './layers.js';
import { sameRowSql } from './newRows.js';
import { openPredictions, predictionsFiles, type PredictionsFile } from './predictions.js';
import { dayOf, daySql } from './partitions.js';
import { isTrainedSql } from './trainedRows.js';
import { taskOf } from '../ml/tasks/task.js';
import type { Stores } from '../platform/storage/objectStore.js';

/** The days that scored rows fall on, both included. */
export interface ScoredDays {
  from: string;
  to: string;
}

/** Rows that arrived on one day. */
export interface ArrivedRows {
  /** ISO 8601 day. */
  day: string;
  rows: number;
}

/**
 * The newest arrivals that have `least` rows together; all of them where there are fewer.
 * @param arrivals oldest first, one at least
 */
export function newestArrivals(arrivals: ArrivedRows[], least: number): ScoredDays {
  let first = arrivals.length - 1;
  for (let rows = arrivals[first]!.rows; rows < least && first > 0; rows += arrivals[first]!.rows) first--;
  return { from: arrivals[first]!.day, to: arrivals.at(-1)!.day };
}

/** How many rows of a query, which has a column `INTERNAL.day`, arrived when: oldest first. */
export async function countArrivals(database: Database, query: string): Promise<ArrivedRows[]> {
  const { day } = INTERNAL;
  return database.rows<{ day: string; rows: number }>(
    `SELECT CAST(${day} AS VARCHAR) AS day, CAST(count(*) AS INTEGER) AS rows FROM (${query}) GROUP BY ALL ORDER BY ALL`,
  );
}

/** SQL condition that a scored row is of these days. */
export function ofDaysSql({ from, to }: ScoredDays): string {
  return `${SCORED_ROWS}.${INTERNAL.day} BETWEEN DATE ${literal(from)} AND DATE ${literal(to)}`;
}

/** Columns of a predictions file that a model's output is read from again, in its order. */
function scoreNames(task: TaskSpec): string[] {
  const { width, predictionColumns } = taskOf(task);
  return predictionColumns({ values: new Float64Array(0), width }, 0.5).flatMap(({ name, type }) =>
    type === 'DOUBLE' ? [name] : [],
  );
}

function named(names: string[]): string {
  return names.map((name, i) => `${identifier(name)} AS ${scoreColumn(i)}`).join(', ');
}

/** The column of a number of a model's output, wherever Perdure keeps one. */
export function scoreColumn(position: number): string {
  return `${INTERNAL.score}_${position}`;
}

/** The numbers of a model's output in {@link SCORED_ROWS}, as SQL. */
export function scoreColumns(task: TaskSpec): string[] {
  return scoreNames(task).map((_, i) => `${SCORED_ROWS}.${scoreColumn(i)}`);
}

/** Name of the temporary table that {@link loadScoredRows} makes. */
export const SCORED_ROWS = INTERNAL.scoredRows;

/** What {@link loadScoredRows} found. */
export interface LoadedRows {
  /** The days that the rows fall on; `undefined` where there are none. */
  days: ScoredDays | undefined;
  /** How many there are. */
  rows: number;
  /** Rows that were left out, as the version was trained on them. */
  trained: number;
  /** Rows that were left out, as they are older than `monitoring_config.window_days` allow. */
  older: number;
  /** Rows that were left out, as their features have changed since they were scored, or are gone. */
  stale: number;
}

/**
 * Loads a version's predictions into a temporary table: the pipeline's keys and the version's {@link scoreNames}, for rows up to
 * `until`, back to `from`, or as far as `monitoring_config.window_days` says. Of a row that was scored several times the newest
 * score counts, and one that was made from other features than the row has now doesn't. Rows that the version was trained
 * on are left out.
 *
 * @param asked `trainedRows`: a file of `TRAINED_ROWS`, where the version has one; `from`, `until`: the first and the last day to
 *   look at. A second call loads anew
 */
export async function loadScoredRows(
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  model: VersionRef,
  {
    task,
    trainedRows,
    from,
    until,
  }: { task: TaskSpec; trainedRows: string | undefined; from?: string | undefined; until: string },
): Promise<LoadedRows> {
  const files = (await predictionsFiles(stores.predictions)).filter(
    (file) => file.model.algorithm === model.algorithm && file.model.version === model.version,
  );
  const [first] = files;
  if (!first) return NOTHING;
  const keys = pipeline.definition.keys.map(identifier).join(', ');
  const { day, order, inputs, scores } = INTERNAL;
  const paths = await openPredictions(stores.predictions, files);
  const digested = files.every(({ features }) => features);
  await database.run(`
    CREATE OR REPLACE TEMP TABLE ${scores} AS
    SELECT ${keys}, ${named(scoreNames(task))}, ${daySql(pipeline) ?? arrivalSql(files, paths)} AS ${day},
      list_position([${paths.map(literal).join(', ')}], ${INTERNAL.file}) AS ${order}${digested ? `, ${inputs}` : ''}
    FROM ${readParquetSql(paths, { file: true })}
    WHERE ${day} <= CAST(${literal(until)} AS DATE)`);
  const all = await daysOf(database, scores);
  if (!all) return NOTHING;
  // A version reads the same features in all of its files.
  const gold = digested ? await featureStoreFiles(stores, all) : [];
  const present = digested ? await presentScoresSql(database, pipeline, first, gold) : scores;
  const isTrained = trainedRows === undefined ? 'false' : isTrainedSql(trainedRows, pipeline.definition.keys, 'newest');
  await database.run(`
    CREATE OR REPLACE TEMP TABLE ${INTERNAL.eligible} AS
    WITH newest AS (SELECT * FROM ${present} QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY ${order} DESC) = 1)
    SELECT ${keys}, ${scoreNames(task)
      .map((_, i) => scoreColumn(i))
      .join(', ')}, ${day}, ${isTrained} AS ${INTERNAL.trained} FROM newest`);
  await database.run(`
    CREATE OR REPLACE TEMP TABLE ${SCORED_ROWS} AS SELECT * EXCLUDE (${INTERNAL.trained}) FROM ${INTERNAL.eligible}
    WHERE NOT ${INTERNAL.trained} AND ${day} >= ${from === undefined ? windowStartSql(pipeline) : `DATE ${literal(from)}`}`);
  const days = await daysOf(database, SCORED_ROWS);
  const within = days ? `${day} >= DATE ${literal(days.from)}` : 'true';
  const counting = (condition: string) => `CAST(count(*) FILTER (${condition}) AS INTEGER)`;
  const [counted] = await database.rows<Pick<LoadedRows, 'rows' | 'trained' | 'older'>>(
    `SELECT ${counting(`NOT ${INTERNAL.trained} AND ${within}`)} AS rows, ${counting(INTERNAL.trained)} AS trained,
      ${counting(`NOT ${INTERNAL.trained} AND NOT ${within}`)} AS older FROM ${INTERNAL.eligible}`,
  );
  const [{ stale }] = (await database.rows(
    `SELECT CAST(count(*) AS INTEGER) AS stale FROM (SELECT DISTINCT ${keys} FROM ${scores} WHERE ${within}) ANTI JOIN ${INTERNAL.eligible} USING (${keys})`,
  )) as [{ stale: number }];
  return { days, ...counted!, stale };
}

/** SQL for the first day that is looked at, of the rows that the version was not trained on. */
function windowStartSql({ config: { monitoring_config } }: Pipeline): string {
  const { window_days, min_samples_for_metrics } = monitoring_config;
  const { day, eligible, trained } = INTERNAL;
  const newest = `SELECT ${day} FROM ${eligible} WHERE NOT ${trained} ORDER BY ${day} DESC`;
  const start = (days: number) => `max(${day}) - ${days - 1}`;
  if (window_days !== undefined) return `(SELECT ${start(window_days)} FROM (${newest}))`;
  // Of a table with few rows a month, that month would say nothing.
  return `(SELECT least(${start(MONTH)}, (SELECT min(${day}) FROM (${newest} LIMIT ${min_samples_for_metrics}))) FROM (${newest}))`;
}

/** Says of rows that are told to be too few which others there are: words to follow the day. */
export function besides({ days, trained, older, stale }: LoadedRows): string {
  const others = [
    ...(trained > 0 ? [`${countOf(trained, 'row')} that the version was trained on`] : []),
    ...(days && older > 0
      ? [`${countOf(older, 'row')} from before ${days.from}, which monitoring_config.window_days leaves out`]
      : []),
    ...(stale > 0
      ? [`${countOf(stale, 'row')} whose features have changed since, or are gone (predict again to score them)`]
      : []),
  ];
  return others.length === 0 ? '' : `, besides ${others.join(' and ')}`;
}

/** Days that are looked at where no config says how many, and these hold enough rows. */
const MONTH = 30;

const NOTHING: LoadedRows = { days: undefined, rows: 0, trained: 0, older: 0, stale: 0 };

/** SQL for the day that a row was scored for, by its file: rows without dates go by their arrival. */
function arrivalSql(files: PredictionsFile[], paths: string[]): string {
  const cases = files.map(({ asOf }, i) => `WHEN ${literal(paths[i]!)} THEN DATE ${literal(dayOf(asOf))}`);
  return `CASE ${INTERNAL.file} ${cases.join(' ')} END`;
}

/** Scores that were made from the features that their rows have now. */
async function presentScoresSql(
  database: Database,
  pipeline: Pipeline,
  file: PredictionsFile,
  gold: PartitionFile[],
): Promise<string> {
  const { scores, features } = INTERNAL;
  if (gold.length === 0) return `(SELECT * FROM ${scores} LIMIT 0)`;
  const table = readParquetSql(gold.map(({ path }) => path));
  return `(SELECT ${scores}.* FROM ${scores} SEMI JOIN ${table} AS ${features} ON ${sameRowSql(pipeline, file, await describe(database, `SELECT * FROM ${table}`))})`;
}

async function daysOf(database: Database, table: string): Promise<ScoredDays | undefined> {
  const { day } = INTERNAL;
  const [days] = await database.rows<{ from: string; to: string }>(
    `SELECT CAST(min(${day}) AS VARCHAR) AS "from", CAST(max(${day}) AS VARCHAR) AS "to" FROM ${table} HAVING count(*) > 0`,
  );
  return days;
}
