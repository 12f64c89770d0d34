import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { ArrivalDrift, DriftResult, MonitorInput, RowsLookedAt, TaskSpec } from '../contracts/index.js';
import { byArrival } from '../data/arrivals.js';
import { withDuckDb, type Database } from '../data/duckdb.js';
import { dayOf, earlier } from '../data/partitions.js';
import { drawnDistributions } from '../monitoring/distributions.js';
import { assessDrift, type CurrentProfile } from '../monitoring/drift.js';
import { fromColumns, mostProbable } from '../ml/modelOutput.js';
import { countInto, emptyLike, type ColumnValues, type ModelProfile } from '../monitoring/profile.js';
import { scoredFeatures } from '../data/scoredFeatures.js';
import {
  besides,
  countArrivals,
  loadScoredRows,
  newestArrivals,
  scoreColumns,
  SCORED_ROWS,
  type LoadedRows,
  type ScoredDays,
} from '../data/scoredRows.js';
import { TRAINED_ROWS } from '../data/trainedRows.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { SCORE_ANEW, readVersionFile, rowFile, type Preprocessing } from '../registry/versions.js';
import { agreeing, countOf } from '../contracts/counts.js';
import type { Stage } from './context.js';
import { driftDistances } from './driftDistances.js';

/**
 * How far the rows that a version scored have moved from those it was trained on: PSI and missing rate per raw feature
 * against the train split, PSI of the score against the test split. Where rows go by their arrival each of the
 * newest arrivals is looked at by itself, and the newest of them decide.
 */
export const detectDrift: Stage<MonitorInput, DriftResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const { model } = input.predictions;
  const reference = await readVersionFile(stores.modelRegistry, model, 'profile.json', SCORE_ANEW);
  const preprocessing = await readVersionFile(stores.modelRegistry, model, 'preprocessing.json', SCORE_ANEW);
  const settings = pipeline.config.monitoring_config;
  const least = settings.min_samples_for_metrics;
  return withDuckDb(context, async (database): Promise<DriftResult> => {
    const until = dayOf(input.asOf);
    const loaded = await loadScoredRows(database, pipeline, stores, model, {
      task: preprocessing.task,
      trainedRows: await rowFile(stores.modelRegistry, model, TRAINED_ROWS, SCORE_ANEW),
      until,
    });
    const { days, trained } = loaded;
    const arrivals =
      days && byArrival(pipeline) ? await countArrivals(database, `SELECT * FROM ${SCORED_ROWS}`) : undefined;
    const each = (arrivals ?? []).slice(-SHOWN_ARRIVALS).map((arrived) => ({
      arrived,
      current: nothingCounted(reference),
    }));
    const current = nothingCounted(reference);
    const asked: CountedDays[] = each
      .filter(({ arrived }) => arrived.rows >= least)
      .map(({ arrived: { day }, current }) => ({ days: { from: day, to: day }, current }));
    // The days that decide.
    const newest = days && arrivals ? newestArrivals(arrivals, least) : days;
    if (newest) {
      asked.push({ days: newest, current });
      await countScoredRows(database, pipeline, stores, reference, preprocessing, asked);
    }
    if (current.rows < least) {
      const { rows } = current;
      const scored =
        rows === 0 && trained > 0
          ? `There is nothing new to monitor: the version was trained on every row that is scored by ${until}`
          : `${countOf(rows, 'row')} ${agreeing(rows, 'is', 'are')} scored by ${until}${besides(loaded)}`;
      return { status: 'skipped', reason: `${scored}; drift needs at least ${least}.` };
    }
    const assessed = assessDrift(reference, current, settings);
    const limits = settings.drift_warnings;
    return {
      ...assessed,
      distributions: drawnDistributions(reference, current, assessed.psi),
      ...(limits &&
        newest &&
        (await driftDistances(database, pipeline, stores, input, {
          reference,
          current,
          preprocessing,
          days: newest,
          psi: assessed,
          limits,
        }))),
      ...(days && { looked_at: lookedAt(days.from, loaded) }),
      ...(trained > 0 && { trained_rows: trained }),
      ...(arrivals && {
        arrivals: each.map(({ arrived: { day: arrival, rows }, current }): ArrivalDrift => {
          const { drifted, score_drifted, missing } =
            rows < least
              ? { drifted: null, score_drifted: null, missing: null }
              : assessDrift(reference, current, settings);
          return { arrival, rows, drifted, score_drifted, missing };
        }),
      }),
    };
  });
};

/** @param from the first day of the rows */
function lookedAt(from: string, { rows, older, stale }: LoadedRows): RowsLookedAt {
  return { rows, from, ...(older > 0 && { older }), ...(stale > 0 && { stale }) };
}

/** Arrivals that are looked at one by one: what is longer ago had its report then. */
const SHOWN_ARRIVALS = 20;

/** Scored rows of some days, counted into the bins of the reference. */
interface CountedDays {
  days: ScoredDays;
  current: CurrentProfile;
}

function nothingCounted({ columns, score }: ModelProfile): CurrentProfile {
  return {
    rows: 0,
    columns: Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, emptyLike(column)])),
    score: emptyLike(score),
  };
}

/** Counts the scored rows into the profile of each of the days that they are of, reading gold once. A feature that gold no longer has counts as missing. */
async function countScoredRows(
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  reference: ModelProfile,
  { task, inputs }: Preprocessing,
  asked: CountedDays[],
): Promise<void> {
  const all = {
    from: asked.map(({ days }) => days.from).reduce(earlier),
    to: asked.map(({ days }) => days.to).reduce((a, b) => (a > b ? a : b)),
  };
  const scored = await scoredFeatures(database, pipeline, stores, inputs, all);
  if (!scored) return;
  const features = Object.keys(reference.columns);
  const scores = scoreColumns(task);
  const selected = [
    `CAST(${SCORED_ROWS}.${INTERNAL.day} AS VARCHAR)`,
    ...scores,
    ...features.map((name) => scored.valueOf(name)),
  ];
  const rows = database.chunks(`SELECT ${selected.join(', ')} FROM ${scored.relation}`);
  for await (const chunk of rows) {
    const dayOfRow = chunk.getColumnValues(0) as string[];
    const columns = selected.map((_, i) => (i === 0 ? [] : chunk.getColumnValues(i))) as (number | string | null)[][];
    for (const { days, current } of asked) {
      const mine = dayOfRow.flatMap((day, row) => (day >= days.from && day <= days.to ? [row] : []));
      const column = (i: number) =>
        mine.length === dayOfRow.length ? columns[i]! : mine.map((row) => columns[i]![row]!);
      current.rows += mine.length;
      if (mine.length === 0) continue;
      countInto(
        current.score,
        spoken(
          task,
          scores.map((_, i) => column(1 + i) as number[]),
        ),
      );
      features.forEach((name, i) => countInto(current.columns[name]!, column(1 + scores.length + i)));
    }
  }
}

/** What a model's output says of each row, as its profile counts it. */
function spoken(task: TaskSpec, scores: number[][]): ColumnValues {
  if (task.task !== 'multiclass') return scores[0]!;
  return Array.from(mostProbable(fromColumns(scores)), (position) => task.classes[position]!);
}
