import { z } from 'zod';
import {
  METRICS,
  PERIOD_UNITS,
  type MetricName,
  type PeriodRecord,
  type RetrainingTracker,
} from '../contracts/index.js';
import { taskMetrics, versionRef } from '../contracts/schemas.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** What each period of a pipeline came to, in order. */
export const TIMELINE = 'model_registry/timeline.json';
/** The last retraining among them. */
export const RETRAINING = 'model_registry/retraining.json';

const period = z.strictObject({ from: z.string(), to: z.string() });

const evaluation = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('measured'),
    period,
    model: versionRef,
    rows: z.number(),
    metric: z.enum(Object.keys(METRICS) as [MetricName, ...MetricName[]]),
    value: z.number().nullable(),
    metrics: taskMetrics,
    rows_not_measured: z.string().optional(),
  }),
  z.strictObject({ status: z.literal('skipped'), reason: z.string() }),
]);

const periodRecord: z.ZodType<PeriodRecord> = z.strictObject({
  from: z.string(),
  to: z.string(),
  outcome: z.enum(['trained', 'predicted', 'skipped']),
  evaluation,
  decision: z.strictObject({
    retrain: z.boolean(),
    because: z.enum(['initial', 'age', 'metric', 'not_enough_data', 'none']),
    reason: z.string(),
  }),
  training: z
    .strictObject({
      model: versionRef,
      metric: z.string(),
      score: z.number().nullable(),
      promoted: z.boolean(),
      reason: z.string(),
      left_out: z.record(z.string(), z.string()).optional(),
    })
    .nullable(),
  model: versionRef.nullable(),
  rows: z.number(),
});

const timelineDocument = document({
  name: 'timeline of a pipeline',
  schema: z.strictObject({ by: z.enum(PERIOD_UNITS), periods: z.array(periodRecord) }),
});
export type Timeline = DocumentOf<typeof timelineDocument>;

const tracker: z.ZodType<RetrainingTracker> = z.strictObject({
  last_retraining_date: z.string(),
  model_name: z.string(),
  model_version: z.string(),
  model_type: z.string(),
  metric: z.string(),
  score: z.number().nullable(),
  macro_f1_score: z.number().nullable(),
  registration_date: z.string(),
});
const trackerDocument = document({
  name: 'last retraining of a pipeline',
  schema: z.strictObject({ last: tracker.nullable() }),
});

const REPAIR = 'delete it, and run the backfill again from its first day';

/** `undefined` where no period was ever run. */
export function readTimeline(registry: ObjectStore): Promise<Timeline | undefined> {
  return timelineDocument.read(registry, TIMELINE, REPAIR);
}

/** Takes down what a period came to, in the place of what is there of the same days. */
export async function recordInTimeline(
  registry: ObjectStore,
  by: Timeline['by'],
  record: PeriodRecord,
): Promise<Timeline> {
  return (await timelineDocument.update(
    registry,
    TIMELINE,
    (present) => ({
      by: present?.by ?? by,
      periods: [...(present?.periods ?? []).filter(({ from }) => from !== record.from), record].sort((a, b) =>
        a.from < b.from ? -1 : 1,
      ),
    }),
    REPAIR,
  ))!;
}

/** Takes periods out, which are to be run again. */
export async function dropFromTimeline(registry: ObjectStore, days: Set<string>): Promise<Timeline | undefined> {
  return timelineDocument.update(
    registry,
    TIMELINE,
    (present) => present && { ...present, periods: present.periods.filter(({ from }) => !days.has(from)) },
    REPAIR,
  );
}

/** The last retraining; `undefined` where none is recorded. */
export async function readTracker(registry: ObjectStore): Promise<RetrainingTracker | undefined> {
  return (await trackerDocument.read(registry, RETRAINING, 'delete it: it counts as long ago then'))?.last ?? undefined;
}

export async function writeTracker(registry: ObjectStore, last: RetrainingTracker | null): Promise<void> {
  await trackerDocument.write(registry, RETRAINING, { last });
}
