import { z } from 'zod';
import type { ConfigRef, ObjectRef, RunRef } from './common.js';
import { METRICS, type MetricName, type TaskMetrics } from './metrics.js';
import { OBJECTIVES, type TaskSpec } from './task.js';
import {
  SPLITS,
  type CandidateResult,
  type ChosenThreshold,
  type Params,
  type SplitMetrics,
  type VersionRef,
} from './training.js';

/**
 * Schemas of what crosses process boundaries and is stored as well. `index.ts` leaves them out: workflows import it, and
 * their bundles hold no schema library.
 */
export const objectRef: z.ZodType<ObjectRef> = z.strictObject({ uri: z.string(), checksum: z.string() });

export const configRef: z.ZodType<ConfigRef> = z.strictObject({
  uri: z.string(),
  checksum: z.string(),
  source: z.string(),
});

export const runRef: z.ZodType<RunRef> = z.strictObject({
  workflowId: z.string(),
  runId: z.string(),
  startedAt: z.string(),
  config: configRef.optional(),
});

const versionRefShape = { algorithm: z.string(), version: z.string() };
export const versionRef: z.ZodType<VersionRef> = z.strictObject(versionRefShape);

export const taskSpec: z.ZodType<TaskSpec> = z.discriminatedUnion('task', [
  z.strictObject({ task: z.literal('binary'), classes: z.tuple([z.string(), z.string()]) }),
  z.strictObject({ task: z.literal('multiclass'), classes: z.array(z.string()) }),
  z.strictObject({ task: z.literal('regression'), objective: z.enum(OBJECTIVES) }),
]);

const metric = z.number().nullable();
/** A metric that this release doesn't have is a number all the same. */
export const taskMetrics: z.ZodType<TaskMetrics> = z
  .object({
    ...(Object.fromEntries(Object.keys(METRICS).map((name) => [name, metric.optional()])) as Record<
      MetricName,
      z.ZodOptional<typeof metric>
    >),
    confusion_matrix: z.array(z.array(z.number())).optional(),
    intervals: z.record(z.string(), z.tuple([z.number(), z.number()]).nullable()).optional(),
    threshold: z.number().optional(),
    n: z.number(),
  })
  .catchall(metric);

export const splitName = z.enum(SPLITS);

export const chosenThreshold: z.ZodType<ChosenThreshold> = z.strictObject({
  value: z.number(),
  rule: z.string().optional(),
  split: splitName.optional(),
  met: z.boolean().optional(),
});

/** Metrics per split. */
export const splitMetrics: z.ZodType<SplitMetrics> = z.partialRecord(splitName, taskMetrics);
/** The same, where they stand among others. */
export const splitMetricsShape = {
  train: taskMetrics.optional(),
  validation: taskMetrics.optional(),
  test: taskMetrics.optional(),
  oot: taskMetrics.optional(),
} satisfies Record<(typeof SPLITS)[number], z.ZodType>;

export const params: z.ZodType<Params> = z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()]));

export const candidateResult: z.ZodType<CandidateResult> = z.strictObject({
  index: z.number(),
  params,
  scores: z.array(z.number()),
  seconds: z.number(),
  dropped: z.string().optional(),
});
