import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { ConceptDrift, PerformanceBatch, PerformanceDetails, TaskMetrics, TaskSpec } from '../contracts/index.js';
import { identifier, readParquetSql, type Database } from '../data/duckdb.js';
import { labelReader, labelSql, lastLabelledDay, type RawLabel } from '../data/labels.js';
import { labelStoreFiles } from '../data/layers.js';
import { countArrivals, ofDaysSql, scoreColumns, SCORED_ROWS, type ScoredDays } from '../data/scoredRows.js';
import { keyDigestSql } from '../data/trainedRows.js';
import { rowsAt, type ModelOutput } from '../ml/modelOutput.js';
import { taskOf } from '../ml/tasks/task.js';
import { Adwin } from '../monitoring/adwin.js';
import { assessEstimate, PerformanceEstimator } from '../monitoring/cbpe.js';
import { breachedBatches, measureBatch, planBatches, type LabelledBatch } from '../monitoring/batches.js';
import type { PerformanceSettings } from '../monitoring/performance.js';
import type { Stores } from '../platform/storage/objectStore.js';

/** What the batches are held against. */
export interface BatchSettings {
  task: TaskSpec;
  asOf: string;
  threshold: number;
  /** Of the split that performance is told of. */
  baseline: TaskMetrics | undefined;
  performance: PerformanceSettings;
  /** What the version said of held-out rows, by which estimates go; `undefined` where it kept nothing. */
  reference: { labels: Float64Array; output: ModelOutput } | undefined;
}

/** The scored rows of a batch, day after day. */
interface BatchRows {
  days: string[];
  /** `undefined` where the label isn't known yet, or is none of the task's. */
  labels: (number | undefined)[];
  values: Float64Array;
}

/**
 * How the model did on the rows of {@link SCORED_ROWS}, batch by batch, by their labels and by its probabilities alone, and
 * whether its errors changed on the way. A batch's rows are read by themselves, so that memory is of one batch.
 */
export async function performanceBatches(
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  settings: BatchSettings,
): Promise<Pick<PerformanceDetails, 'batches' | 'concept_drift' | 'estimate'>> {
  const { task, threshold, baseline, performance, reference } = settings;
  const { alpha, min_samples_for_metrics: least, estimated_drop } = pipeline.config.monitoring_config;
  const days = await countArrivals(database, `SELECT * FROM ${SCORED_ROWS}`);
  const read = await batchReader(database, pipeline, stores, settings, days);
  const errors = new ErrorStream(taskOf(task).errorScale(baseline));
  const width = taskOf(task).width;
  const watched = performance.performance_metric;
  const estimator =
    reference && baseline && PerformanceEstimator.of(task, reference.labels, reference.output, threshold);
  const metrics = [...new Set([watched, ...(estimator?.metrics ?? [])])];

  const batches: PerformanceBatch[] = [];
  const measured: (LabelledBatch | undefined)[] = [];
  for (const batch of planBatches(days, least)) {
    const { days, labels, values } = await read(batch);
    const known = labels.flatMap((label, row) => (label === undefined ? [] : [row]));
    const ofKnown = {
      labels: Float64Array.from(known, (row) => labels[row]!),
      output: rowsAt({ values, width }, known),
    };
    if (known.length > 0) {
      const wrong = taskOf(task).rowErrors(ofKnown.labels, ofKnown.output, threshold);
      known.forEach((row, i) => errors.take(wrong[i]!, days[row]!));
    }
    const found =
      known.length < least
        ? undefined
        : measureBatch(task, ofKnown.labels, ofKnown.output, { metrics, threshold, baseline, settings: performance });
    measured.push(found);
    const isEstimated = estimator !== undefined && batch.rows >= least;
    batches.push({
      ...batch,
      labelled: known.length,
      ...(isEstimated && { estimated: estimator.estimate({ values, width }) }),
      ...(found && { measured: found.measured }),
    });
  }
  const breached = breachedBatches(measured, alpha);
  const concept = errors.drift();
  const newest = batches.at(-1);
  // A metric that probabilities don't tell is stood for by the first that they do.
  const metric = estimator?.metrics.includes(watched) ? watched : estimator?.metrics[0];
  const estimated =
    newest?.estimated &&
    baseline &&
    metric &&
    assessEstimate(baseline, newest.estimated, metric, newest.rows, performance);
  const isAlarm = estimated?.breached && estimated_drop === 'alarm' && !newest!.measured;
  return {
    batches: batches.map((batch, i) => {
      const drop = measured[i]?.drop;
      return drop ? { ...batch, p_value: drop.p_value, breached: breached[i]! } : batch;
    }),
    ...(concept && { concept_drift: concept }),
    ...(estimated && {
      estimate: { from: newest.from, to: newest.to, ...estimated, ...(isAlarm && { alarm: true as const }) },
    }),
  };
}

/** Reads the rows of some days, with their labels as far as they are known and mature. */
async function batchReader(
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  { task, asOf }: BatchSettings,
  days: { day: string }[],
): Promise<(days: ScoredDays) => Promise<BatchRows>> {
  const keys = pipeline.definition.keys.map(identifier).join(', ');
  const mature = lastLabelledDay(pipeline, asOf);
  const files = days.length === 0 ? [] : await labelStoreFiles(stores, { from: days[0]!.day, to: days.at(-1)!.day });
  const table = files.length === 0 ? undefined : readParquetSql(files.map(({ path }) => path));
  const label = table === undefined ? 'NULL' : await labelSql(database, pipeline, table, INTERNAL.labels);
  const join = table === undefined ? '' : `LEFT JOIN ${table} AS ${INTERNAL.labels} USING (${keys})`;
  const readLabel = labelReader(pipeline, task);
  const scores = scoreColumns(task);
  // Keys often follow what is predicted, as numbers of the rows of a sorted file do: a detector of changes over time would
  // find one between two halves of a day.
  const byChance = keyDigestSql(pipeline.definition.keys, SCORED_ROWS);
  return async (asked) => {
    const rows: { days: string[]; labels: BatchRows['labels']; values: number[] } = {
      days: [],
      labels: [],
      values: [],
    };
    const chunks = database.chunks(`
      SELECT CAST(${SCORED_ROWS}.${INTERNAL.day} AS VARCHAR), ${label}, ${scores.join(', ')} FROM ${SCORED_ROWS} ${join}
      WHERE ${ofDaysSql(asked)} ORDER BY ${SCORED_ROWS}.${INTERNAL.day}, ${byChance}, ${keys}`);
    for await (const chunk of chunks) {
      const ofDay = chunk.getColumnValues(0) as string[];
      const raw = chunk.getColumnValues(1) as RawLabel[];
      const said = scores.map((_, i) => chunk.getColumnValues(i + 2) as number[]);
      ofDay.forEach((day, row) => {
        rows.days.push(day);
        rows.labels.push(day <= mature ? (readLabel(raw[row]!) ?? undefined) : undefined);
        for (const column of said) rows.values.push(column[row]!);
      });
    }
    return { ...rows, values: Float64Array.from(rows.values) };
  };
}

/** The errors of labelled rows, in order, before a detector of changes. */
class ErrorStream {
  private readonly detector = new Adwin();
  private readonly changes: ConceptDrift['changes'] = [];
  private rows = 0;

  /** @param scale what counts as an error of 1; `null` where that is not known */
  constructor(private readonly scale: number | null) {}

  take(error: number, day: string): void {
    if (this.scale === null) return;
    this.rows++;
    const before = this.detector.mean;
    if (!this.detector.update(Math.min(error / this.scale, 1))) return;
    const [error_before, error_after] = [before * this.scale, this.detector.mean * this.scale];
    this.changes.push({ day, rows: this.rows, error_before, error_after });
  }

  drift(): ConceptDrift | undefined {
    return this.rows === 0
      ? undefined
      : { detector: 'adwin', rows: this.rows, changes: this.changes.slice(-MOST_CHANGES) };
  }
}

/** Changes that a report keeps: the newest. */
const MOST_CHANGES = 20;
