import { z } from 'zod';
import { DIMENSIONS, type Dimension } from '../validation/checks.js';
import { EXPECTATION_NAMES, EXPECTATION_TYPES, type ExpectationName } from '../validation/expectationTypes.js';
import { isObject, NAME, NAME_IN_WORDS } from '../contracts/index.js';
import { didYouMean } from '../nearestName.js';
import { faultInWords } from './faults.js';

/** What is done about rows that break an expectation, or about a table that does. */
export const SEVERITIES = ['fail', 'warn', 'drop'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Severities of Great Expectations, as ours. */
const THEIR_SEVERITIES = { critical: 'fail', warning: 'warn', info: 'warn' } as const;

/** What a suite may say of how it is run or shown there, which changes no verdict. */
const IGNORED_KWARGS = ['batch_id', 'result_format', 'include_config', 'catch_exceptions', 'auto', 'profiler_config'];

/** What every JavaScript object has (`constructor`) can't be told from a name where things are counted by name. */
const name = z
  .string()
  .regex(NAME, NAME_IN_WORDS)
  .refine((text) => !(text in Object.prototype), 'another name: this one is a property of every JavaScript object');

/** What a file of Great Expectations may say, and changes no verdict. */
const unused = z.unknown().optional().meta({ description: 'Kept for Great Expectations', isSetting: false });

const condition = z.strictObject({
  /** Name under which rows that break it are counted. */
  name,
  /** SQL condition that a good row satisfies. */
  check: z.string().min(1),
  /** `drop` leaves the row out and counts it; `fail` stops the run. */
  on_failure: z.enum(['drop', 'fail']),
});

const written = z.strictObject({
  /** What is expected, by its name in Great Expectations. */
  type: z.string().optional(),
  /** The same, in suites of its first releases. */
  expectation_type: z.string().optional(),
  /** Of which columns, and how much of it. */
  kwargs: z.record(z.string(), z.unknown()).default({}),
  /** `fail` stops the run, `warn` tells of it, `drop` leaves the rows out that break it. */
  severity: z
    .enum([...SEVERITIES, ...(Object.keys(THEIR_SEVERITIES) as (keyof typeof THEIR_SEVERITIES)[])])
    .default('fail'),
  /** `name` is what it is called in results, `dimension` what of the quality it is about. */
  meta: z
    .looseObject({
      name: z.string().min(1).max(200).optional(),
      dimension: z.enum(DIMENSIONS).optional(),
    })
    .nullish(),
  id: unused,
  notes: unused,
  description: unused,
  rendered_content: unused,
  success_on_last_run: unused,
  ge_cloud_id: unused,
  expectation_context: unused,
});

/**
 * `expectations.json`: what is expected of the rows of silver. A suite of Great Expectations is one, of its releases 1.x
 * and 0.x; `silver` has conditions in SQL besides.
 */
export const Expectations = z
  .strictObject({
    $schema: z.string().optional().meta({ description: 'Address of a schema, for editors', isSetting: false }),
    name: z.string().optional().meta({ description: 'Name of the suite, for results', isSetting: false }),
    expectation_suite_name: z
      .string()
      .optional()
      .meta({ description: 'The same, in suites of the first releases', isSetting: false }),
    duplicates: z
      .strictObject({
        name: name.describe('Name under which they are counted'),
        on_failure: z.enum(['drop', 'fail']).describe('drop leaves the row out and counts it; fail stops the run'),
      })
      .optional()
      .meta({
        description: 'Rows whose values in every column of the source an earlier row has already',
        otherwise: 'duplicates are not looked for',
      }),
    silver: z.array(condition).default([]).describe('What every silver row must satisfy, in SQL'),
    expectations: z
      .array(written)
      .default([])
      .describe('What is expected of silver, in the vocabulary of Great Expectations'),
    id: unused,
    notes: unused,
    meta: unused,
    data_asset_type: unused,
    ge_cloud_id: unused,
    evaluation_parameters: unused,
    suite_parameters: unused,
  })
  .superRefine(({ duplicates, silver, expectations }, context) => {
    // Dropped rows are counted by name.
    const names = [...(duplicates ? [duplicates.name] : []), ...silver.map((expectation) => expectation.name)];
    const repeated = names.find((candidate, i) => names.indexOf(candidate) !== i);
    if (repeated !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['silver'],
        message: `expected a name of its own for each expectation, got ${JSON.stringify(repeated)} twice`,
      });
    const given = new Set(names);
    expectations.forEach((expectation, i) => {
      for (const { path, message } of faultsOf(expectation))
        context.addIssue({ code: 'custom', path: ['expectations', i, ...path], message });
      const called = expectation.meta?.name;
      if (called === undefined) return;
      if (given.has(called))
        context.addIssue({
          code: 'custom',
          path: ['expectations', i, 'meta', 'name'],
          message: `expected a name of its own for each expectation, got ${JSON.stringify(called)} twice`,
        });
      given.add(called);
    });
  });
export type Expectations = z.infer<typeof Expectations>;
type Written = z.infer<typeof written>;

/** What is wrong with an expectation, below its place in the file. */
function faultsOf({ type, expectation_type, kwargs, severity }: Written): { path: PropertyKey[]; message: string }[] {
  const named = type ?? expectation_type;
  const field = type === undefined && expectation_type !== undefined ? 'expectation_type' : 'type';
  const known = EXPECTATION_NAMES.find((candidate) => candidate === named);
  if (!known)
    return [
      {
        path: [field],
        message:
          named === undefined
            ? `must be given: one of ${EXPECTATION_NAMES.join(', ')}`
            : `there is no expectation ${JSON.stringify(named)}; ${didYouMean(named, EXPECTATION_NAMES)}`,
      },
    ];
  const { about, kwargs: schema } = EXPECTATION_TYPES[known];
  const faults = schema.safeParse(saidOf(kwargs), { reportInput: true, error: faultInWords }).error?.issues ?? [];
  return [
    ...faults.map(({ path, message }) => ({ path: ['kwargs', ...path], message })),
    ...(severity === 'drop' && about !== 'rows'
      ? [
          {
            path: ['severity'],
            message: `expected fail or warn, as ${known} is not about single rows that could be left out`,
          },
        ]
      : []),
  ];
}

/** `kwargs` without what says nothing, or changes no verdict. */
function saidOf(kwargs: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(kwargs).filter(([key, value]) => value !== null && !IGNORED_KWARGS.includes(key)),
  );
}

/** An expectation as it is evaluated. */
export interface Rule {
  /** Of its own among those of a pipeline. */
  name: string;
  severity: Severity;
  dimension: Dimension;
  /** Its type with what it is of, as results name it. */
  config: { type: string; kwargs: Record<string, unknown>; meta?: Record<string, unknown> };
  /** A condition in SQL of the field `silver`; else the type's own SQL is what checks it. */
  condition?: string;
}

/** The type of the conditions of the field `silver`, in results. */
export const CONDITION = 'silver_condition';

/** Every expectation of rows and tables, in the order in which a row counts under the first that it breaks. */
export function rulesOf({ silver, expectations }: Expectations): Rule[] {
  const rules = silver.map(({ name, check, on_failure }): Rule => ({
    name,
    severity: on_failure,
    dimension: 'validity',
    config: { type: CONDITION, kwargs: { check } },
    condition: check,
  }));
  const taken = new Set([
    ...rules.map(({ name }) => name),
    ...expectations.flatMap(({ meta }) => (meta?.name === undefined ? [] : [meta.name])),
  ]);
  for (const { type, expectation_type, kwargs, severity, meta } of expectations) {
    const known = (type ?? expectation_type) as ExpectationName;
    const kind = EXPECTATION_TYPES[known];
    const said = saidOf(kwargs);
    const named = meta?.name ?? ownName(`${known}(${kind.columns(said).join(', ')})`, taken);
    taken.add(named);
    rules.push({
      name: named,
      severity: severity in THEIR_SEVERITIES ? THEIR_SEVERITIES[severity as 'critical'] : (severity as Severity),
      dimension: meta?.dimension ?? kind.dimension,
      config: { type: known, kwargs: said, ...(isObject(meta) && { meta }) },
    });
  }
  return rules;
}

function ownName(wanted: string, taken: Set<string>): string {
  let named = wanted.replace('()', '');
  for (let i = 2; taken.has(named); i++) named = `${wanted.replace('()', '')} ${i}`;
  return named;
}
