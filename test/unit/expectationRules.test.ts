import { describe, expect, test } from 'vitest';
import { Expectations, rulesOf } from '../../src/config/expectations.js';
import { faultInWords, faultsInWords } from '../../src/config/faults.js';

const rules = (said: object) => rulesOf(Expectations.parse(said));
const names = (said: object) => rules(said).map(({ name }) => name);
/** The lines that tell what is wrong with a suite. */
const faults = (said: object) =>
  faultsInWords(Expectations.safeParse(said, { reportInput: true, error: faultInWords }).error?.issues ?? []).map(
    (line) => line.trimStart(),
  );

const NOT_NULL = { type: 'expect_column_values_to_not_be_null', kwargs: { column: 'age' } };
const ROW_COUNT = { type: 'expect_table_row_count_to_be_between', kwargs: { min_value: 1 } };
const silver = (name: string, on_failure = 'drop') => ({ name, check: 'age >= 18', on_failure });

test('a pipeline that expects nothing has no rules', () => {
  expect(rules({})).toEqual([]);
  expect(Expectations.parse({})).toEqual({ silver: [], expectations: [] });
});

test('conditions in SQL come first, by their names', () => {
  expect(rules({ expectations: [NOT_NULL], silver: [silver('grown_up'), silver('known', 'fail')] })).toEqual([
    {
      name: 'grown_up',
      severity: 'drop',
      dimension: 'validity',
      config: { type: 'silver_condition', kwargs: { check: 'age >= 18' } },
      condition: 'age >= 18',
    },
    expect.objectContaining({ name: 'known', severity: 'fail' }),
    {
      name: 'expect_column_values_to_not_be_null(age)',
      severity: 'fail',
      dimension: 'completeness',
      config: { type: 'expect_column_values_to_not_be_null', kwargs: { column: 'age' } },
    },
  ]);
});

describe('a suite of Great Expectations', () => {
  test('of its releases 1.x is read, with its severities, and without what changes no verdict', () => {
    const meta = { name: 'age is there', dimension: 'validity', source: 'a person' };
    const suite = {
      name: 'loans',
      id: null,
      notes: [],
      meta: { great_expectations_version: '1.5.0' },
      expectations: [
        {
          ...NOT_NULL,
          kwargs: { column: 'age', mostly: 0.9, batch_id: 'b', result_format: 'BASIC', condition: null },
          ...{ severity: 'warning', id: '8f', rendered_content: [], meta },
        },
      ],
    };
    expect(faults(suite)).toEqual([]);
    expect(rules(suite)).toEqual([
      {
        name: 'age is there',
        severity: 'warn',
        dimension: 'validity',
        config: { type: NOT_NULL.type, kwargs: { column: 'age', mostly: 0.9 }, meta },
      },
    ]);
  });

  test('of its first releases as well', () => {
    const { type, kwargs } = NOT_NULL;
    const suite = {
      expectation_suite_name: 'loans',
      data_asset_type: 'Dataset',
      evaluation_parameters: {},
      expectations: [{ expectation_type: type, kwargs: { ...kwargs, catch_exceptions: true }, meta: null }],
    };
    expect(faults(suite)).toEqual([]);
    expect(rules(suite)).toEqual(rules({ expectations: [NOT_NULL] }));
  });

  test.each([
    ['critical', 'fail'],
    ['warning', 'warn'],
    ['info', 'warn'],
    ['fail', 'fail'],
    ['warn', 'warn'],
    ['drop', 'drop'],
  ])('the severity %s is %s here', (severity, ours) => {
    expect(rules({ expectations: [{ ...NOT_NULL, severity }] })).toMatchObject([{ severity: ours }]);
  });
});

describe('the name of a rule', () => {
  test('is its own, else its type and columns, with a number where another has it', () => {
    const called = (name: string) => ({ ...NOT_NULL, meta: { name } });
    expect(names({ expectations: [NOT_NULL, NOT_NULL, NOT_NULL] })).toEqual([
      'expect_column_values_to_not_be_null(age)',
      'expect_column_values_to_not_be_null(age) 2',
      'expect_column_values_to_not_be_null(age) 3',
    ]);
    // Those that are given are taken, wherever they stand.
    expect(names({ expectations: [NOT_NULL, called('expect_column_values_to_not_be_null(age)')] })).toEqual([
      'expect_column_values_to_not_be_null(age) 2',
      'expect_column_values_to_not_be_null(age)',
    ]);
    expect(names({ expectations: [ROW_COUNT, ROW_COUNT] })).toEqual([
      'expect_table_row_count_to_be_between',
      'expect_table_row_count_to_be_between 2',
    ]);
    const pair = {
      type: 'expect_column_pair_values_to_be_equal',
      kwargs: { column_A: 'from', column_B: 'to' },
    };
    expect(names({ expectations: [pair] })).toEqual(['expect_column_pair_values_to_be_equal(from, to)']);
  });

  test.each<[object, string]>([
    [
      { silver: [silver('a'), silver('b'), silver('a')] },
      'silver: expected a name of its own for each expectation, got "a" twice',
    ],
    [
      { duplicates: { name: 'a', on_failure: 'drop' }, silver: [silver('a')] },
      'silver: expected a name of its own for each expectation, got "a" twice',
    ],
    [
      { silver: [silver('a')], expectations: [NOT_NULL, { ...NOT_NULL, meta: { name: 'a' } }] },
      'expectations.1.meta.name: expected a name of its own for each expectation, got "a" twice',
    ],
    [
      {
        expectations: [
          { ...NOT_NULL, meta: { name: 'b' } },
          { ...NOT_NULL, meta: { name: 'b' } },
        ],
      },
      'expectations.1.meta.name: expected a name of its own for each expectation, got "b" twice',
    ],
    [
      { silver: [silver('constructor')] },
      'silver.0.name: another name: this one is a property of every JavaScript object',
    ],
  ])('is its own alone: %j', (said, fault) => {
    expect(faults(said)).toEqual([fault]);
  });
});

describe('an expectation that can not be evaluated is refused', () => {
  test.each<[object, string]>([
    [
      { ...NOT_NULL, type: 'expect_column_values_to_not_be_nul' },
      'type: there is no expectation "expect_column_values_to_not_be_nul"; did you mean "expect_column_values_to_not_be_null"?',
    ],
    [
      { expectation_type: 'expect_column_values_to_not_be_nul', kwargs: {} },
      'expectation_type: there is no expectation "expect_column_values_to_not_be_nul"; did you mean "expect_column_values_to_not_be_null"?',
    ],
    [{ type: NOT_NULL.type }, 'kwargs.column: must be given: a text'],
    [{ ...NOT_NULL, kwargs: { column: null } }, 'kwargs.column: must be given: a text'],
    [
      { ...NOT_NULL, kwargs: { column: 'age', mostyl: 1 } },
      'kwargs: there is no "mostyl" here; did you mean "mostly"?',
    ],
    [
      { ...ROW_COUNT, severity: 'drop' },
      'severity: expected fail or warn, as expect_table_row_count_to_be_between is not about single rows that could be left out',
    ],
    [
      { ...NOT_NULL, severity: 'warnin' },
      'severity: expected one of "fail", "warn", "drop", "critical", "warning", "info", got "warnin"; did you mean "warning"?',
    ],
  ])('%j', (said, fault) => {
    expect(faults({ expectations: [said] })).toEqual([`expectations.0.${fault}`]);
  });

  test('and every fault of every one is told at once', () => {
    const wrong = { type: 'x', kwargs: {} };
    expect(faults({ expectations: [NOT_NULL, wrong, { ...NOT_NULL, kwargs: {} }] })).toHaveLength(2);
  });
});
