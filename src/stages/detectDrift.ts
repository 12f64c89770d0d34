import { INTERNAL, sameName } from '../config/columns.js';
import type { ArrivalDrift, DriftResult, MonitorInput, TaskSpec } from '../contracts/index.js';
import { byArrival } from '../data/arrivals.js';
import { columnsOf, identifier, readParquetSql, withDuckDb, type Database } from '../data/duckdb.js';
import type { InputColumn } from '../data/inputColumns.js';
import { featureStoreFiles } from '../data/layers.js';
import { dayOf } from '../data/partitions.js';
import { assessDrift, type CurrentProfile } from '../monitoring/drift.js';
import { mostProbable } from '../ml/modelOutput.js';
import { countInto, emptyLike, type ColumnValues, type ModelProfile } from '../monitoring/profile.js';
import {
  countArrivals,
  loadScoredRows,
  newestArrivals,
  ofDaysSql,
  scoreColumns,
  SCORED_ROWS,
  type ScoredDays,
} from '../data/scoredRows.js';
import { SCORE_ANEW, readVersionFile, type Preprocessing } from '../registry/versions.js';
import type { Stage, StageContext } from './context.js';
import { agreeing, countOf } from '../contracts/counts.js';

/**
 * How far the rows that a version scored have moved from those it was trained on: PSI and missing rate per raw feature
 * against the training window, PSI of the score against the test window. Where rows go by their arrival each of the
 * newest arrivals is looked at by itself, and the newest of them decide.
 */
export const detectDrift: Stage<MonitorInput, DriftResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { min_samples_for_metrics } = pipeline.config.monitoring_config;
  const reference = await readVersionFile(
    context.stores(pipeline).modelRegistry,
    input.predictions.model,
    'profile.json',
    SCORE_ANEW,
  );

  const preprocessing = await readVersionFile(
    context.stores(pipeline).modelRegistry,
    input.predictions.model,
    'preprocessing.json',
    SCORE_ANEW,
  );
  const settings = pipeline.config.monitoring_config;
  return withDuckDb(context, async (database): Promise<DriftResult> => {
    const { model } = input.predictions;
    const stores = context.stores(pipeline);
    const days = await loadScoredRows(database, pipeline, stores, model, preprocessing.task, dayOf(input.asOf));
    const arrivals =
      days && byArrival(pipeline) ? await countArrivals(database, `SELECT * FROM ${SCORED_ROWS}`) : undefined;
    const profile = (days: ScoredDays | undefined) =>
      profileScoredRows(context, database, input, reference, preprocessing, days);
    const current = await profile(arrivals ? newestArrivals(arrivals, min_samples_for_metrics) : days);
    if (current.rows < min_samples_for_metrics) {
      return {
        status: 'skipped',
        reason: `${countOf(current.rows, 'row')} ${agreeing(current.rows, 'is', 'are')} scored by ${dayOf(input.asOf)}; drift needs at least ${min_samples_for_metrics}.`,
      };
    }
    const assessed = assessDrift(reference, current, settings);
    if (!arrivals) return assessed;
    const each: ArrivalDrift[] = [];
    for (const { day: arrival, rows } of arrivals.slice(-SHOWN_ARRIVALS)) {
      const { drifted, score_drifted, missing } =
        rows < min_samples_for_metrics
          ? { drifted: null, score_drifted: null, missing: null }
          : assessDrift(reference, await profile({ from: arrival, to: arrival }), settings);
      each.push({ arrival, rows, drifted, score_drifted, missing });
    }
    return { ...assessed, arrivals: each };
  });
};

/** Arrivals that are looked at one by one: what is longer ago had its report then. */
const SHOWN_ARRIVALS = 20;

/** Counts the scored rows of some days into the bins of the reference. A feature that gold no longer has counts as missing. */
async function profileScoredRows(
  context: StageContext,
  database: Database,
  input: MonitorInput,
  reference: ModelProfile,
  { task, inputs }: Preprocessing,
  days: ScoredDays | undefined,
): Promise<CurrentProfile> {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const keys = pipeline.definition.keys.map(identifier).join(', ');
  const features = Object.keys(reference.columns);
  const current: CurrentProfile = {
    rows: 0,
    columns: Object.fromEntries(features.map((name) => [name, emptyLike(reference.columns[name]!)])),
    score: emptyLike(reference.score),
  };
  const files = days ? await featureStoreFiles(stores, days) : [];
  if (days && files.length > 0) {
    const gold = readParquetSql(files.map(({ path }) => path));
    const known = new Set((await columnsOf(database, gold)).map(sameName));
    const values = features.map((name) =>
      known.has(sameName(name))
        ? valueSql(`${INTERNAL.features}.${identifier(name)}`, inputs.find((input) => input.name === name)?.kind)
        : 'NULL',
    );
    const scores = scoreColumns(task);
    const rows = database.chunks(
      `SELECT ${[...scores, ...values].join(', ')} FROM ${SCORED_ROWS} JOIN ${gold} AS ${INTERNAL.features} USING (${keys}) WHERE ${ofDaysSql(days)}`,
    );
    for await (const chunk of rows) {
      current.rows += chunk.rowCount;
      countInto(
        current.score,
        spoken(
          task,
          scores.map((_, i) => chunk.getColumnValues(i) as number[]),
        ),
      );
      features.forEach((name, i) =>
        countInto(current.columns[name]!, chunk.getColumnValues(scores.length + i) as (number | string | null)[]),
      );
    }
  }
  return current;
}

/** A feature's value as training had it; what gold now has as something else is missing. */
function valueSql(column: string, kind: InputColumn['kind'] = 'number'): string {
  if (kind === 'category') return `CAST(${column} AS VARCHAR)`;
  return kind === 'date'
    ? `epoch(TRY_CAST(CAST(${column} AS VARCHAR) AS TIMESTAMP)) / 86400.0`
    : `TRY_CAST(${column} AS DOUBLE)`;
}

/** What a model's output says of each row, as its profile counts it. */
function spoken(task: TaskSpec, scores: number[][]): ColumnValues {
  if (task.task !== 'multiclass') return scores[0]!;
  const width = scores.length;
  const values = Float64Array.from(
    { length: scores[0]!.length * width },
    (_, i) => scores[i % width]![Math.floor(i / width)]!,
  );
  return Array.from(mostProbable({ values, width }), (position) => task.classes[position]!);
}
