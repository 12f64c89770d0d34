import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readCsvHeader, readCsvSql } from '../../src/data/csv.js';
import type { SqlValue } from '../../src/data/duckdb.js';
import { sniffCsv } from '../../src/data/inspect/sniff.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();

/** Writes a file and sniffs it. */
async function sniffed(content: string | Buffer, name = 'table.csv') {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return sniffCsv(await opened, path);
}

/** How a file is read, and the values of its column `a` as they are read by that. */
async function readAll(content: string) {
  const path = join(temporaryFolder(), 'read.csv');
  writeFileSync(path, content);
  const database = await opened;
  const reading = await sniffCsv(database, path);
  const sql = readCsvSql(path, await readCsvHeader(path, ['a'], reading), reading);
  return { reading, values: (await database.rows<{ a: SqlValue }>(sql)).map(({ a }) => a) };
}

/** A file of one column after a key, as text. */
const column = (...values: string[]) => `id,x\n${values.map((value, i) => `k${i},${value}`).join('\n')}\n`;
const typeOf = async (...values: string[]) => (await sniffed(column(...values))).columns.x;

describe('types', () => {
  it.each<[string, string[], string]>([
    ['whole numbers', ['1', '-2', '+3'], 'BIGINT'],
    ['numbers with a fraction', ['1', '2.5', '1e-3'], 'DOUBLE'],
    ['numbers with spaces around them', [' 29.85', '1889.5 ', ' '], 'DOUBLE'],
    ['postcodes', ['02134', '90210'], 'VARCHAR'],
    ['decimals that begin with a zero', ['0.5', '0', '00.5'], 'DOUBLE'],
    ['card numbers that no 64 bits hold', ['12345678901234567890', '2'], 'VARCHAR'],
    ['days', ['2005-12-31', '2006-1-1'], 'DATE'],
    ['days with slashes, year first', ['2005/12/31', ''], 'DATE'],
    ['times', ['2005-12-31 10:15:00', '2006-01-01T00:00:00Z'], 'TIMESTAMP'],
    ['times of another offset', ['2005-12-31T10:15:00+02:00'], 'TIMESTAMP'],
    ['times at midnight', ['2005-12-31 00:00:00'], 'DATE'],
    ['booleans', ['True', 'FALSE', 'true'], 'BOOLEAN'],
    ['yes and no', ['yes', 'no'], 'VARCHAR'],
    ['money', ['$1', '$2'], 'DOUBLE'],
    ['numbers with a thousands sign', ['"1,200"', '"3,400"', '"5"'], 'VARCHAR'],
    ['a column without values', ['', ''], 'VARCHAR'],
    ['infinities, which are no number to learn from', ['1.5', 'inf', '-Infinity'], 'DOUBLE'],
    ['digits with underscores', ['1_000'], 'VARCHAR'],
    ['numbers below zero that begin with a zero', ['-01', '2'], 'VARCHAR'],
    ['zeros', ['0', '-0', '+0', ' 0'], 'BIGINT'],
    ['the largest whole number of 64 bits', ['9223372036854775807', '1'], 'BIGINT'],
    ['the next one', ['9223372036854775808', '1'], 'VARCHAR'],
    ['nineteen digits and a fraction', ['1234567890123456789.5', '1'], 'DOUBLE'],
    ['days without a day of that name', ['2005-02-30', '2005-12-31'], 'VARCHAR'],
    ['times of UTC', ['2005-12-31 10:15:00Z', '2005-12-31 10:15:00.25 UTC', '2005-12-31T10:15:00+00:00'], 'TIMESTAMP'],
    ['a day and times', ['2005-12-31', '2005-12-31 10:15'], 'TIMESTAMP'],
    ['booleans with spaces', [' true', 'false '], 'BOOLEAN'],
    ['booleans and a number', ['true', '1'], 'VARCHAR'],
  ])('%s', async (_, values, type) => {
    expect(await typeOf(...values)).toBe(type);
  });

  it('is that of the whole file, whose last row may be another', async () => {
    const numbers = Array.from({ length: 30_000 }, (_, i) => String(i));
    expect(await typeOf(...numbers, '1.5')).toBe('DOUBLE');
    expect(await typeOf(...numbers, 'V27')).toBe('VARCHAR');
    expect((await sniffed(column(...numbers, 'unknown'))).no_numbers).toEqual(['unknown']);
  });
});

describe('texts that say that no value is known', () => {
  it('are found among numbers, as they are written', async () => {
    const { columns, null_values, no_numbers } = await sniffed(column('1', 'NA', ' ', '?', 'n/a', '-', 'None', '2'));
    expect(columns.x).toBe('BIGINT');
    expect([null_values, no_numbers]).toEqual([
      [' ', '?', 'NA', 'n/a'],
      ['-', 'None'],
    ]);
  });

  const anywhere = [
    ...['?', '??', 'na', 'N/A', '#n/a', '<NA>', 'NaN', 'NaT', 'NULL', '(null)', '\\N'],
    ...['#NULL!', '#VALUE!', '#DIV/0!'],
  ];
  const amongNumbers = [
    ...['-', '--', '---', '.', '..', '...', '*', 'n.a.', 'none', 'nil', 'unknown', 'missing', 'undefined'],
    ...['inf', '-inf', '+inf', 'infinity', '-infinity', '+infinity'],
  ];

  it('are all that programs and people write for it', async () => {
    const written = [...anywhere, ...amongNumbers];
    const numbers = await sniffed(column('1.5', ...written));
    expect(numbers.columns.x).toBe('DOUBLE');
    expect(numbers.null_values).toEqual(anywhere.toSorted());
    expect(numbers.no_numbers).toEqual(amongNumbers.toSorted());
    const texts = await sniffed(column('word', ...written));
    expect([texts.columns.x, texts.null_values, texts.no_numbers]).toEqual(['VARCHAR', anywhere.toSorted(), []]);
  });

  it.each(['nana', 'none of them', '?!', 'x-', '....', 'infinite', 'nilx', '(null', '**'])(
    'are no others: %s makes a column text',
    async (text) => {
      expect(await sniffed(column('1.5', text))).toMatchObject({
        columns: { x: 'VARCHAR' },
        null_values: [],
        no_numbers: [],
      });
    },
  );

  it('are told once each, of all columns', async () => {
    expect(await sniffed('a,b,c\nNA,1,-\n1,NA,x\n?,-,NA\n')).toMatchObject({
      columns: { a: 'BIGINT', b: 'BIGINT', c: 'VARCHAR' },
      null_values: ['?', 'NA'],
      no_numbers: ['-'],
    });
  });

  it('are fewer among texts, where "None" is a category', async () => {
    const { columns, null_values, no_numbers } = await sniffed(column('None', 'Norm', '?', '>200', '-'));
    expect(columns.x).toBe('VARCHAR');
    expect([null_values, no_numbers]).toEqual([['?'], []]);
  });
});

describe('dialect and encoding', () => {
  it.each([';', '\t', '|', ','])(
    'finds the delimiter %j, also where values hold the others within quotes',
    async (delimiter) => {
      const {
        header,
        columns,
        delimiter: found,
        quote,
      } = await sniffed(`a b${delimiter}c\n"x,y;z|\t ""q"""${delimiter}1\nw${delimiter}2\n`);
      expect({ header, columns, found, quote }).toEqual({
        header: ['a b', 'c'],
        columns: { 'a b': 'VARCHAR', c: 'BIGINT' },
        found: delimiter,
        quote: '"',
      });
    },
  );

  it('reads values in apostrophes where nothing else quotes, and leaves apostrophes in words alone', async () => {
    expect(await sniffed(`a,b\n'x, y',1\n'z',2\n`)).toMatchObject({
      quote: `'`,
      columns: { a: 'VARCHAR', b: 'BIGINT' },
    });
    expect((await readAll(`'a','b'\n'x, y',1\n'it''s',2\n`)).values).toEqual(['x, y', "it's"]);
    expect(await sniffed(`a,b\nl'eau,1\nd'or,2\n`)).toMatchObject({
      quote: '"',
      columns: { a: 'VARCHAR', b: 'BIGINT' },
    });
  });

  it('reads decimal commas, unless another column has points', async () => {
    expect(await sniffed('a;b\n1,5;2\n-2;3\n')).toMatchObject({ decimal: ',', columns: { a: 'DOUBLE', b: 'BIGINT' } });
    expect(await sniffed('a;b\n1,5;2.5\n-2;3\n')).toMatchObject({ columns: { a: 'VARCHAR', b: 'DOUBLE' } });
    expect(await sniffed('a;b\n1,500;2\n2;3\n')).toMatchObject({ columns: { a: 'VARCHAR' } });
    // Three digits after the comma may be a thousand, unless there is a zero before it or another column tells.
    expect(await sniffed('a;b\n0,500;2\n-2,250;3\n')).toMatchObject({ decimal: ',', columns: { a: 'DOUBLE' } });
    expect(await sniffed('a;b\n1,500;2,5\n2;3\n')).toMatchObject({ columns: { a: 'DOUBLE', b: 'DOUBLE' } });
    const plain = await sniffed('a;b\n1,5e3;2\n-2E-1;3\n');
    expect(plain).toMatchObject({ decimal: ',', columns: { a: 'DOUBLE', b: 'BIGINT' } });
    expect(plain.number_signs).toBeUndefined();
    expect(await sniffed('a;b\n1.234,50;2,5\n2;3\n')).toMatchObject({
      decimal: ',',
      number_signs: true,
      columns: { a: 'DOUBLE', b: 'DOUBLE' },
    });
    const points = await sniffed('a;b\n1.5;2\n2;3\n');
    expect([points.decimal, points.number_signs, points.date_format]).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ['dollars', ['$1,200', '$950.50', '-$3'], [1200, 950.5, -3]],
    ['percent', ['13.5%', '7 %', '0%'], [13.5, 7, 0]],
    ['thousands with points', ['1,234.50', '12,345,678.00', '7'], [1234.5, 12345678, 7]],
    ['thousands beyond a million', ['1,234,567', '12,345'], [1234567, 12345]],
    ['a balance', ['(1,250.00)', '300.00', '"(7)"'], [-1250, 300, -7]],
    ['euros', ['1.234,50 €', '7,00 €', '12 €'], [1234.5, 7, 12]],
    ['thousands in spaces', ['1 234', '1 234 567', '12'], [1234, 1234567, 12]],
    ['thousands with apostrophes', ["1'234.5", "12'000", '3'], [1234.5, 12000, 3]],
    ['pounds', ['£1', '£1,000'], [1, 1000]],
  ])('reads numbers with signs: %s', async (_, values, numbers) => {
    const read = await readAll(['a;b', ...values.map((value) => `${value};x`), ''].join('\n'));
    expect(read.reading.columns.a).toBe('DOUBLE');
    expect(read.reading.number_signs).toBe(true);
    expect(read.values).toEqual(numbers);
  });

  it.each([
    ['two currencies', ['$1,200', '€950']],
    ['percent and not', ['5%', '5']],
    ['groups that are no thousands', ['$12,34', '$1,234.5']],
    ['names of one length', ['555 123 456', '555 987 321']],
    ['a range', ['10-20', '20-30']],
  ])('leaves as text what is not one kind of number: %s', async (_, values) => {
    expect((await sniffed(['a;b', ...values.map((value) => `${value};x`), ''].join('\n'))).columns.a).toBe('VARCHAR');
  });

  it('takes commas between three digits for thousands where many different ones stand beside short numbers', async () => {
    const many = Array.from({ length: 60 }, (_, i) => `"${i + 1},${String(101 + i)}"`);
    expect(await typeOf(...many, '7')).toBe('DOUBLE');
    expect(await typeOf(...many)).toBe('VARCHAR');
    expect(await typeOf(...many.slice(0, 50), '7')).toBe('DOUBLE');
    expect(await typeOf(...many.slice(0, 49), many[0]!, '7')).toBe('VARCHAR');
    expect(await sniffed(['a;b', '1,500;2.5', '2;3', ''].join('\n'))).toMatchObject({
      number_signs: true,
      columns: { a: 'DOUBLE' },
    });
  });

  it('brings moments with an offset to UTC', async () => {
    const { reading, values } = await readAll('a,b\n2020-01-01T00:30:00+02:00,1\n2020-06-30T23:30:00-0330,2\n');
    expect(reading.columns.a).toBe('TIMESTAMP');
    // By hand: two hours earlier, and three and a half later.
    expect(values.map(String)).toEqual(['2019-12-31 22:30:00', '2020-07-01 03:00:00']);
  });

  it.each([
    ['%Y/%m/%d %H:%M', 'TIMESTAMP', ['2001/01/01 00:47', '2001/12/31 1:10']],
    ['%d.%m.%y', 'DATE', ['31.12.22', '1.2.23']],
    ['%d/%b/%Y', 'DATE', ['31/Dec/2022', '01/May/2023']],
    ['%d %b %y', 'DATE', ['31 Dec 22', '1 May 23']],
    ['%d %B %Y', 'DATE', ['31 December 2022', '1 May 2023']],
    ['%B %d, %Y', 'DATE', ['December 31, 2022', 'May 1, 2023']],
    ['%Y-%m', 'DATE', ['2022-12', '2023-01']],
    ['%b-%y', 'DATE', ['Dec-22', 'May-23']],
    ['%B %Y', 'DATE', ['December 2022', 'May 2023']],
    ['%m/%d/%Y', 'DATE', ['12/31/2022', '1/2/2023']],
    ['%d/%m/%Y', 'DATE', ['31/12/2022', '2/1/2023']],
    ['%m-%d-%Y', 'DATE', ['12-31-2022', '1-2-2023']],
    ['%d-%m-%Y', 'DATE', ['31-12-2022', '2-1-2023']],
    ['%Y.%m.%d', 'DATE', ['2022.12.31', '2023.1.2']],
    ['%m/%d/%y', 'DATE', ['12/31/22', '1/2/23']],
    ['%d/%m/%y', 'DATE', ['31/12/22', '2/1/23']],
    ['%d-%b-%Y', 'DATE', ['31-Dec-2022', '1-May-2023']],
    ['%d-%b-%y', 'DATE', ['31-Dec-22', '1-May-23']],
    ['%d %b %Y', 'DATE', ['31 Dec 2022', '1 Feb 2023']],
    ['%b %d %Y', 'DATE', ['Dec 31 2022', 'Feb 1 2023']],
    ['%b %d, %Y', 'DATE', ['Dec 31, 2022', 'Feb 1, 2023']],
    ['%b-%Y', 'DATE', ['Dec-2022', 'Feb-2023']],
    ['%b %Y', 'DATE', ['Dec 2022', 'Feb 2023']],
    ['%d.%m.%Y %H:%M:%S', 'TIMESTAMP', ['31.12.2022 23:59:58', '1.2.2023 1:02:03']],
    ['%m/%d/%Y %I:%M %p', 'TIMESTAMP', ['12/31/2022 11:59 PM', '1/2/2023 1:02 am']],
    ['%m/%d/%Y %I:%M:%S %p', 'TIMESTAMP', ['12/31/2022 11:59:58 PM', '1/2/2023 1:02:03 AM']],
    ['%Y-%m-%d %H:%MZ', 'TIMESTAMP', ['2022-12-31 23:59Z', '2023-01-02 03:04Z']],
    ['%Y-%m-%dT%H:%M UTC', 'TIMESTAMP', ['2022-12-31T23:59 UTC', '2023-01-02T03:04 UTC']],
    ['%Y-%m-%dT%H:%M%z', 'TIMESTAMP', ['2022-12-31T23:59+02:00', '2023-01-02T03:04-0330']],
    ['%Y-%m-%dT%H:%M:%S%z', 'TIMESTAMP', ['2022-12-31T23:59:58+02:00', '2023-01-02T03:04:05-0330']],
    ['%Y-%m-%dT%H:%M:%S %z', 'TIMESTAMP', ['2022-12-31T23:59:58 +02:00', '2023-01-02T03:04:05 -03']],
    ['%Y-%m-%dT%H:%M:%S.%f%z', 'TIMESTAMP', ['2022-12-31T23:59:58.5+02:00', '2023-01-02T03:04:05.123456-03:30']],
    ['%Y-%m-%dT%H:%M:%S.%f %z', 'TIMESTAMP', ['2022-12-31T23:59:58.5 +02:00', '2023-01-02T03:04:05.123 -03:30']],
    ['%Y-%m-%d %H:%M:%S%z', 'TIMESTAMP', ['2022-12-31 23:59:58+02:00', '2023-01-02 03:04:05-0330']],
    ['%Y-%m-%d %H:%M:%S %z', 'TIMESTAMP', ['2022-12-31 23:59:58 +02:00', '2023-01-02 03:04:05 -0330']],
    ['%Y-%m-%d %H:%M:%S.%f%z', 'TIMESTAMP', ['2022-12-31 23:59:58.5+02:00', '2023-01-02 03:04:05.123-0330']],
    ['%Y-%m-%d %H:%M:%S.%f %z', 'TIMESTAMP', ['2022-12-31 23:59:58.5 +02:00', '2023-01-02 03:04:05.123 -0330']],
  ])('reads days and moments as %s', async (format, type, values) => {
    const quoted = values.map((value) => `"${value}"`);
    expect(await sniffed(column(...quoted))).toMatchObject({ date_format: format, columns: { x: type } });
  });

  it.each([
    ['days', '%d.%m.%Y', ['31.12.2022', '', '1.2.2023', 'n/a', ' 2.1.2023 ']],
    ['moments', '%m/%d/%Y %H:%M', ['12/31/2022 23:59', '', '-', '1/2/2023 1:02']],
    ['moments with an offset', '%Y-%m-%dT%H:%M:%S%z', ['2022-12-31T23:59:58+02:00', 'NULL', '']],
    ['days without signs', '%Y%m%d', ['', 'unknown', ...Array.from({ length: 12 }, (_, i) => String(20_230_101 + i))]],
  ])('reads %s some of which are not known', async (_, format, values) => {
    const { date_format, columns } = await sniffed(column(...values));
    expect([date_format, columns.x]).toEqual([format, format.includes('%H') ? 'TIMESTAMP' : 'DATE']);
  });

  it('reads days in whatever rows have one', async () => {
    const { values } = await readAll('a;b\n31.12.2022;x\n;y\n1.2.2023;z\n');
    expect(values.map((value) => value && String(value))).toEqual(['2022-12-31', null, '2023-02-01']);
  });

  it('takes whole numbers for days where all of many are', async () => {
    const days = Array.from({ length: 12 }, (_, i) => String(20_230_101 + i));
    expect(await sniffed(column(...days))).toMatchObject({ date_format: '%Y%m%d', columns: { x: 'DATE' } });
    // A thirteenth month, and too few to know.
    expect(await typeOf(...days, '20231301')).toBe('BIGINT');
    expect(await typeOf(...days.slice(0, 10), days[0]!)).toBe('DATE');
    expect(await typeOf(...days.slice(0, 9), days[0]!)).toBe('BIGINT');
    expect(await typeOf(...days, '18991231')).toBe('BIGINT');
  });

  it('takes a day for one only where it can tell the month', async () => {
    expect(await sniffed(column('31/01/2020', '01/02/2020'))).toMatchObject({
      date_format: '%d/%m/%Y',
      columns: { x: 'DATE' },
    });
    expect(await sniffed(column('1/31/2020 9:05', '1/2/2020 10:00'))).toMatchObject({
      date_format: '%m/%d/%Y %H:%M',
      columns: { x: 'TIMESTAMP' },
    });
    expect(await sniffed(column('01/02/2020', '03/04/2020'))).toMatchObject({ columns: { x: 'VARCHAR' } });
    expect(await sniffed(column('Dec-2020', '31.12.2020'))).toMatchObject({ columns: { x: 'VARCHAR' } });
    expect(await sniffed('a,b\n13.01.2020,01.02.2020\n')).toMatchObject({
      date_format: '%d.%m.%Y',
      columns: { a: 'DATE', b: 'DATE' },
    });
    // One format is that of the file: the one that more columns have.
    const others = 'Dec-2020,13.01.2020,31.12.2020,14.01.2020';
    expect(await sniffed(`a,b,c,d\n${others}\n`)).toMatchObject({
      date_format: '%d.%m.%Y',
      columns: { a: 'VARCHAR', b: 'DATE', c: 'DATE', d: 'DATE' },
    });
    // What one column tells of the order holds for the other, of which alone it can't be told.
    expect(await sniffed('a,b\n1/13/2020,1/2/2020\n')).toMatchObject({
      date_format: '%m/%d/%Y',
      columns: { a: 'DATE', b: 'DATE' },
    });
  });

  it.each<[string, Buffer]>([
    ['utf-8', Buffer.from('name,n\nMüller,1\n')],
    ['utf-8', Buffer.from('\uFEFFname,n\nMüller,1\n')],
    ['utf-16le', Buffer.from('\uFEFFname,n\nMüller,1\n', 'utf16le')],
    ['utf-16be', Buffer.from('\uFEFFname,n\nMüller,1\n', 'utf16le').swap16()],
    ['windows-1252', Buffer.from('name,n\nM\xfcller \x80,1\n', 'latin1')],
  ])('reads %s', async (encoding, content) => {
    expect(await sniffed(content)).toMatchObject({
      encoding,
      header: ['name', 'n'],
      columns: { name: 'VARCHAR', n: 'BIGINT' },
    });
  });

  it('reads a name with an accent at the end of a long file', async () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => `name number ${i},1`).join('\n');
    expect((await sniffed(Buffer.from(`name,n\n${rows}\nM\xfcller,2\n`, 'latin1'))).encoding).toBe('windows-1252');
    expect((await sniffed(`name,n\n${rows}\nMüller,2\n`)).encoding).toBe('utf-8');
  });

  it('leaves out columns that can not be named, and reads a file whose name is a pattern', async () => {
    const { header, columns } = await sniffed('"",a,a,constructor\n1,2,3,4\n', 'a[1]*.csv');
    expect(header).toEqual(['', 'a', 'a', 'constructor']);
    expect(columns).toEqual({ a: 'BIGINT', constructor: 'BIGINT' });
    expect(await sniffed('file_row_number,"",__perdure_row\n1,2,3\n')).toMatchObject({ columns: {}, null_values: [] });
  });
});

describe('refusals in one sentence', () => {
  it.each<[string, string | Buffer, RegExp]>([
    ['an empty file', '', /is empty; give a CSV with a header line\.$/],
    [
      'a compressed one',
      Buffer.from([0x1f, 0x8b, 8, 0]),
      /is compressed with gzip; unpack it and give the file within\.$/,
    ],
    [
      'a spreadsheet',
      Buffer.from('PK\x03\x04zzzz'),
      /is a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV\.$/,
    ],
    [
      'rows of differing lengths',
      'a,b\n1,2\n1,2,3\n4,5\n',
      /^Line 3 of .*table\.csv has 3 values where the header names 2 columns/,
    ],
    [
      'carriage returns',
      'a,b\r1,2\r',
      /table\.csv ends its lines with carriage returns alone; save it with line feeds and run again\.$/,
    ],
    [
      'an old spreadsheet',
      Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 1]),
      /table\.csv is a spreadsheet; save the sheet as CSV\.$/,
    ],
    ['a Parquet file', 'PAR1....', /table\.csv is a Parquet file; write it as CSV\.$/],
    [
      'one compressed with zstd',
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1]),
      /table\.csv is compressed with zstd; unpack it and give the file within\.$/,
    ],
    [
      'bytes that are no text',
      Buffer.from('a,b\n1,\0\n'),
      /table\.csv holds bytes of value 0, so it is no text; save it as CSV in UTF-8\.$/,
    ],
    ['an empty first line', '\na,b\n1,2\n', /table\.csv begins with an empty line; give a CSV with a header line\.$/],
    ['a first line of separators', ' , \n1,2\n', /table\.csv begins with an empty line; give a CSV with a header/],
  ])('%s', async (_, content, message) => {
    await expect(sniffed(content)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('leave nothing behind, nor does a file that can be read', async () => {
    const folder = temporaryFolder();
    vi.stubEnv('TMPDIR', folder);
    try {
      await sniffed(Buffer.from('name,n\nM\xfcller,1\n', 'latin1'));
      await expect(sniffed('\na,b\n')).rejects.toThrow('begins with an empty line');
      expect(readdirSync(folder).filter((name) => name.startsWith('perdure-csv-'))).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('a file that is not there', async () => {
    const path = join(temporaryFolder(), 'absent.csv');
    await expect(sniffCsv(await opened, path)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `There is no file ${path}; check the path.`,
      cause: { code: 'ENOENT' },
    });
    writeFileSync(path, 'a,b\n1,2\n');
    const below = join(path, 'table.csv');
    await expect(sniffCsv(await opened, below)).rejects.toThrow(`There is no file ${below}; check the path.`);
  });
});

describe('records', () => {
  it('decide the delimiter: that under which most of them have as many fields as the header', async () => {
    // By the header alone there are more commas.
    expect(await sniffed('a, b;c, d;e, f, g\n1;2;3\n4;5;6\n')).toMatchObject({
      delimiter: ';',
      header: ['a, b', 'c, d', 'e, f, g'],
    });
    expect(await sniffed('word\nthis; that; other\n')).toMatchObject({ delimiter: ',', header: ['word'] });
  });

  it('end with carriage returns and line feeds, or with line feeds alone where some do', async () => {
    expect(await sniffed('a,b\r\n1,x\r\n2,y\r\n')).toMatchObject({ columns: { a: 'BIGINT', b: 'VARCHAR' } });
    expect(await sniffed('a\n1')).toMatchObject({ header: ['a'], columns: { a: 'BIGINT' } });
    // A carriage return at the very end is none alone.
    expect(await sniffed('a,b\r')).toMatchObject({ header: ['a', 'b'], columns: { a: 'VARCHAR', b: 'VARCHAR' } });
  });

  it('decide nothing where the first mebibyte ends within one', async () => {
    const text = `${'x'.repeat((1 << 20) - 100)},${'y'.repeat(200)}`;
    expect(await sniffed(`a;b,c\n1;2\n${text};3\n`)).toMatchObject({ delimiter: ';', header: ['a', 'b,c'] });
  });

  it('of which one may be empty', async () => {
    expect(await sniffed('x\n1\n\n2\n')).toMatchObject({ columns: { x: 'BIGINT' } });
  });

  it('hold quotes only where one stands at the beginning of a value', async () => {
    expect(await sniffed('a,b\n5" pipe,1\n6" pipe,2\n')).toMatchObject({
      header: ['a', 'b'],
      columns: { b: 'BIGINT' },
    });
    expect(await sniffed('"a ""x""",b\r\n"1\r\n2",3\r\n')).toMatchObject({
      header: ['a "x"', 'b'],
      columns: { 'a "x"': 'VARCHAR', b: 'BIGINT' },
    });
    expect(await sniffed(`'a';'b;c'\n'1';'x'\n`)).toMatchObject({ quote: `'`, delimiter: ';', header: ['a', 'b;c'] });
  });

  it('may be without an end, and so may a header', async () => {
    expect(await sniffed('a;b\n1;2')).toMatchObject({ delimiter: ';', columns: { a: 'BIGINT', b: 'BIGINT' } });
    expect(await sniffed('a;b')).toMatchObject({ delimiter: ';', header: ['a', 'b'] });
  });
});
