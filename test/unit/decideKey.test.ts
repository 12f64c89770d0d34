import { expect, test } from 'vitest';
import { identifier } from '../../src/data/duckdb.js';
import { TABLE, type ColumnSummary } from '../../src/data/inspect/describe.js';
import { decideKey } from '../../src/data/inspect/keys.js';
import type { SniffedCsv } from '../../src/data/inspect/sniff.js';
import { sharedDatabase } from '../support/sharedDatabase.js';

const opened = sharedDatabase();

/** The key of a table of so many rows: per column SQL of its value by the number `i` of the row. */
async function keyOf(rows: number, columns: Record<string, string>, asked?: string[]) {
  const database = await opened;
  const selected = Object.entries(columns).map(([name, sql]) => `${sql} AS ${identifier(name)}`);
  await database.run(
    `CREATE OR REPLACE TEMP TABLE ${TABLE} AS SELECT ${selected.join(', ')} FROM (SELECT * FROM range(${rows}) t(i) ORDER BY i)`,
  );
  const summaries = await database.rows<{
    name: string;
    type: ColumnSummary['type'];
    min: string;
    max: string;
    count: bigint;
    distinct: bigint;
  }>(
    Object.keys(columns)
      .map((name) => {
        const column = identifier(name);
        return `SELECT '${name}' AS name, first(typeof(${column})) AS type, min(${column})::VARCHAR AS min, max(${column})::VARCHAR AS max, count(${column}) AS count, count(DISTINCT ${column}) AS distinct FROM ${TABLE}`;
      })
      .join(' UNION ALL '),
  );
  const header = Object.keys(columns);
  return decideKey(
    database,
    {
      sniffed: { header } as SniffedCsv,
      rows,
      repeated: 0,
      columns: summaries
        .map(({ count, distinct, ...column }) => ({
          ...column,
          present: Number(count),
          distinct: Number(distinct),
          mean: null,
          variance: null,
          written: 0,
        }))
        .toSorted((a, b) => header.indexOf(a.name) - header.indexOf(b.name)),
    },
    'y',
    asked,
  );
}

const y = '(i % 2)';

test('columns that tell the rows apart together do so in all rows, of which the first 20 000 are looked at first', async () => {
  const columns = { shop_id: `i // 5`, seq: `'s' || (i % 5)`, y };
  expect(await keyOf(25_000, columns)).toEqual({
    columns: ['shop_id', 'seq'],
    reason: 'together they tell every row apart',
  });
  expect(
    await keyOf(25_000, { ...columns, shop_id: 'least(i, 24998) // 5', seq: `'s' || (least(i, 24998) % 5)` }),
  ).toEqual({
    columns: [],
    reason: 'no column tells the rows apart',
  });
  expect(
    await keyOf(25_000, { ...columns, shop_id: 'greatest(i, 1) // 5', seq: `'s' || (greatest(i, 1) % 5)` }),
  ).toEqual({
    columns: [],
    reason: 'no column tells the rows apart',
  });
});

test('an identifier by its name is a key before others, which come in the order of the file', async () => {
  const text = (of: string) => `'${of}' || i`;
  expect((await keyOf(50, { name: text('n'), code: text('c'), y })).columns).toEqual(['name']);
  expect((await keyOf(50, { name: text('n'), code_id: text('c'), part_no: text('p'), y })).columns).toEqual([
    'code_id',
  ]);
  // Names of people and remarks are different by chance.
  for (const name of [
    'first_name',
    'Last Name',
    'familyname',
    'surname',
    'street',
    'address',
    'comment',
    'remarks',
    'note',
    'description',
    'job title',
    'message',
  ])
    expect((await keyOf(50, { [name]: text('n'), y })).columns).toEqual([]);
  expect((await keyOf(50, { 'full-name-id': text('n'), y })).columns).toEqual(['full-name-id']);
});

test('a key has none of the names that predictions have, and none that is kept', async () => {
  const id = `'k' || i`;
  for (const name of ['probability', 'Label', 'confidence', 'ALGORITHM', 'version'])
    expect((await keyOf(50, { [name]: id, y })).columns).toEqual([]);
  expect((await keyOf(50, { versions: id, y })).columns).toEqual(['versions']);
});

test('numbers are a key by their name, one after another, or first in a large table', async () => {
  expect((await keyOf(99, { number: 'i * 3', y })).columns).toEqual([]);
  expect((await keyOf(100, { number: 'i * 3', y })).columns).toEqual(['number']);
  expect((await keyOf(100, { other: '(i % 50)', number: 'i * 3', y })).columns).toEqual([]);
  expect((await keyOf(100, { other: '(i % 50)', number: '99 - i', y })).columns).toEqual(['number']);
  expect((await keyOf(3, { other: '(i % 2)', part_no: 'i * 3', y })).columns).toEqual(['part_no']);
  expect((await keyOf(100, { number: 'i * 3 + 0.5::DOUBLE', y })).columns).toEqual([]);
  expect((await keyOf(100, { number: `DATE '2020-01-01' + i::INTEGER`, y })).columns).toEqual([]);
});

test('a key that is asked for is refused with the value that stands in most rows', async () => {
  const columns = { a: 'CASE WHEN i < 7 THEN 0 WHEN i < 9 THEN 1 ELSE i END', b: `'b'`, c: 'i', y };
  await expect(keyOf(2_000, columns, ['a', 'b'])).rejects.toMatchObject({
    type: 'InputInvalid',
    message: 'a and b do not tell the rows apart: 0, b stands in 7 of them; give more columns with --key, or none.',
  });
  await expect(keyOf(2_000, columns, ['b'])).rejects.toMatchObject({
    message: 'b does not tell the rows apart: b stands in 2,000 of them; give more columns with --key, or none.',
  });
  expect(await keyOf(2_000, columns, ['A', 'c'])).toEqual({
    columns: ['a', 'c'],
    reason: 'as --key says; a value of its own in each of 2,000 rows',
  });
});
