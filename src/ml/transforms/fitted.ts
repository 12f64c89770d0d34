import { z } from 'zod';
import { DATE_PARTS } from './settings.js';

const category = z.string().nullable();
const smooth = z.union([z.literal('auto'), z.number()]);

/** A step with what it learned; numbers are in double precision. */
export const FittedStep = z.union([
  z.strictObject({
    impute: z.union([
      z.strictObject({ value: z.string(), indicator: z.boolean() }),
      z.array(z.strictObject({ value: z.number(), indicator: z.boolean() })),
    ]),
  }),
  /** Lower and upper bound; null for a column that stays as it is. */
  z.strictObject({ clip: z.array(z.tuple([z.number(), z.number()]).nullable()) }),
  z.strictObject({ scale: z.array(z.strictObject({ center: z.number(), scale: z.number() })) }),
  z.strictObject({ log: z.literal(true) }),
  /** Categories with a column each, null for missing, and those that share one, if any do. */
  z.strictObject({
    one_hot: z.strictObject({
      categories: z.array(category),
      rare: z.array(category).nullable(),
      drop_first: z.boolean(),
    }),
  }),
  z.strictObject({ ordinal: z.strictObject({ categories: z.array(z.string()) }) }),
  z.strictObject({ categorical: z.strictObject({ categories: z.array(z.string()) }) }),
  z.strictObject({
    target: z.strictObject({
      smooth,
      folds: z.int(),
      seed: z.int(),
      categories: z.array(category),
      /** The encoding of each category, in their order, for each class that has a column. */
      classes: z.array(z.strictObject({ suffix: z.string(), mean: z.number(), values: z.array(z.number()) })),
    }),
  }),
  z.strictObject({ date_parts: z.array(z.enum(DATE_PARTS)) }),
]);
export type FittedStep = z.infer<typeof FittedStep>;

/** A column of the table, its steps, and the model's columns that it becomes. */
export const FittedColumn = z.strictObject({
  column: z.string(),
  kind: z.enum(['number', 'category', 'date']),
  steps: z.array(FittedStep),
  outputs: z.array(z.string()),
});
export type FittedColumn = z.infer<typeof FittedColumn>;

/** Transforms as they were fitted to the training rows: all that is needed to make a model's columns of any rows. */
export const FittedTransforms = z.strictObject({ columns: z.array(FittedColumn) });
export type FittedTransforms = z.infer<typeof FittedTransforms>;
