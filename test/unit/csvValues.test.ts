import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { badValue, readCsvHeader } from '../../src/data/csv.js';
import { withDuckDb } from '../../src/data/duckdb.js';
import { CONF, createMedallion, RESOURCES, type Medallion } from '../support/medallion.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
});

type Types = Record<string, string>;

/** Reads one CSV of an id, a day and a column `value`. */
async function readValue(type: string, value: string, nullValues: string[] = []): Promise<unknown> {
  const columns: Types = { id: 'BIGINT', day: 'DATE', value: type };
  describeSource(columns, nullValues);
  writeFileSync(world.csv, `id,day,value\n1,2020-01-01,\n2,2020-01-02,${value}\n`);
  await world.bronze();
  return (await world.rows('bronze', 'bronze'))[1]!.value;
}

function describeSource(columns: Types, null_values: string[] = []): void {
  const definition = structuredClone(CONF['pipeline.json']) as unknown as {
    source: { columns: Types; null_values: string[] };
  };
  world.writeConf('pipeline.json', { ...definition, source: { ...definition.source, columns, null_values } });
}

describe('a value that its type cannot hold as it stands is refused with its line and column', () => {
  test.each([
    ['BIGINT', '2.5', 'a whole number', 'correct it, or declare the column DOUBLE in pipeline.json, and run again'],
    ['BIGINT', '35754.4', 'a whole number', 'correct it, or declare the column DOUBLE in pipeline.json, and run again'],
    ['BIGINT', '2.01', 'a whole number', 'correct it, or declare the column DOUBLE in pipeline.json, and run again'],
    [
      'BIGINT',
      '2.28E+06',
      'a whole number',
      'correct it, or declare the column DOUBLE in pipeline.json, and run again',
    ],
    ['BIGINT', '1e3', 'a whole number', 'correct it, or declare the column DOUBLE in pipeline.json, and run again'],
    ['BIGINT', '1_0', 'a whole number', 'correct it and run again'],
    ['BIGINT', '0x10', 'a whole number', 'correct it, or declare the column DOUBLE in pipeline.json, and run again'],
    [
      'BIGINT',
      '9223372036854775808',
      'a whole number',
      'correct it, or declare the column DOUBLE in pipeline.json, and run again',
    ],
    ['BIGINT', 'true', 'a whole number', 'correct it and run again'],
    ['BIGINT', '1 2', 'a whole number', 'correct it and run again'],
    [
      'INTEGER',
      '1.5',
      'a whole number from -2147483648 to 2147483647',
      'correct it, or declare the column DOUBLE in pipeline.json, and run again',
    ],
    [
      'INTEGER',
      '2147483648',
      'a whole number from -2147483648 to 2147483647',
      'correct it, or declare the column DOUBLE in pipeline.json, and run again',
    ],
    ['DOUBLE', '1e999', 'a number', 'correct it and run again'],
    ['DOUBLE', '-1e999', 'a number', 'correct it and run again'],
    ['DOUBLE', 'inf', 'a number', 'correct it and run again'],
    ['DOUBLE', '1_000.5', 'a number', 'correct it and run again'],
    ['DOUBLE', '1.2.3', 'a number', 'correct it and run again'],
    [
      'DOUBLE',
      'NaN',
      'a number',
      'where it means that no value is known, list it in source.null_values of pipeline.json',
    ],
    [
      'DOUBLE',
      'NA',
      'a number',
      'where it means that no value is known, list it in source.null_values of pipeline.json',
    ],
    ...['N/A', 'n.a.', ' na', 'na ', '--', '-.-', '#N/A', '<NA>', 'NULL', 'none', 'unknown', 'missing'].map((value) => [
      'DOUBLE',
      value,
      'a number',
      'where it means that no value is known, list it in source.null_values of pipeline.json',
    ]),
    ['DOUBLE', 'banana', 'a number', 'correct it and run again'],
    ['DOUBLE', 'nancy', 'a number', 'correct it and run again'],
    ['DOUBLE', '-x', 'a number', 'correct it and run again'],
    [
      'BIGINT',
      '?',
      'a whole number',
      'where it means that no value is known, list it in source.null_values of pipeline.json',
    ],
    ['DATE', '2000-01-31 garbage', 'a date such as 2005-12-31', 'correct it and run again'],
    ['DATE', '2000-01-31 10:00:00', 'a date such as 2005-12-31', 'correct it and run again'],
    ['DATE', '2000-01-31 00:00:00+02', 'a date such as 2005-12-31', 'correct it and run again'],
    ['DATE', '2000-01-31T23:30:00-05:00', 'a date such as 2005-12-31', 'correct it and run again'],
    ['DATE', '2000-01-31 (BC)', 'a date such as 2005-12-31', 'correct it and run again'],
    ['DATE', 'epoch', 'a date such as 2005-12-31', 'correct it and run again'],
    ['DATE', 'infinity', 'a date such as 2005-12-31', 'correct it and run again'],
    ['DATE', '31-01-2000', 'a date such as 2005-12-31', 'correct it and run again'],
    ['BOOLEAN', '2', 'true or false', 'correct it and run again'],
    ['BOOLEAN', 'maybe', 'true or false', 'correct it and run again'],
  ])('%s %s', async (type, value, expected, remedy) => {
    await expect(readValue(type, value)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `Line 3 of ${world.csv} holds ${JSON.stringify(value)} in the column value, where ${expected} is expected; ${remedy}.`,
    });
    expect(world.snapshot()).toEqual({});
  });

  test('also below quoted line ends and empty lines, which the line counts', async () => {
    writeFileSync(
      world.csv,
      '"id","da\ny",day,kind,cost\n\n1,"a\nb",2020-01-01,urgent,1\n\n\n2,"c ""\n""\n",2020-01-01,urgent,x\n3,,2020-01-01,urgent,y\n',
    );
    // Lines: 1 and 2 the header, 4 and 5 the first record, 8 the second's beginning.
    await expect(world.bronze()).rejects.toMatchObject({
      message: `Line 8 of ${world.csv} holds "x" in the column cost, where a number is expected; correct it and run again.`,
    });
  });

  test('also below empty lines that end in carriage returns, in a last line without an end', async () => {
    writeFileSync(world.csv, 'id,day,kind,cost\r\n\r\n1,2020-01-01,urgent,1\r\n\r\n2,2020-01-01,urgent,x');
    await expect(world.bronze()).rejects.toMatchObject({
      message: expect.stringContaining(`Line 5 of ${world.csv} holds "x"`) as string,
    });
  });

  test('also in a file of one column, in which an empty line is a row', async () => {
    describeSource({ value: 'INTEGER' });
    world.writeConf(
      'bronze.sql',
      "SELECT value AS id, DATE '2020-01-01' AS day, 'urgent' AS kind, 1.0 AS cost FROM source",
    );
    writeFileSync(world.csv, 'value\n1\n\n\nx\n');
    await expect(world.bronze()).rejects.toMatchObject({
      message: expect.stringContaining(`Line 5 of ${world.csv} holds "x"`) as string,
    });
    writeFileSync(world.csv, 'value\n1\n\n\n4\n');
    await world.bronze();
    expect((await world.rows('bronze', 'bronze')).map(({ id }) => id)).toEqual([1, null, null, 4]);
  });

  test('also where it is long, of which the beginning is told', async () => {
    for (const [length, told] of [
      [60, 'x'.repeat(60)],
      [61, `${'x'.repeat(60)}...`],
    ] as const) {
      await expect(readValue('DOUBLE', 'x'.repeat(length))).rejects.toMatchObject({
        message: expect.stringContaining(`holds "${told}" in`) as string,
      });
    }
  });

  test('and where the file is corrected before its line is looked for, the sentence does without it', async () => {
    describeSource({ id: 'BIGINT' });
    writeFileSync(world.csv, 'id\n1\n');
    const { source } = (await loadPipeline('visits', world.env)).definition;
    const context = { resources: RESOURCES, scratch: world.root, signal: new AbortController().signal };
    const error = await withDuckDb(context, async (database) =>
      badValue(database, world.csv, world.csv, await readCsvHeader(world.csv, ['id']), source),
    );
    expect(error.message).toBe(
      `${world.csv} holds a value that does not fit the type of its column; correct it and run again.`,
    );
  });

  test('also far down in a large file', async () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => `${i === 150_000 ? '150000.5' : i},2020-01-01,urgent,1`);
    writeFileSync(world.csv, `id,day,kind,cost\r\n${rows.join('\r\n')}\r\n`);
    await expect(world.bronze()).rejects.toMatchObject({
      message: expect.stringContaining(`Line 150002 of ${world.csv} holds "150000.5" in the column id`) as string,
    });
  });
});

describe('a value that its type holds is read', () => {
  test.each([
    ['BIGINT', '9223372036854775807', 9223372036854775807n],
    ['BIGINT', '-5', -5n],
    ['BIGINT', '+5', 5n],
    ['BIGINT', '007', 7n],
    ['BIGINT', ' 12 ', 12n],
    // As some programs write the whole numbers of a column in which a value is missing.
    ['BIGINT', '12.0', 12n],
    ['INTEGER', '-5.000', -5],
    ['BIGINT', '9007199254740993.0', 9007199254740993n],
    ['INTEGER', '-2147483648', -2147483648],
    ['DOUBLE', '1', 1],
    ['DOUBLE', '-1.50', -1.5],
    ['DOUBLE', '.5', 0.5],
    ['DOUBLE', '2.28E+06', 2280000],
    ['DOUBLE', '0.1', 0.1],
    ['BOOLEAN', 'TRUE', true],
    ['BOOLEAN', '0', false],
    ['VARCHAR', 'NA', 'NA'],
    ['VARCHAR', '1e999', '1e999'],
  ])('%s %s', async (type, value, expected) => {
    expect(await readValue(type, value)).toBe(expected);
  });

  test.each(['2000-01-31', '2000-1-31', '2000/01/31', ' 2000-01-31 ', '2000-01-31 00:00:00', '2000-01-31T00:00'])(
    'DATE %s',
    async (value) => {
      // 10,987 days from 1970-01-01: 30 years of 365 days, 7 leap days (1972 to 1996) and the 30 days before January 31.
      expect(await readValue('DATE', value)).toEqual({ days: 30 * 365 + 7 + 30 });
    },
  );

  test.each(['NA', '?', '"NA"'])('%s as no value, where the config says so', async (value) => {
    expect(await readValue('DOUBLE', value, ['NA', '?'])).toBe(null);
  });
});

describe('a header', () => {
  const columns: Types = {
    id: 'BIGINT',
    day: 'DATE',
    'default.payment.next.month': 'INTEGER',
    'Größe "in" cm; x': 'DOUBLE',
    "it's": 'VARCHAR',
    text_0: 'VARCHAR',
  };
  const names = 'id,day,default.payment.next.month,"Größe ""in"" cm; x",it\'s,text_0';

  test.each([
    ['of any names', `${names}\n`, '1,2020-01-01,1,2.5,a,b\n'],
    ['with a nameless index column', `,${names}\n`, '0,1,2020-01-01,1,2.5,a,b\n'],
    ['that ends in a comma, as its rows do', `${names},\n`, '1,2020-01-01,1,2.5,a,b,\n'],
    [
      'with two nameless columns and names that stand there twice',
      `,x,${names},x,X,,ID\n`,
      ',0,1,2020-01-01,1,2.5,a,b,9,9,,7\n',
    ],
    [
      "with columns of Perdure's and DuckDB's own names",
      `filename,file_row_number,__perdure_row,${names},rowid\n`,
      'f,1,2,1,2020-01-01,1,2.5,a,b,3\n',
    ],
    ['with a byte order mark', `\uFEFF${names}\n`, '1,2020-01-01,1,2.5,a,b\n'],
  ])('%s is read', async (_what, header, row) => {
    describeSource(columns);
    writeFileSync(world.csv, header + row);
    await world.bronze();
    expect(await world.rows('bronze', 'bronze')).toEqual([
      { id: 1n, day: '2020-01-01', 'default.payment.next.month': 1, 'Größe "in" cm; x': 2.5, "it's": 'a', text_0: 'b' },
    ]);
  });

  test.each([
    [
      'id;day;kind;cost\n1;2020-01-01;urgent;1\n',
      'CSV separates its values by semicolons; save it with commas between them and run again.',
    ],
    [
      '"id"\t"day"\t"kind"\t"cost"\n',
      'CSV separates its values by tabs; save it with commas between them and run again.',
    ],
    ['ID, day,kind,cost\n', 'CSV lacks the columns id, day (it has "ID", " day"); add them or give another file.'],
    ['id,day,kind,cost,cost\n', 'CSV names the column cost twice in its header; rename one and run again.'],
    [
      'id,day,kind,cost\r1,2020-01-01,urgent,1\r',
      'CSV ends its lines with carriage returns alone; save it with line feeds and run again.',
    ],
  ])('%j is refused', async (text, message) => {
    writeFileSync(world.csv, text);
    await expect(world.bronze()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: message.replace('CSV', world.csv),
    });
  });
});
