import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeCsv, isNumbersAsText, summarise, TABLE } from '../../src/data/inspect/describe.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();

async function described(lines: string[]) {
  const path = join(temporaryFolder(), 'table.csv');
  writeFileSync(path, lines.join('\n'));
  return describeCsv(await opened, path);
}

test('columns are summed up, and rows that others equal are counted', async () => {
  const { sniffed, rows, columns, repeated } = await described([
    'n;part;kind;price;day;moment;yes;none',
    '1;0,5;b;$1,200;31.12.2020;2020-01-01 10:00:00;true;',
    '1;0,5;b;$1,200;31.12.2020;2020-01-01 10:00:00;true;',
    '4;-1,5;?;12 %;01.02.2021;2021-01-01 10:00:00;false;',
    ';-;a ;5;;;;',
    '-2;2,5;c;so much;01.02.2019;2019-01-01 00:00:00;true;',
  ]);
  expect(sniffed).toMatchObject({ delimiter: ';', decimal: ',', date_format: '%d.%m.%Y', no_numbers: ['-'] });
  expect([rows, repeated]).toEqual([5, 1]);
  const none = { mean: null, variance: null, written: 0 };
  expect(columns).toEqual([
    // (1 + 1 + 4 - 2) / 4 is 1, and (0 + 0 + 9 + 9) / 4 is 4.5.
    { name: 'n', type: 'BIGINT', present: 4, distinct: 3, min: '-2', max: '4', mean: 1, variance: 4.5, written: 0 },
    // (0.5 + 0.5 - 1.5 + 2.5) / 4 is 0.5, and (0 + 0 + 4 + 4) / 4 is 2.
    {
      name: 'part',
      type: 'DOUBLE',
      present: 4,
      distinct: 3,
      min: '-1.5',
      max: '2.5',
      mean: 0.5,
      variance: 2,
      written: 0,
    },
    { ...none, name: 'kind', type: 'VARCHAR', present: 4, distinct: 3, min: 'a ', max: 'c' },
    { ...none, name: 'price', type: 'VARCHAR', present: 5, distinct: 4, min: '$1,200', max: 'so much', written: 0.8 },
    { ...none, name: 'day', type: 'DATE', present: 4, distinct: 3, min: '2019-02-01', max: '2021-02-01' },
    {
      ...none,
      name: 'moment',
      type: 'TIMESTAMP',
      present: 4,
      distinct: 3,
      min: '2019-01-01 00:00:00',
      max: '2021-01-01 10:00:00',
    },
    { ...none, name: 'yes', type: 'BOOLEAN', present: 4, distinct: 2, min: 'false', max: 'true' },
    { ...none, name: 'none', type: 'VARCHAR', present: 0, distinct: 0, min: null, max: null },
  ]);
  expect(await (await opened).rows(`SELECT n, part FROM ${TABLE} ORDER BY n NULLS LAST`)).toEqual([
    { n: -2n, part: 2.5 },
    { n: 1n, part: 0.5 },
    { n: 1n, part: 0.5 },
    { n: 4n, part: -1.5 },
    { n: null, part: null },
  ]);
});

test('values are counted one by one, but for those of more than 200 fractions', async () => {
  const rows = 3_000;
  const some = Array.from({ length: 30 }, (_, k) => k);
  const lines = Array.from({ length: rows }, (_, i) =>
    [`t${i % 1_500}`, i + 0.5, ...some.flatMap((k) => [(i * (k + 1)) % 1_009, (i % (171 + k)) + 0.5])].join(','),
  );
  const header = ['text', 'share', ...some.flatMap((k) => [`whole${k}`, `few${k}`])];
  const { columns, repeated } = await described([header.join(','), ...lines]);
  const distinct = Object.fromEntries(columns.map(({ name, distinct }) => [name, distinct]));
  // 1009 is a prime number.
  expect(distinct).toMatchObject({
    text: 1_500,
    ...Object.fromEntries(
      some.flatMap((k) => [
        [`whole${k}`, 1_009],
        [`few${k}`, 171 + k],
      ]),
    ),
  });
  // Of others there are never more than rows that have one.
  expect(Math.abs(distinct.share! / rows - 1)).toBeLessThan(0.5);
  expect(distinct.share).toBeLessThanOrEqual(rows);
  expect(repeated).toBe(0);
});

test('values that may be a key are counted one by one in large files as well', async () => {
  const database = await opened;
  const rows = 1_800_000;
  await database.run(
    `CREATE OR REPLACE TEMP TABLE ${TABLE} AS SELECT i * 3 AS id, i // 2 AS pair, i % 150 AS few FROM range(${rows}) t(i)`,
  );
  const { columns } = await summarise(database, [
    ['id', 'BIGINT'],
    ['pair', 'BIGINT'],
    ['few', 'BIGINT'],
  ]);
  const [id, pair, few] = columns.map(({ distinct }) => distinct);
  expect([id, few]).toEqual([rows, 150]);
  expect(Math.abs(pair! / (rows / 2) - 1)).toBeLessThan(0.5);
});

test.each<[string, { min: string | null; max: string | null; written?: number; type?: 'VARCHAR' | 'DOUBLE' }, boolean]>(
  [
    ['money', { min: '$1', max: '$9' }, true],
    ['money with zeros', { min: '$100', max: '$900' }, true],
    ['per cent with zeros', { min: '100 %', max: '7 %' }, true],
    ['money among digits', { min: '$1', max: '99' }, true],
    ['per cent after digits', { min: '10', max: '9 %' }, true],
    ['fractions', { min: '0.5', max: '9' }, true],
    ['nothing but 0 and amounts', { min: '0', max: '9 %' }, true],
    ['nine in ten of which are numbers', { min: '$1', max: '$9', written: 0.9 }, true],
    ['fewer of which are', { min: '$1', max: '$9', written: 0.89 }, false],
    ['digits alone', { min: '1', max: '99999999999999999999' }, false],
    ['digits with spaces around them', { min: ' 10 ', max: '99  ' }, false],
    ['postcodes, one of which has a sign', { min: '01234', max: '9999-1' }, false],
    ['postcodes after a space', { min: ' 01234', max: '9999-1' }, false],
    ['numbers that are read as such', { min: '0.5', max: '9', type: 'DOUBLE' }, false],
    ['no value', { min: null, max: null, written: 0 }, false],
  ],
)('amounts with signs are told from other text: %s', (_, column, are) => {
  expect(isNumbersAsText({ type: 'VARCHAR', written: 1, ...column })).toBe(are);
});

test('numbers whose squares are beyond 64 bits are no reason to refuse a file: its mean and variance are of the others', async () => {
  const { columns } = await described(['x,y', '1e200,1e308', '2,1e308', '4,-1e308']);
  expect(columns.map(({ name, mean, variance, max }) => [name, mean, variance, max])).toEqual([
    ['x', 3, 1, '1e+200'],
    ['y', null, null, '1e+308'],
  ]);
});
