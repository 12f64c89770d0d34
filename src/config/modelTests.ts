import { z } from 'zod';
import { NAME, NAME_IN_WORDS } from '../contracts/index.js';
import { ColumnName } from './columns.js';

/** A value of a feature; `null` where it is missing. Dates are ISO 8601. */
const value = z.union([z.number(), z.string(), z.boolean(), z.null()]);

const shared = {
  name: z.string().regex(NAME, NAME_IN_WORDS).describe('What the test is called in results'),
  class: z.string().optional().meta({
    description: 'Of several classes the one whose probability is looked at',
    otherwise: 'the probability of the positive class, or the value of a regression',
  }),
  mostly: z.number().min(0).max(1).default(1).describe('Share of the rows for which it has to hold'),
};

/** How a column is changed. */
const change = z.union([
  z.strictObject({ set: value.describe('The value that it gets') }),
  z.strictObject({ add: z.number().describe('What is added to its number') }),
  z.strictObject({ multiply: z.number().describe('What its number is multiplied by') }),
]);
export type ColumnChange = z.infer<typeof change>;

/** Rows of which anybody knows what a model has to say. */
const minimumFunctionality = z
  .strictObject({
    type: z.literal('minimum_functionality').describe('Rows of which anybody knows what has to be said of them'),
    ...shared,
    rows: z
      .array(z.record(ColumnName, value))
      .min(1)
      .max(1_000)
      .describe('Features by their names; those that a row leaves out are missing'),
    min: z.number().optional().meta({ description: 'Least probability, or value', otherwise: 'any' }),
    max: z.number().optional().meta({ description: 'Largest probability, or value', otherwise: 'any' }),
    label: z.string().optional().meta({ description: 'The class that is predicted', otherwise: 'any' }),
  })
  .refine(
    ({ min, max, label }) => min !== undefined || max !== undefined || label !== undefined,
    'expected "min", "max" or "label", as the test says nothing without one',
  );

/** A change that should make no difference. */
const invariance = z.strictObject({
  type: z.literal('invariance').describe('A change that should make no difference'),
  ...shared,
  column: ColumnName.describe('The column that is changed'),
  values: z.array(value).min(1).max(100).describe('What it becomes, one after the other'),
  tolerance: z.number().min(0).default(0.05).describe('How far what is predicted may move'),
});

/** A change that should move what is predicted one way, if at all. */
const directional = z.strictObject({
  type: z.literal('directional').describe('A change that should move the prediction one way, if at all'),
  ...shared,
  change: z
    .record(ColumnName, change)
    .refine((columns) => Object.keys(columns).length > 0, 'expected one column at least')
    .describe('The columns that are changed, and how'),
  expect: z.enum(['increase', 'decrease']).describe('Where what is predicted may move'),
  tolerance: z.number().min(0).default(0).describe('How far it may move the other way'),
});

/**
 * `model_tests.json`: what a new version of a pipeline's model has to know before it goes to staging, as behavioural tests
 * in the terms of CheckList (Ribeiro et al., 2020): minimum functionality on rows that are given; invariance and
 * directional expectations on rows of the split that chooses the champion.
 */
export const BehaviouralTests = z
  .strictObject({
    $schema: z.string().optional().meta({ description: 'Address of this schema, for editors', isSetting: false }),
    tests: z
      .array(z.union([minimumFunctionality, invariance, directional]))
      .max(100)
      .describe('Each with its type: minimum_functionality, invariance or directional'),
  })
  .superRefine(({ tests }, context) => {
    const names = tests.map(({ name }) => name);
    names.forEach((name, i) => {
      if (names.indexOf(name) < i)
        context.addIssue({
          code: 'custom',
          path: ['tests', i, 'name'],
          message: `expected a name of its own for each test, got ${JSON.stringify(name)} twice`,
        });
    });
  });
export type BehaviouralTests = z.infer<typeof BehaviouralTests>;
export type BehaviouralTest = BehaviouralTests['tests'][number];
