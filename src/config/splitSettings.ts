import { z } from 'zod';
import { ColumnName } from './columns.js';
import { SPLITS, type SplitName } from '../contracts/index.js';

/** Splits that evaluate. */
export const EVALUATION_SPLITS = ['validation', 'test', 'oot'] as const satisfies readonly SplitName[];

const date = z.iso.date('a date such as 2013-09-01');
const length = z
  .string()
  .regex(/^[1-9][0-9]{0,4} (day|week|month|year)s?$/, 'a length such as "90 days", "12 weeks", "6 months" or "1 year"');
/** Both ends included. */
const evaluationRange = z.strictObject({
  from: date.describe('First day'),
  to: date.optional().meta({ description: 'Last day', otherwise: 'the day before the next split begins' }),
});
const trainRange = z.strictObject({
  from: date.optional().meta({ description: 'First day', otherwise: 'the first that there is' }),
  to: date.optional().meta({ description: 'Last day', otherwise: 'the day before the next split begins' }),
});
const start = z.union([date, length], 'a date such as 2013-09-01 or a length such as "90 days"');
const evaluation = z.union(
  [start, evaluationRange],
  'a first day such as "2013-09-01", a length such as "90 days", or {"from", "to"}',
);
const train = z.union(
  [start, trainRange],
  'a first day such as "2012-01-01", a length such as "365 days", or {"from", "to"}',
);

/**
 * By the day of a row. Each split is given by its first day (it lasts until the next one begins), by its length, or by
 * both its days; lengths count back from the next split, and those of the last from `asOf`. Train is what comes before,
 * unless it is given.
 */
const time = z
  .strictObject({
    by: z.literal('time').describe('By the day of a row'),
    train: train
      .optional()
      .meta({ description: 'First day, length or range of the training rows', otherwise: 'all before the next split' }),
    validation: evaluation.optional().meta({
      description: 'First day, length or range of the rows that choose the champion',
      otherwise: 'no such split',
    }),
    test: evaluation
      .optional()
      .meta({ description: 'First day, length or range of the rows that test', otherwise: 'no such split' }),
    oot: evaluation.optional().meta({
      description: 'First day, length or range of the rows after them, out of time',
      otherwise: 'no such split',
    }),
    gap: length.optional().meta({
      description:
        'How long a label takes to become known: so many days are left out between train and what follows, and before the day that a run stands at',
      otherwise: 'labels are known at once',
    }),
  })
  .superRefine((settings, context) => {
    const given = EVALUATION_SPLITS.filter((name) => settings[name] !== undefined);
    if (given.length === 0)
      context.addIssue({
        code: 'custom',
        path: ['test'],
        message: 'expected a first day or a length, as a model is evaluated on rows that it did not learn from',
      });
    // What is known without asOf: the days that are written down must not overlap.
    const days = (['train', ...given] as const).flatMap((name) => {
      const { from, to } = daysOf(settings[name]);
      const first = from ?? to;
      return first === undefined ? [] : [{ name, first, last: to ?? first }];
    });
    days.forEach(({ name, first, last }, i) => {
      if (first > last)
        context.addIssue({ code: 'custom', path: [name], message: 'expected "from" on or before "to"' });
      const next = days[i + 1];
      if (next && last >= next.first) {
        context.addIssue({
          code: 'custom',
          path: [next.name],
          message: `expected a first day after ${last}, as ${next.name} comes after ${name} and shares no day with it`,
        });
      }
    });
  });

/** The days that a setting writes down. */
function daysOf(setting: z.infer<typeof train> | undefined): { from?: string; to?: string } {
  if (setting === undefined) return {};
  if (typeof setting === 'object') return setting;
  return /^\d{4}-/.test(setting) ? { from: setting } : {};
}

const share = z.number().gt(0).lt(1);
const shares = {
  validation: share
    .optional()
    .meta({ description: 'Share of the rows that choose the champion', otherwise: 'no such split' }),
  test: share.default(0.2).describe('Share of the rows that test'),
  oot: share
    .optional()
    .meta({ description: 'Share of the rows that are held back beside them', otherwise: 'no such split' }),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0)
    .describe('Another number gives other shares of the rows'),
};

/** By the hash of a row's key, so that a row stays where it is when others come or go. */
const random = z
  .strictObject({
    by: z.literal('random').describe('By the hash of the key: a row stays where it is when others come or go'),
    ...shares,
  })
  .superRefine(checkShares);

/** By the hash of a column's value, so that all rows of a person, a household or a machine stand on one side. */
const group = z
  .strictObject({
    by: z
      .literal('group')
      .describe('By the hash of a column: all rows of a person, a household or a machine stand on one side'),
    column: ColumnName.describe('The column that says which rows belong together'),
    ...shares,
  })
  .superRefine(checkShares);

function checkShares(
  { validation = 0, test, oot = 0 }: { validation?: number | undefined; test: number; oot?: number | undefined },
  context: z.RefinementCtx,
): void {
  if (validation + test + oot >= 1)
    context.addIssue({
      code: 'custom',
      path: ['test'],
      message: 'expected shares of less than 1 in all, as the rest is what a model learns from',
    });
}

const value = z.union([z.string(), z.number(), z.boolean()]);
const values = z.union([value, z.array(value).min(1)]);

const valuesOf = (split: SplitName) =>
  values.optional().meta({
    description: `Values of the column whose rows are ${split}`,
    otherwise: 'the column holds the names of the splits, or there is no such split',
  });

/** By what a column says. Without values, it says the names of the splits. */
const column = z
  .strictObject({
    by: z.literal('column').describe('By what a column says'),
    column: ColumnName.describe('The column'),
    train: valuesOf('train'),
    validation: valuesOf('validation'),
    test: valuesOf('test'),
    oot: valuesOf('oot'),
  })
  .superRefine((settings, context) => {
    const seen = new Map<string, SplitName>();
    for (const name of SPLITS) {
      for (const value of [settings[name] ?? []].flat()) {
        const other = seen.get(String(value));
        if (other)
          context.addIssue({
            code: 'custom',
            path: [name],
            message: `expected other values than those of ${other}, got ${JSON.stringify(value)} in both`,
          });
        seen.set(String(value), name);
      }
    }
  });

/** Which rows train a model and which evaluate it. */
export const SplitSettings = z.discriminatedUnion('by', [time, random, group, column]);
export type SplitSettings = z.infer<typeof SplitSettings>;
export type TimeSplitSettings = z.infer<typeof time>;
export type HashSplitSettings = z.infer<typeof random> | z.infer<typeof group>;
export type ColumnSplitSettings = z.infer<typeof column>;
