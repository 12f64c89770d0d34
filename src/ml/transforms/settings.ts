import { z } from 'zod';

const finite = z.number();
const share = z.number().min(0).max(1);
const categoryText = z.string();

export const DATE_PARTS = [
  'days',
  'year',
  'quarter',
  'month',
  'week',
  'day',
  'weekday',
  'day_of_year',
  'hour',
  'minute',
] as const;
export type DatePart = (typeof DATE_PARTS)[number];

const imputeBy = z.union([
  z.enum(['median', 'mean', 'mode']),
  z.strictObject({ constant: z.union([finite, categoryText]).describe('This value') }),
]);

/**
 * One step of a column's transforms. The steps of a column are taken in order; steps that make several columns of one
 * (`one_hot`, `target` of several classes, `date_parts`) are followed by others on each of them.
 */
export const TransformStep = z.union([
  /** What is missing takes the place of a value: the median, mean or most frequent of train, or a constant. `indicator` adds a column that is 1 where a value was missing, if train has any. */
  z.strictObject({
    impute: z
      .union([
        imputeBy,
        z.strictObject({
          by: imputeBy.describe('The value'),
          indicator: z
            .boolean()
            .default(false)
            .describe('Adds a column that is 1 where a value was missing, if train has any'),
        }),
      ])
      .describe(
        'What is missing takes the place of a value: the median, mean or most frequent (mode) of train, or a constant',
      ),
  }),
  /** Values beyond two quantiles of train, or beyond so many interquartile ranges from its quartiles, are moved to that bound. */
  z.strictObject({
    clip: z
      .union([
        z.strictObject({
          quantiles: z
            .tuple([share, share])
            .refine(([low, high]) => low < high, 'expected the lower quantile first')
            .describe('Between two quantiles of train'),
        }),
        z.strictObject({
          iqr: z
            .number()
            .gt(0)
            .max(1_000)
            .describe(
              'So many interquartile ranges from the quartiles of train; a column whose quartiles are equal is left as it is',
            ),
        }),
      ])
      .describe('Values beyond are moved to the bound'),
  }),
  /** `standard`: mean 0, deviation 1; `minmax`: train from 0 to 1; `robust`: median 0, interquartile range 1. */
  z.strictObject({
    scale: z
      .enum(['standard', 'minmax', 'robust'])
      .describe('standard: mean 0, deviation 1; minmax: train from 0 to 1; robust: median 0, interquartile range 1'),
  }),
  /** The natural logarithm of 1 + x, and of negative numbers with the sign turned twice. */
  z.strictObject({
    log: z.literal(true).describe('The natural logarithm of 1 + x, and of negative numbers with the sign turned twice'),
  }),
  /**
   * A column per value. Values with fewer rows of train than `min_frequency` (a number of rows, or below 1 a share), and
   * the rarest where there would be more than `max_categories` columns, share one, which values that train has not seen
   * join. Without it they are 0 in every column. Missing is a value of its own if train has any. `drop` leaves out the
   * first of two columns, which would mirror the second.
   */
  z.strictObject({
    one_hot: z
      .strictObject({
        max_categories: z
          .int()
          .min(1)
          .max(10_000)
          .optional()
          .meta({ description: 'Columns at most: the rarest values share one', otherwise: 'as many as there are' }),
        min_frequency: z
          .number()
          .gt(0)
          .max(1_000_000_000)
          .refine(
            (value) => value < 1 || Number.isInteger(value),
            'expected a whole number of rows, or a share below 1',
          )
          .optional()
          .meta({
            description: 'Rows of train, or below 1 the share of them, below which values share a column',
            otherwise: 'every value has a column',
          }),
        drop: z
          .enum(['none', 'if_binary'])
          .default('none')
          .describe('if_binary leaves out the first of two columns, which would mirror the second'),
      })
      .describe('A column per value; rare values share one, which values that train has not seen join'),
  }),
  /** The position of the value in a list, 0, 1, ...; without a list, in the sorted values of train. Others are missing. */
  z.strictObject({
    ordinal: z
      .strictObject({
        categories: z
          .array(categoryText)
          .min(1)
          .refine((values) => new Set(values).size === values.length, 'expected every value once')
          .optional()
          .meta({ description: 'The list', otherwise: 'the sorted values of train' }),
      })
      .describe('The position of the value in a list, 0, 1, ...; others are missing'),
  }),
  /** The value goes to the estimator as it is, which splits by sets of values; values that train has not seen are missing. */
  z.strictObject({
    categorical: z
      .strictObject({})
      .describe(
        'Goes to the estimator as it is, which splits by sets of values; values that train has not seen are missing. For xgboost and lightgbm alone, and the last step',
      ),
  }),
  /**
   * The mean label of the value's rows, drawn towards the mean of all the less the rows say (`smooth`: `auto`, or so many
   * rows' worth). Rows of train get it from the folds that they are not in, which keep groups whole under a split by group. One
   * column; one per class of several.
   */
  z.strictObject({
    target: z
      .strictObject({
        smooth: z
          .union([z.literal('auto'), z.number().min(0).max(1_000_000_000)])
          .default('auto')
          .describe("auto, or so many rows' worth of the mean of all"),
        folds: z
          .int()
          .min(2)
          .max(100)
          .default(5)
          .describe('Folds of train; under a split by group as many as there are groups, at most'),
        seed: z
          .int()
          .min(0)
          .max(2 ** 32 - 1)
          .default(0)
          .describe('Seed of the folds, which are by chance unless the split is by group'),
      })
      .describe(
        'The mean label of the rows of the value, drawn towards the mean of all the less the rows say; rows of train get it from the folds that they are not in. Under a split by group these keep every group whole',
      ),
  }),
  /** Numbers of the calendar, in UTC: `weekday` is 1 (Monday) to 7, `week` that of ISO 8601, `days` counts from 1970-01-01. */
  z.strictObject({
    date_parts: z
      .array(z.enum(DATE_PARTS))
      .min(1)
      .refine((parts) => new Set(parts).size === parts.length, 'expected every part once')
      .describe(
        'Numbers of the calendar, in UTC: weekday is 1 (Monday) to 7, week that of ISO 8601, days counts from 1970-01-01',
      ),
  }),
]);
export type TransformStep = z.infer<typeof TransformStep>;

/** Every column of a kind that no other rule names. */
export const COLUMN_KINDS = ['numbers', 'categories', 'dates'] as const;

/** Steps of some columns: of those that are named, or of a kind. */
const TransformRule = z.strictObject({
  columns: z
    .union([z.array(z.string().min(1)).min(1), z.enum(COLUMN_KINDS)])
    .describe('Names of columns, or every column of a kind that no other rule names'),
  steps: z
    .array(TransformStep)
    .refine(
      (steps) => steps.slice(0, -1).every((step) => !('categorical' in step)),
      'expected "categorical" as the last step',
    )
    .describe('Steps that are taken in order'),
});

/** How a model's columns are made of a table's. A column that no rule is for has the steps of `defaultTransforms`. */
export const TransformSettings = z.array(TransformRule).superRefine((rules, context) => {
  const seen = new Set<string>();
  rules.forEach(({ columns }, i) => {
    const names =
      typeof columns === 'string' ? [`every column of ${columns}`] : columns.map((name) => JSON.stringify(name));
    const twice = names.find((name) => seen.size === seen.add(name).size);
    if (twice !== undefined)
      context.addIssue({
        code: 'custom',
        path: [i, 'columns'],
        message: `expected one rule for each column, got a second for ${twice}`,
      });
  });
});
export type TransformSettings = z.infer<typeof TransformSettings>;
