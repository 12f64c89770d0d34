import { join } from 'node:path';
import { z } from 'zod';
import type { Pipeline } from '../../config/load.js';
import type { ObjectStore } from '../../platform/storage/objectStore.js';
import { literal, type Database } from '../duckdb.js';
import type { PartitionEntry } from '../layers.js';
import type { Evaluation, Evaluator } from './evaluate.js';
import { document, type DocumentOf } from '../../platform/storage/documents.js';
import { DIMENSIONS } from '../../validation/checks.js';
import { SEVERITIES } from '../../config/expectations.js';

/** What came of one expectation, in the shape of Great Expectations; `rule` and `dimension` are added. */
const expectationResult = z.strictObject({
  rule: z.string(),
  dimension: z.enum(DIMENSIONS),
  severity: z.enum(SEVERITIES),
  success: z.boolean(),
  expectation_config: z.strictObject({
    type: z.string(),
    kwargs: z.record(z.string(), z.unknown()),
    meta: z.record(z.string(), z.unknown()).optional(),
  }),
  /** Of rows: counts, and the first values that break it. Of a table: `observed_value`. Percentages are of 100. */
  result: z.strictObject({
    element_count: z.number().optional(),
    unexpected_count: z.number().optional(),
    unexpected_percent: z.number().nullable().optional(),
    partial_unexpected_list: z.array(z.unknown()).optional(),
    partial_unexpected_counts: z.array(z.strictObject({ value: z.unknown(), count: z.number() })).optional(),
    missing_count: z.number().optional(),
    missing_percent: z.number().nullable().optional(),
    unexpected_percent_total: z.number().nullable().optional(),
    unexpected_percent_nonmissing: z.number().nullable().optional(),
    observed_value: z.unknown().optional(),
  }),
});
export type ExpectationResult = z.infer<typeof expectationResult>;

/** `validation/<partition>.json`: what came of all expectations of a partition of silver, when it was last made. */
export const validationResult = document({
  name: 'validation of a partition',
  schema: z.strictObject({
    success: z.boolean(),
    /** Share of the expectations that are met, 0 to 1; `null` where none was evaluated. */
    quality_score: z.number().nullable(),
    statistics: z.strictObject({
      evaluated_expectations: z.number(),
      successful_expectations: z.number(),
      unsuccessful_expectations: z.number(),
      success_percent: z.number().nullable(),
    }),
    results: z.array(expectationResult),
    meta: z.strictObject({ partition: z.string(), suite: z.string().optional() }),
    /** Rows that break an expectation; absent where none does. */
    quarantine: z.strictObject({ key: z.string(), checksum: z.string(), rows: z.number() }).optional(),
  }),
});
export type ValidationResult = DocumentOf<typeof validationResult>;

/** Where all of it lies in the datamart. */
export const VALIDATION_FOLDER = 'validation/';

export function validationKey(partition: string): string {
  return `${VALIDATION_FOLDER}${partition}.json`;
}

/** Parquet of a partition's rows that break an expectation. */
export function quarantineKey(partition: string): string {
  return `${VALIDATION_FOLDER}${partition}.quarantine.parquet`;
}

/**
 * Tells whether what was kept of a partition's expectations is there: its results, and the rows that break one. Whoever
 * reads them tells whether they are as they were written.
 */
export async function keptResults(
  datamart: ObjectStore,
): Promise<(partition: string, entry: Pick<PartitionEntry, 'validation'>) => boolean> {
  const keys = new Set<string>();
  for await (const { key } of datamart.list(VALIDATION_FOLDER)) keys.add(key);
  return (partition, { validation }) => {
    if (!validation || validation.evaluated === 0) return true;
    return keys.has(validationKey(partition)) && (!validation.quarantined || keys.has(quarantineKey(partition)));
  };
}

/** The share of expectations that are met; `null` of none. */
export function scoreOf(met: number, evaluated: number): number | null {
  return evaluated === 0 ? null : met / evaluated;
}

/**
 * Keeps what came of a partition's expectations, and the rows that break one. Of a pipeline that expects nothing, nothing
 * is kept.
 *
 * @param folder for the file on its way
 */
export async function writeResult(
  datamart: ObjectStore,
  { expectations }: Pipeline,
  partition: string,
  folder: string,
  { database, evaluator, evaluation }: { database: Database; evaluator: Evaluator; evaluation: Evaluation },
): Promise<ValidationResult> {
  const { results, quarantined } = evaluation;
  const met = results.filter(({ success }) => success).length;
  const score = scoreOf(met, results.length);
  const suite = expectations.name ?? expectations.expectation_suite_name;
  const result: ValidationResult = {
    success: met === results.length,
    quality_score: score,
    statistics: {
      evaluated_expectations: results.length,
      successful_expectations: met,
      unsuccessful_expectations: results.length - met,
      success_percent: score === null ? null : score * 100,
    },
    results,
    meta: { partition, ...(suite !== undefined && { suite }) },
  };
  if (results.length === 0) return result;
  if (quarantined > 0) {
    const path = join(folder, `${partition}.quarantine.parquet`);
    await database.run(`COPY (${evaluator.quarantineSql()}) TO ${literal(path)} (FORMAT parquet)`);
    const key = quarantineKey(partition);
    const { checksum } = await datamart.upload(path, key);
    result.quarantine = { key, checksum, rows: quarantined };
  }
  await validationResult.write(datamart, validationKey(partition), result);
  return result;
}
