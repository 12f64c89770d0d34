import { z } from 'zod';
import { METRICS, type MetricName, type PromotionDecision } from '../contracts/index.js';
import { taskMetrics, versionRef } from '../contracts/schemas.js';
import { document } from '../platform/storage/documents.js';

const pair = z.tuple([z.number(), z.number()]);

const aucComparison = z.strictObject({
  auc: pair,
  variance: pair,
  covariance: z.number(),
  difference: z.number(),
  standard_error: z.number(),
  z: z.number().nullable(),
  p: z.number(),
  positives: z.number(),
  negatives: z.number(),
});

const metricComparison = z.strictObject({
  metric: z.enum(Object.keys(METRICS) as [MetricName, ...MetricName[]]),
  a: z.number(),
  b: z.number(),
  difference: z.number(),
  p: z.number(),
  interval: pair,
  method: z.enum(['delong', 'bootstrap']),
});

const decision: z.ZodType<PromotionDecision> = z.strictObject({
  decision: z.enum(['promote', 'hold', 'refuse']),
  reason: z.string(),
  grounds: z.string(),
  challenger: versionRef,
  champion: versionRef.nullable(),
  not_compared: z.string().nullable(),
  rules: z.array(
    z.strictObject({
      rule: z.string(),
      expected: z.string(),
      actual: z.number().nullable(),
      interval: pair.optional(),
      passed: z.boolean(),
    }),
  ),
  not_judged: z.array(z.string()).optional(),
  metrics: z.strictObject({ challenger: taskMetrics, champion: taskMetrics.nullable() }),
  comparison: z.union([aucComparison, metricComparison]).nullable(),
  convention: z.string(),
  left_out: z.record(z.string(), z.string()).optional(),
});

/** `promotion.json` of a version: what the promotion gate decided on it. */
export const promotionDecision = document({ name: 'decision on a version', schema: decision });
