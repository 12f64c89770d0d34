import { z } from 'zod';
import { identifier, literal } from '../sql.js';
import {
  isWithin,
  missingSql,
  valueSql,
  withinSql,
  type AgeCheck,
  type Bounds,
  type Dimension,
  type RowCheck,
  type TableCheck,
  type TypeOf,
} from './checks.js';

/**
 * A type of expectation, in the vocabulary of Great Expectations: what its `kwargs` are, and how its SQL is made. What is
 * about rows can be broken by single rows, which can be left out; `age` goes by the day that a run stands at.
 */
type ExpectationType<Kwargs> = {
  dimension: Dimension;
  kwargs: z.ZodType<Kwargs>;
  /** Columns that it looks at, for its name. */
  columns(kwargs: Kwargs): string[];
} & (
  | { about: 'rows'; check(kwargs: Kwargs, typeOf: TypeOf): RowCheck }
  | { about: 'table'; check(kwargs: Kwargs, typeOf: TypeOf): TableCheck }
  | { about: 'age'; check(kwargs: Kwargs, typeOf: TypeOf): AgeCheck }
);

type AnyExpectationType = ExpectationType<Record<string, unknown>>;

/** An entry of the table, which gives a check the `kwargs` that its schema has read. */
function type<Kwargs>(entry: ExpectationType<Kwargs>): AnyExpectationType {
  return entry as unknown as AnyExpectationType;
}

const column = z.string().min(1, 'a column name');
const mostly = z.number().min(0).max(1).optional();
const value = z.union([z.string(), z.number(), z.boolean()]);
const bound = z.union([z.number(), z.string()]);
const bounds = {
  min_value: bound.optional(),
  max_value: bound.optional(),
  strict_min: z.boolean().optional(),
  strict_max: z.boolean().optional(),
};
const someBound = ({ min_value, max_value }: Bounds) => min_value !== undefined || max_value !== undefined;
const SOME_BOUND = 'expected min_value, max_value or both';
const PAIR_IGNORES = ['both_values_are_missing', 'either_value_is_missing', 'neither'] as const;
const LIST_IGNORES = ['all_values_are_missing', 'any_value_is_missing', 'never'] as const;

const ofColumn = ({ column }: { column: string }) => [column];
const oneColumn = z.strictObject({ column, mostly });

/** Of the values of one column; rows without a value are not looked at. */
function values<Kwargs extends { column: string }>(
  dimension: Dimension,
  kwargs: z.ZodType<Kwargs>,
  unexpected: (name: string, kwargs: Kwargs, type: string) => string,
): AnyExpectationType {
  return type<Kwargs>({
    about: 'rows',
    dimension,
    kwargs,
    columns: ofColumn,
    check: (given, typeOf) => ({
      missing: missingSql(given.column, typeOf),
      unexpected: unexpected(identifier(given.column), given, typeOf(given.column) ?? 'VARCHAR'),
      value: identifier(given.column),
    }),
  });
}

/** Of an aggregate of one column, which has to lie within bounds. */
function aggregate(dimension: Dimension, sql: (name: string, present: string) => string): AnyExpectationType {
  return type({
    about: 'table',
    dimension,
    kwargs: z.strictObject({ column, ...bounds }),
    columns: ofColumn,
    check: ({ column, ...limits }, typeOf) => ({
      aggregate: sql(identifier(column), `NOT ${missingSql(column, typeOf)}`),
      met: (observed) => isWithin(observed, limits),
    }),
  });
}

const pair = z.strictObject({
  column_A: column,
  column_B: column,
  ignore_row_if: z.enum(PAIR_IGNORES).optional(),
  mostly,
});
type Pair = z.infer<typeof pair>;

/** Of the values of two columns; by default rows without either are not looked at. */
function pairs<Kwargs extends Pair>(
  kwargs: z.ZodType<Kwargs>,
  holds: (a: string, b: string, kwargs: Kwargs) => string,
): AnyExpectationType {
  return type({
    about: 'rows',
    dimension: 'consistency',
    kwargs,
    columns: ({ column_A, column_B }) => [column_A, column_B],
    check: (given, typeOf) => {
      const [a, b] = [identifier(given.column_A), identifier(given.column_B)];
      const absent = [given.column_A, given.column_B].map((name) => missingSql(name, typeOf));
      const { ignore_row_if = PAIR_IGNORES[0] } = given;
      return {
        ...(ignore_row_if !== 'neither' && {
          missing: `(${absent.join(ignore_row_if === 'both_values_are_missing' ? ' AND ' : ' OR ')})`,
        }),
        unexpected: `(${absent.join(' OR ')} OR NOT ${holds(a, b, given)})`,
        value: `[to_json(${a}), to_json(${b})]`,
      };
    },
  });
}

const list = {
  column_list: z.array(column).min(2, 'two columns or more'),
  ignore_row_if: z.enum(LIST_IGNORES).optional(),
  mostly,
};

/** Of the values of several columns; by default rows without any of them are not looked at. */
function lists<Kwargs extends { column_list: string[]; ignore_row_if?: (typeof LIST_IGNORES)[number] | undefined }>(
  dimension: Dimension,
  kwargs: z.ZodType<Kwargs>,
  unexpected: (names: string[], kwargs: Kwargs, typeOf: TypeOf) => string,
): AnyExpectationType {
  return type({
    about: 'rows',
    dimension,
    kwargs,
    columns: ({ column_list }) => column_list,
    check: (given, typeOf) => {
      const { column_list, ignore_row_if = LIST_IGNORES[0] } = given;
      const absent = column_list.map((name) => missingSql(name, typeOf));
      const names = column_list.map(identifier);
      return {
        ...(ignore_row_if !== 'never' && {
          missing: `(${absent.join(ignore_row_if === 'all_values_are_missing' ? ' AND ' : ' OR ')})`,
        }),
        unexpected: unexpected(names, given, typeOf),
        value: `struct_pack(${names.map((name) => `${name} := ${name}`).join(', ')})`,
      };
    },
  });
}

const inSet = z.strictObject({ column, value_set: z.array(value), mostly });
const isIn = (name: string, set: (string | number | boolean)[], type: string) =>
  set.length === 0 ? 'false' : `${name} IN (${set.map((each) => valueSql(each, type)).join(', ')})`;
const byRegex = z.strictObject({ column, regex: z.string(), mostly });
const matches = (name: string, regex: string) => `regexp_matches(CAST(${name} AS VARCHAR), ${literal(regex)})`;
const lengthOf = (name: string) => `length(CAST(${name} AS VARCHAR))`;
const rowsQuery = /^\s*SELECT\s+\*\s+FROM\s+\{batch\}\s+WHERE\s+([\s\S]*?)\s*;?\s*$/i;

/** Condition of the rows that a query of `unexpected_rows_expectation` gives. */
export function conditionOf(query: string): string {
  return rowsQuery.exec(query)![1]!;
}

/** Every type that is known. A new type is a new entry. */
export const EXPECTATION_TYPES = {
  expect_column_values_to_not_be_null: type({
    about: 'rows',
    dimension: 'completeness',
    kwargs: oneColumn,
    columns: ofColumn,
    check: ({ column }, typeOf) => ({ unexpected: missingSql(column, typeOf), value: identifier(column) }),
  }),
  expect_column_values_to_be_null: type({
    about: 'rows',
    dimension: 'completeness',
    kwargs: oneColumn,
    columns: ofColumn,
    check: ({ column }, typeOf) => ({ unexpected: `NOT ${missingSql(column, typeOf)}`, value: identifier(column) }),
  }),
  expect_column_values_to_be_between: values(
    'validity',
    z.strictObject({ column, ...bounds, mostly }).refine(someBound, SOME_BOUND),
    (name, kwargs, type) => `NOT ${withinSql(name, kwargs, type)}`,
  ),
  expect_column_values_to_be_in_set: values(
    'validity',
    inSet,
    (name, { value_set }, type) => `NOT ${isIn(name, value_set, type)}`,
  ),
  expect_column_values_to_not_be_in_set: values('validity', inSet, (name, { value_set }, type) =>
    isIn(name, value_set, type),
  ),
  expect_column_values_to_be_unique: values(
    'uniqueness',
    oneColumn,
    (name) => `count(*) OVER (PARTITION BY ${name}) > 1`,
  ),
  expect_column_values_to_match_regex: values('validity', byRegex, (name, { regex }) => `NOT ${matches(name, regex)}`),
  expect_column_values_to_not_match_regex: values('validity', byRegex, (name, { regex }) => matches(name, regex)),
  expect_column_value_lengths_to_be_between: values(
    'validity',
    z.strictObject({ column, ...bounds, mostly }).refine(someBound, SOME_BOUND),
    (name, kwargs) => `NOT ${withinSql(lengthOf(name), kwargs, 'BIGINT')}`,
  ),
  expect_column_value_lengths_to_equal: values(
    'validity',
    z.strictObject({ column, value: z.number(), mostly }),
    (name, kwargs) => `${lengthOf(name)} <> ${kwargs.value}`,
  ),
  expect_column_pair_values_a_to_be_greater_than_b: pairs(
    pair.extend({ or_equal: z.boolean().optional() }),
    (a, b, { or_equal }) => `${a} ${or_equal ? '>=' : '>'} ${b}`,
  ),
  expect_column_pair_values_to_be_equal: pairs(pair, (a, b) => `${a} = ${b}`),
  expect_compound_columns_to_be_unique: lists(
    'uniqueness',
    z.strictObject(list),
    (names) => `count(*) OVER (PARTITION BY ${names.join(', ')}) > 1`,
  ),
  expect_select_column_values_to_be_unique_within_record: lists(
    'consistency',
    z.strictObject(list),
    (names) =>
      `(${names.flatMap((a, i) => names.slice(i + 1).map((b) => `${a} IS NOT DISTINCT FROM ${b}`)).join(' OR ')})`,
  ),
  expect_multicolumn_sum_to_equal: lists(
    'consistency',
    z.strictObject({ ...list, sum_total: z.number() }),
    (names, { column_list, sum_total }, typeOf) =>
      `(${column_list.map((name) => missingSql(name, typeOf)).join(' OR ')} OR ${names.join(' + ')} <> ${sum_total})`,
  ),
  /** A condition in SQL of rows that should not be there. */
  unexpected_rows_expectation: type({
    about: 'rows',
    dimension: 'consistency',
    kwargs: z.strictObject({
      unexpected_rows_query: z
        .string()
        .regex(rowsQuery, 'expected a query of the form SELECT * FROM {batch} WHERE condition'),
    }),
    columns: () => [],
    check: ({ unexpected_rows_query }) => ({
      unexpected: `((${conditionOf(unexpected_rows_query)}\n) IS TRUE)`,
      value: 'NULL',
    }),
  }),
  expect_column_to_exist: type({
    about: 'table',
    dimension: 'completeness',
    kwargs: z.strictObject({ column, column_index: z.int().min(0).optional() }),
    columns: ofColumn,
    check: ({ column }, typeOf) => ({ met: () => typeOf(column) !== undefined }),
  }),
  expect_table_row_count_to_be_between: type({
    about: 'table',
    dimension: 'completeness',
    kwargs: z.strictObject(bounds),
    columns: () => [],
    check: (limits) => ({ aggregate: 'count(*)', met: (observed) => isWithin(observed, limits) }),
  }),
  expect_table_row_count_to_equal: type({
    about: 'table',
    dimension: 'completeness',
    kwargs: z.strictObject({ value: z.int().min(0) }),
    columns: () => [],
    check: ({ value }) => ({ aggregate: 'count(*)', met: (observed) => observed === value }),
  }),
  expect_column_min_to_be_between: aggregate('validity', (name, present) => `min(${name}) FILTER (${present})`),
  expect_column_max_to_be_between: aggregate('validity', (name, present) => `max(${name}) FILTER (${present})`),
  expect_column_mean_to_be_between: aggregate('consistency', (name, present) => `avg(${name}) FILTER (${present})`),
  expect_column_median_to_be_between: aggregate(
    'consistency',
    (name, present) => `median(${name}) FILTER (${present})`,
  ),
  expect_column_stdev_to_be_between: aggregate(
    'consistency',
    (name, present) => `stddev_samp(${name}) FILTER (${present})`,
  ),
  expect_column_sum_to_be_between: aggregate('consistency', (name, present) => `sum(${name}) FILTER (${present})`),
  expect_column_unique_value_count_to_be_between: aggregate(
    'uniqueness',
    (name, present) => `count(DISTINCT ${name}) FILTER (${present})`,
  ),
  expect_column_proportion_of_unique_values_to_be_between: aggregate(
    'uniqueness',
    (name, present) => `count(DISTINCT ${name}) FILTER (${present}) / nullif(count(*) FILTER (${present}), 0)`,
  ),
  /** Perdure's own: the age in days of the newest value of a column, on the day that a run stands at. */
  expect_column_newest_value_age_to_be_between: type({
    about: 'age',
    dimension: 'freshness',
    kwargs: z
      .strictObject({ column, min_value: z.number().optional(), max_value: z.number().optional() })
      .refine(someBound, SOME_BOUND),
    columns: ofColumn,
    check: ({ column, ...limits }) => ({
      newest: `CAST(CAST(max(${identifier(column)}) AS DATE) AS VARCHAR)`,
      met: (days) => isWithin(days, limits),
    }),
  }),
} as const;

export type ExpectationName = keyof typeof EXPECTATION_TYPES;
export const EXPECTATION_NAMES = Object.keys(EXPECTATION_TYPES) as ExpectationName[];
