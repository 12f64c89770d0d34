import { z } from 'zod';
import {
  DRIFT_DISTANCES,
  METRICS,
  type DriftResult,
  type MetricName,
  type PerformanceResult,
  type Verdict,
} from '../contracts/index.js';
import { taskMetrics, versionRef } from '../contracts/schemas.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';

const skipped = z.strictObject({ status: z.literal('skipped'), reason: z.string() });
const perFeature = z.record(z.string(), z.number().nullable());

const distances = z
  .strictObject({
    kolmogorov_smirnov: z.strictObject({ statistic: z.number(), p_value: z.number() }).optional(),
    wasserstein: z.strictObject({ distance: z.number(), scaled: z.number() }).optional(),
    jensen_shannon: z.number(),
    chi_square: z.strictObject({ statistic: z.number(), degrees: z.number(), p_value: z.number() }).optional(),
    adjusted_p_value: z.number().optional(),
    significant: z.boolean().optional(),
  })
  .nullable();
const warnings = z.array(
  z.strictObject({
    feature: z.string(),
    of: z.enum(['prediction', 'label']).optional(),
    distance: z.enum(DRIFT_DISTANCES),
    value: z.number(),
    limit: z.number(),
  }),
);

const metricName = z.enum(Object.keys(METRICS) as [MetricName, ...MetricName[]]);
const details = {
  labels: z
    .strictObject({
      rows: z.number(),
      psi: z.number().nullable(),
      expected_psi: z.number().nullable(),
      p_value: z.number().nullable(),
      drifted: z.boolean(),
      distances: distances.optional(),
      warnings: warnings.optional(),
    })
    .optional(),
  batches: z
    .array(
      z.strictObject({
        from: z.string(),
        to: z.string(),
        rows: z.number(),
        labelled: z.number(),
        estimated: z
          .partialRecord(metricName, z.strictObject({ value: z.number(), sampling_error: z.number().nullable() }))
          .optional(),
        measured: z
          .partialRecord(
            metricName,
            z.strictObject({ value: z.number(), interval: z.tuple([z.number(), z.number()]).nullable() }),
          )
          .optional(),
        p_value: z.number().optional(),
        breached: z.boolean().optional(),
      }),
    )
    .optional(),
  estimate: z
    .strictObject({
      from: z.string(),
      to: z.string(),
      rows: z.number(),
      metric: metricName,
      value: z.number(),
      sampling_error: z.number(),
      baseline: z.number(),
      drop: z.number(),
      p_value: z.number(),
      breached: z.boolean(),
      alarm: z.literal(true).optional(),
    })
    .optional(),
  estimate_not_measured: z.string().optional(),
  concept_drift: z
    .strictObject({
      detector: z.literal('adwin'),
      rows: z.number(),
      changes: z.array(
        z.strictObject({ day: z.string(), rows: z.number(), error_before: z.number(), error_after: z.number() }),
      ),
    })
    .optional(),
};

const performance: z.ZodType<PerformanceResult> = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('measured'),
    metrics: taskMetrics,
    baseline: taskMetrics,
    drop: z.number(),
    metric: metricName,
    p_value: z.number(),
    breached: z.boolean(),
    rows_not_measured: z.string().optional(),
    ...details,
  }),
  skipped.extend(details),
]);

const drift: z.ZodType<DriftResult> = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('measured'),
    rows: z.number(),
    looked_at: z
      .strictObject({ rows: z.number(), from: z.string(), older: z.number().optional(), stale: z.number().optional() })
      .optional(),
    trained_rows: z.number().optional(),
    psi: perFeature,
    score_psi: z.number().nullable(),
    expected_psi: perFeature,
    score_expected_psi: z.number().nullable(),
    p_value: perFeature,
    score_p_value: z.number().nullable(),
    adjusted_p_value: perFeature.optional(),
    score_adjusted_p_value: z.number().nullable().optional(),
    drifted_share: z.number().optional(),
    dataset_drifted: z.boolean().optional(),
    missing_rate: z.record(z.string(), z.number()),
    training_missing_rate: z.record(z.string(), z.number()),
    drifted: z.array(z.string()),
    score_drifted: z.boolean(),
    missing: z.array(z.string()),
    arrivals: z
      .array(
        z.strictObject({
          arrival: z.string(),
          rows: z.number(),
          drifted: z.array(z.string()).nullable(),
          score_drifted: z.boolean().nullable(),
          missing: z.array(z.string()).nullable(),
        }),
      )
      .optional(),
    distances: z.record(z.string(), distances).optional(),
    score_distances: distances.optional(),
    warnings: warnings.optional(),
    distributions: z
      .array(
        z.strictObject({
          of: z.enum(['feature', 'score']),
          feature: z.string().optional(),
          groups: z.array(
            z.strictObject({
              above: z.number().optional(),
              to: z.number().optional(),
              category: z.string().optional(),
              others: z.number().optional(),
              reference: z.number(),
              current: z.number(),
            }),
          ),
        }),
      )
      .optional(),
    distances_not_measured: z.string().optional(),
  }),
  skipped,
]);

const verdict: z.ZodType<Verdict> = z.strictObject({
  drift: z.boolean().nullable(),
  performance_drop: z.boolean().nullable(),
  missing: z.boolean().nullable(),
  retrain: z.boolean(),
  no_retraining: z.string().optional(),
  conclusion: z.enum(['ok', 'attention', 'not_measured']),
  not_measured: z.strictObject({ drift: z.string().optional(), performance: z.string().optional() }),
});

/** `report_<day>_<run>.json`, and `latest.json`, a copy of the newest: what monitoring measured and concluded. */
export const monitoringReport = document({
  name: 'monitoring report',
  schema: z.strictObject({
    pipeline: z.string(),
    as_of: z.string(),
    run: z.strictObject({ workflow_id: z.string(), run_id: z.string(), started_at: z.string() }),
    model: versionRef,
    predictions: z.number(),
    verdict,
    severity: z.enum(['moderate', 'severe']).nullable(),
    performance,
    drift,
    /** `monitoring_config`, as the release that wrote it has it. */
    thresholds: z.looseObject({}),
    config_version: z.string().optional(),
    /** How every number is defined. */
    conventions: z.record(z.string(), z.string()),
  }),
});
export type MonitoringReport = DocumentOf<typeof monitoringReport>;

/** Where monitoring keeps a copy of its newest report. */
export const LATEST_REPORT = 'reports/latest.json';
