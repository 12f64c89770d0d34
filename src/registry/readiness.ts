import { z } from 'zod';
import { countOf } from '../contracts/counts.js';
import type { ModelTest } from '../contracts/index.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';

const modelTest: z.ZodType<ModelTest> = z.strictObject({
  test: z.string(),
  expected: z.string(),
  actual: z.number().nullable(),
  passed: z.boolean(),
  detail: z.string().optional(),
});

/** `readiness.json` of a version: what the model tests measured of it last. Versions of earlier releases have none. */
export const versionReadiness = document({
  name: 'readiness of a version',
  schema: z.strictObject({
    /** ISO 8601 instant. */
    tested_at: z.string(),
    /** What tested it: the workflow, or the command. */
    by: z.strictObject({ workflow_id: z.string(), run_id: z.string() }),
    /** vCPUs and GiB of the process that tested it, e.g. `1x2`. */
    resources: z.string(),
    passed: z.boolean(),
    tests: z.array(modelTest),
  }),
});
export type VersionReadiness = DocumentOf<typeof versionReadiness>;

/** What is done about a damaged one. */
export const TEST_AGAIN = 'delete it and test again with "perdure models test"';

/** When and with what a version was measured, e.g. `2026-11-27T18:48:55.867Z with 1 vCPU and 2 GiB`. */
export function measuredWith({ tested_at, resources }: VersionReadiness): string {
  const [cpus, gibibytes] = resources.split('x').map(Number) as [number, number];
  return `${tested_at} with ${countOf(cpus, 'vCPU')} and ${Number(gibibytes.toFixed(1))} GiB`;
}
