import { z } from 'zod';
import type { SliceMetrics, SplitName } from '../contracts/index.js';
import { splitName, taskMetrics } from '../contracts/schemas.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';

/** `slices.json` of a version: its metrics on the rows of each value of some columns. */
export const versionSlices = document({
  name: 'metrics per slice of a version',
  schema: z.strictObject({
    /** Rows of a slice below which nothing is measured. */
    min_rows: z.number(),
    splits: z.partialRecord(
      splitName,
      z.array(
        z.strictObject({ column: z.string(), value: z.string(), rows: z.number(), metrics: taskMetrics.nullable() }),
      ),
    ),
    /** Why nothing was measured, in a sentence. */
    not_measured: z.string().optional(),
  }),
});
export type VersionSlices = DocumentOf<typeof versionSlices>;

export function slicesOf(slices: VersionSlices | undefined, split: SplitName): SliceMetrics[] {
  return slices?.splits[split] ?? [];
}

/** E.g. `Contract = Two year`. */
export function sliceName({ column, value }: Pick<SliceMetrics, 'column' | 'value'>): string {
  return `${column} = ${value}`;
}
