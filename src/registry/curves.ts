import { z } from 'zod';
import { splitName } from '../contracts/schemas.js';
import { curvesShape } from '../ml/metrics/curves.js';
import { document } from '../platform/storage/documents.js';

const explanation = z.union([
  z.strictObject({
    split: splitName,
    /** How many of the split's rows were explained. */
    rows: z.number(),
    /** Mean absolute SHAP value of each of the model's columns, the largest first; of several classes their sum. */
    importance: z.array(z.strictObject({ feature: z.string(), mean_abs_shap: z.number() })),
    /**
     * Of the most important columns each explained row: its SHAP value, and where its value stands among those of the
     * rows, 0 the smallest and 1 the largest, `null` where it is missing. Absent for several classes.
     */
    swarm: z
      .array(z.strictObject({ feature: z.string(), points: z.array(z.tuple([z.number(), z.number().nullable()])) }))
      .optional(),
  }),
  z.strictObject({ not_explained: z.string() }),
]);
export type Explanation = z.infer<typeof explanation>;

/** `curves.json` of a version: what its report draws of the splits that evaluate, and of what decides its predictions. */
export const versionCurves = document({
  name: 'curves of a version',
  schema: z.strictObject({
    splits: z.partialRecord(splitName, z.strictObject(curvesShape)),
    explanation,
  }),
});
