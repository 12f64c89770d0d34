import { beforeAll, describe, expect, test } from 'vitest';
import { TABLE, type ColumnSummary } from '../../src/data/inspect/describe.js';
import { proposeExpectations } from '../../src/data/inspect/expectations.js';
import { sharedDatabase } from '../support/sharedDatabase.js';

const opened = sharedDatabase();
const ROWS = 50;

/** A column as it is summarised; what nothing is said of has no values. */
function column(name: string, of: Partial<ColumnSummary>): ColumnSummary {
  return {
    name,
    type: 'DOUBLE',
    present: ROWS - 1,
    distinct: ROWS,
    min: null,
    max: null,
    mean: null,
    variance: null,
    written: 0,
    ...of,
  };
}

beforeAll(async () => {
  const database = await opened;
  await database.run(
    `CREATE OR REPLACE TEMP TABLE ${TABLE} AS SELECT CASE WHEN i % 5 = 0 THEN NULL WHEN i % 2 = 0 THEN 'b' ELSE 'a' END AS kind, (3 - i % 2)::BIGINT AS code, i AS "no 1" FROM range(${ROWS}) t(i)`,
  );
});

async function proposed(
  features: ColumnSummary[],
  { key = [] as string[], label }: { key?: string[]; label?: ColumnSummary } = {},
) {
  return proposeExpectations(await opened, 'visits', { key, features, rows: ROWS, ...(label && { label }) });
}
const filled = { type: 'expect_table_row_count_to_be_between', kwargs: { min_value: 1 }, severity: 'warn' };

test('a file of whatever has rows', async () => {
  const whatever = [
    column('none', { type: 'VARCHAR', present: 0, distinct: 0 }),
    column('no number', { present: 0, distinct: 0 }),
    column('day', { type: 'DATE', min: '2020-01-01', max: '2021-01-01' }),
    column('yes', { type: 'BOOLEAN', distinct: 2, min: 'false', max: 'true' }),
  ];
  expect(await proposed(whatever)).toEqual({ name: 'visits', expectations: [filled] });
});

test('a key is in every row and different in each, which a run fails without', async () => {
  const isThere = (name: string) => ({
    type: 'expect_column_values_to_not_be_null',
    kwargs: { column: name },
    severity: 'fail',
  });
  expect((await proposed([], { key: ['id'] })).expectations).toEqual([
    filled,
    isThere('id'),
    { type: 'expect_column_values_to_be_unique', kwargs: { column: 'id' }, severity: 'fail' },
  ]);
  expect((await proposed([], { key: ['shop', 'no'] })).expectations).toEqual([
    filled,
    isThere('shop'),
    isThere('no'),
    { type: 'expect_compound_columns_to_be_unique', kwargs: { column_list: ['shop', 'no'] }, severity: 'fail' },
  ]);
});

test('columns without gaps have hardly any later', async () => {
  const features = [column('a', { present: ROWS }), column('b', { present: ROWS - 1 })];
  expect((await proposed(features)).expectations).toEqual([
    filled,
    { type: 'expect_column_values_to_not_be_null', kwargs: { column: 'a', mostly: 0.95 }, severity: 'warn' },
  ]);
});

test('categories are known, in text of few values and in numbers of two', async () => {
  const features = [
    column('kind', { type: 'VARCHAR', distinct: 20, min: 'a', max: 'b' }),
    column('code', { type: 'BIGINT', distinct: 2, min: '2', max: '3' }),
    // Too many values, and amounts with signs.
    column('no 1', { type: 'VARCHAR', distinct: 21, min: 'a', max: 'b' }),
    column('price', { type: 'VARCHAR', distinct: 2, min: '$1', max: '$2', written: 1 }),
  ];
  const known = (column: string, value_set: unknown[]) => ({
    type: 'expect_column_values_to_be_in_set',
    kwargs: { column, value_set, mostly: 0.95 },
    severity: 'warn',
  });
  expect((await proposed(features)).expectations).toEqual([filled, known('kind', ['a', 'b']), known('code', [2, 3])]);
  const label = column('code', { type: 'INTEGER', distinct: 2, min: '2', max: '3' });
  expect((await proposed([], { label })).expectations).toEqual([filled, known('code', [2, 3])]);
});

describe('numbers', () => {
  const boundsOf = async (of: Partial<ColumnSummary>) => (await proposed([column('x', of)])).expectations.slice(1);

  test.each<[string, string, number, number]>([
    // As far beyond the smallest and largest as these are apart, and two digits.
    ['0', '10', 0, 20],
    ['5', '10', 0, 15],
    ['-10', '-5', -15, 0],
    ['-10', '0', -20, 0],
    ['-3', '4', -10, 11],
    ['0', '0', 0, 1],
    ['7', '7', 0, 14],
    ['-7', '-7', -14, 0],
    ['0', '1234', 0, 2_500],
    ['-1234', '0', -2_500, 0],
    ['0', '0.0111', 0, 0.023],
    ['-0.0111', '0', -0.023, 0],
    ['0', '50', 0, 100],
    ['0', '5e307', 0, 1e308],
  ])('from %s to %s are expected from %d to %d', async (min, max, min_value, max_value) => {
    expect(await boundsOf({ min, max })).toEqual([
      {
        type: 'expect_column_values_to_be_between',
        kwargs: { column: 'x', min_value, max_value, mostly: 0.99 },
        severity: 'warn',
      },
    ]);
  });

  test.each([
    ['are so far apart that no number is as far beyond', '-1e308', '1e308'],
    ['are so large', '0', '1.5e308'],
    ['are so far below zero', '-1.5e308', '0'],
    ['are so small that no two digits are left', '0', '5e-324'],
    ['are none at all', 'nan', 'nan'],
  ])('that %s are expected nowhere', async (_, min, max) => {
    expect(await boundsOf({ min, max })).toEqual([]);
  });

  test('are those of whole and other numbers, of more than two values where they are whole', async () => {
    const between = [expect.objectContaining({ type: 'expect_column_values_to_be_between' })];
    const [min, max] = ['0', '10'];
    expect(await boundsOf({ type: 'BIGINT', distinct: 3, min, max })).toEqual(between);
    expect(await boundsOf({ type: 'INTEGER', distinct: 3, min, max })).toEqual(between);
    expect(await boundsOf({ type: 'DOUBLE', distinct: 2, min, max })).toEqual(between);
    expect(await boundsOf({ type: 'VARCHAR', distinct: 30, min, max })).toEqual([]);
  });

  test('of a label are any', async () => {
    const label = column('y', { type: 'BIGINT', distinct: 3, min: '0', max: '10' });
    expect((await proposed([], { label })).expectations).toEqual([filled]);
  });
});
