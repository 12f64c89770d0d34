import { z } from 'zod';
import { document } from '../platform/storage/documents.js';

/** `learning_curve.json` of a version: what its training told after each step, such as an epoch. Estimators that tell nothing have none. */
export const learningCurve = document({
  name: 'learning curve of a version',
  schema: z.strictObject({
    steps: z.array(z.strictObject({ step: z.number(), metrics: z.record(z.string(), z.number()) })),
  }),
});
