import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  badValue,
  isBadValue,
  numberWithSigns,
  readCsvHeader,
  readCsvSql,
  sourceReading,
  writtenOut,
  type SourceReading,
} from '../../src/data/csv.js';
import type { Encoding } from '../../src/data/inspect/encoding.js';
import { literal, type SqlValue } from '../../src/data/duckdb.js';
import type { ColumnType } from '../../src/config/schema.js';
import { PerdureError } from '../../src/errors.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();

function fileOf(content: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'table.csv');
  writeFileSync(path, content);
  return path;
}

const header = (content: string | Uint8Array, wanted: string[] = [], reading: Partial<SourceReading> = {}) =>
  readCsvHeader(fileOf(content), wanted, reading);

/** What is said of a header, with CSV for the file's path. */
async function refusal(content: string, wanted: string[] = [], reading: Partial<SourceReading> = {}): Promise<string> {
  const path = fileOf(content);
  const error: unknown = await readCsvHeader(path, wanted, reading).catch((error: unknown) => error);
  expect(error).toMatchObject({ type: 'InputInvalid' });
  return (error as Error).message.replace(path, 'CSV');
}

describe('a header', () => {
  it.each<[string, string | Uint8Array, Partial<SourceReading>, string[], string, Encoding?]>([
    ['plain', 'a,b\n1,2\n', {}, ['a', 'b'], '\n'],
    ['of Windows', 'a,b\r\n1,2\r\n', {}, ['a', 'b'], '\r\n'],
    ['quoted, of Windows', '"a","b"\r\n1,2\r\n', {}, ['a', 'b'], '\r\n'],
    ['without a line end', 'a,b', {}, ['a', 'b'], '\n'],
    ['that ends in a quote', 'a,"b"', {}, ['a', 'b'], '\n'],
    ['of one column', 'a\n', {}, ['a'], '\n'],
    ['with an empty name at the end', 'a,\n', {}, ['a', ''], '\n'],
    [
      'with separators, quotes and line ends in its names',
      '"a,1","b ""2""","c\r\n3"\nx',
      {},
      ['a,1', 'b "2"', 'c\r\n3'],
      '\n',
    ],
    ['with a quote within a name', 'a"b,c\n', {}, ['a"b', 'c'], '\n'],
    ['with text after a closing quote', '"a"b,c\n', {}, ['"a"b', 'c'], '\n'],
    ['with an empty name in quotes', '"",b\n', {}, ['', 'b'], '\n'],
    ['with spaces, which belong to the names', ' a , b\n', {}, [' a ', ' b'], '\n'],
    ['by semicolons', 'a;"b;c"\n', { delimiter: ';' }, ['a', 'b;c'], '\n'],
    ['by vertical bars', 'a|b,c\n', { delimiter: '|' }, ['a', 'b,c'], '\n'],
    ['by tabs', 'a\tb\r\n', { delimiter: '\t' }, ['a', 'b'], '\r\n'],
    ['in apostrophes', `'a,1','it''s',c"d\n`, { quote: `'` }, ['a,1', `it's`, 'c"d'], '\n'],
    ['with a byte order mark', '\uFEFFa,b\n', {}, ['a', 'b'], '\n'],
    ['in UTF-16, with a byte order mark', Buffer.from('\uFEFFa,ü\r\n', 'utf16le'), {}, ['a', 'ü'], '\r\n', 'utf-16le'],
    [
      'in UTF-16 of the other order of bytes',
      Buffer.from('\uFEFFa,ü\r\n', 'utf16le').swap16(),
      {},
      ['a', 'ü'],
      '\r\n',
      'utf-16be',
    ],
    [
      "in Windows' Western set",
      Buffer.from('a,\xfc\n', 'latin1'),
      { encoding: 'windows-1252' },
      ['a', 'ü'],
      '\n',
      'windows-1252',
    ],
    ['above a carriage return within a value', 'a,b\n"1\r2",3\n', {}, ['a', 'b'], '\n'],
  ])('%s', async (_what, content, reading, columns, newLine, encoding = 'utf-8') => {
    expect(await header(content, [], reading)).toEqual({ columns, newLine, encoding });
  });

  it('of any names that are quoted as they must be is read as they are', async () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'ß', ' ', '"', ',', ';', '\n', '\r', "'"), maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 5 }), async (names) => {
        fc.pre(names.some((name) => name.trim() !== ''));
        const line = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
        const path = fileOf(`${line}\n1\n`);
        expect((await readCsvHeader(path, [])).columns).toEqual(names);
      }),
      { numRuns: 50 },
    );
  });

  it('may be long: 60,000 columns', async () => {
    const names = Array.from({ length: 60_000 }, (_, i) => `column_${i}`);
    expect((await header(`${names.join(',')}\n1\n`, ['column_59999'])).columns).toEqual(names);
  });

  it.each<[string, string, string[], Partial<SourceReading>, string]>([
    ['nothing', '', [], {}, 'CSV is empty; give a CSV with a header line.'],
    ['an empty line', '\n1,2\n', [], {}, 'CSV is empty; give a CSV with a header line.'],
    ['names of spaces alone', ' ,  ,\t\n1,2,3\n', [], {}, 'CSV is empty; give a CSV with a header line.'],
    ...['a,b\r1,2\r', 'a,b\r'].map((content): [string, string, string[], Partial<SourceReading>, string] => [
      `line ends that are carriage returns alone in ${JSON.stringify(content)}`,
      content,
      ['a'],
      {},
      'CSV ends its lines with carriage returns alone; save it with line feeds and run again.',
    ]),
    ['a missing column', 'a,b\n', ['a', 'c'], {}, 'CSV lacks the column c; add it or give another file.'],
    [
      'nine missing columns',
      'a,b\n',
      ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
      {},
      'CSV lacks the columns 1, 2, 3, 4, 5, 6, 7, 8, and 1 more; add them or give another file.',
    ],
    [
      'eight missing columns',
      'a,b\n',
      ['1', '2', '3', '4', '5', '6', '7', '8'],
      {},
      'CSV lacks the columns 1, 2, 3, 4, 5, 6, 7, 8; add them or give another file.',
    ],
    [
      'columns in other letters, and with spaces on either side',
      'A, b,c\n',
      ['a', 'b ', 'd'],
      {},
      'CSV lacks the columns a, b , d (it has "A", " b"); add them or give another file.',
    ],
    [
      'a column twice',
      'a,b,a\n',
      ['a', 'b'],
      {},
      'CSV names the column a twice in its header; rename one and run again.',
    ],
    [
      'vertical bars',
      'a|b\n',
      ['a', 'b'],
      {},
      'CSV separates its values by vertical bars; save it with commas between them and run again.',
    ],
    [
      'tabs',
      "'a\t1'\tb\n",
      ['a\t1', 'b'],
      { quote: `'` },
      'CSV separates its values by tabs; save it with commas between them and run again.',
    ],
    [
      'one of the wanted columns between semicolons',
      'a;c\n',
      ['a', 'b'],
      {},
      'CSV lacks the columns a, b; add them or give another file.',
    ],
  ])('is refused with %s', async (_what, content, wanted, reading, message) => {
    expect(await refusal(content, wanted, reading)).toBe(message);
  });

  it('may name a column twice that is not wanted', async () => {
    expect((await header('a,b,a\n', ['b'])).columns).toEqual(['a', 'b', 'a']);
  });

  it.each(['absent.csv', 'file/absent.csv'])('is not read from %s, which is not there', async (name) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    const path = join(folder, name);
    await expect(readCsvHeader(path, [])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `There is no file ${path}; check the path, which must be one that the workers can read.`,
      cause: { code: name === 'absent.csv' ? 'ENOENT' : 'ENOTDIR' },
    });
  });

  it('is not read from a path that the system refuses', async () => {
    const path = join(temporaryFolder(), 'x'.repeat(300));
    await expect(readCsvHeader(path, [])).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringContaining('ENAMETOOLONG') as string,
    });
  });

  it.skipIf(process.platform !== 'linux')('leaves its file closed', async () => {
    const path = fileOf('a\n');
    await readCsvHeader(path, ['a']);
    await expect(readCsvHeader(path, ['b'])).rejects.toThrow();
    await expect(badValueOf(path, 'a\n1\nx\n2\n', { columns: { a: 'BIGINT' } })).resolves.toContain('Line 3');
    await expect.poll(() => openFiles(path)).toBe(0);
  });
});

/** How many descriptors of this process are of a file. */
function openFiles(path: string): number {
  const folder = '/proc/self/fd';
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(join(folder, name)) === path;
    } catch {
      return false;
    }
  }).length;
}

/** Microseconds of a TIMESTAMP since 1970. */
const micros = (value: unknown) => (value as { micros: bigint }).micros;

/** The rows of a CSV by a reading. */
async function rows(content: string, reading: Omit<SourceReading, 'null_values'> & { null_values?: string[] }) {
  const path = fileOf(content);
  const source = { null_values: [], ...reading };
  const sql = readCsvSql(path, await readCsvHeader(path, Object.keys(source.columns), source), source);
  return (await opened).rows<Record<string, SqlValue>>(`SELECT * FROM (${sql})`);
}

describe('the rows of a CSV', () => {
  it('are those of the wanted columns, in their order, whatever else it holds', async () => {
    expect(
      await rows('a,b,c\n1,x,2.5\n2,"y, ""z""",\n', { columns: { c: 'DOUBLE', b: 'VARCHAR', a: 'INTEGER' } }),
    ).toEqual([
      { c: 2.5, b: 'x', a: 1 },
      { c: null, b: 'y, "z"', a: 2 },
    ]);
  });

  it('end where their lines do, also those of Windows', async () => {
    expect(await rows('a,b\r\n1,x\r\n2,y\r\n', { columns: { a: 'BIGINT', b: 'VARCHAR' } })).toEqual([
      { a: 1n, b: 'x' },
      { a: 2n, b: 'y' },
    ]);
  });

  it('are divided, quoted and left out as the reading says', async () => {
    expect(
      await rows(`a;'b;1'\n'x;y';1,5\n?;-\n'it''s "so"';NA\n`, {
        columns: { a: 'VARCHAR', 'b;1': 'DOUBLE' },
        delimiter: ';',
        quote: `'`,
        decimal: ',',
        null_values: ['?', 'NA'],
        no_numbers: ['-'],
      }),
    ).toEqual([
      { a: 'x;y', 'b;1': 1.5 },
      { a: null, 'b;1': null },
      { a: `it's "so"`, 'b;1': null },
    ]);
  });

  it.each([
    ['2024-01-31 23:30:00', '2024-01-31 23:30:00'],
    ['2024-01-31T23:30:00Z', '2024-01-31 23:30:00'],
    ['2024-01-31 23:30:00-05', '2024-02-01 04:30:00'],
    [' 2024-01-31T23:30:00.25-05:00 ', '2024-02-01 04:30:00.25'],
    ['2024-03-31 01:30:00+01:00', '2024-03-31 00:30:00'],
    // An hour later by the clock on the wall, as summer has begun meanwhile.
    ['2024-03-31 03:30:00+02:00', '2024-03-31 01:30:00'],
    ['2024-01-31', '2024-01-31 00:00:00'],
  ])('have the moment %j as %j: one with an offset is brought to UTC', async (text, expected) => {
    const [row] = await rows(`a,b\n${text},1\n`, { columns: { a: 'TIMESTAMP' } });
    expect(micros(row!.a)).toBe(BigInt(Date.parse(`${expected.replace(' ', 'T')}Z`)) * 1000n);
  });

  it('fail for a value that its type does not hold, and for that alone in these words', async () => {
    const failure = (content: string) =>
      rows(content, { columns: { a: 'INTEGER' } }).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(isBadValue(await failure('a,b\n1,2\n1.5,2\n'))).toBe(true);
    const torn = await failure('a,b\n1,2\n1\n');
    expect(torn).toBeInstanceOf(PerdureError);
    expect(isBadValue(torn)).toBe(false);
    const words = 'a value of the CSV does not fit the type of its column';
    expect(isBadValue(new Error(words, { cause: new Error(words) }))).toBe(false);
    expect(isBadValue(new PerdureError('InputInvalid', words))).toBe(false);
    expect(isBadValue(new PerdureError('InputInvalid', '', { cause: { message: words } }))).toBe(false);
    expect(isBadValue(words)).toBe(false);
  });
});

/** What is said of the first bad value of a CSV. */
async function badValueOf(
  path: string,
  content: string | Uint8Array,
  reading: Omit<SourceReading, 'null_values'>,
): Promise<string> {
  writeFileSync(path, content);
  const source = { null_values: [], ...reading };
  const found = await readCsvHeader(path, [], source);
  const error = await badValue(await opened, 'CSV', path, found, source);
  expect(error.type).toBe('InputInvalid');
  return error.message;
}

describe('the first value that its column cannot hold', () => {
  const told = (content: string, reading: Omit<SourceReading, 'null_values'>) =>
    badValueOf(join(temporaryFolder(), 'table.csv'), content, reading);
  const AS_NULL = 'where it means that no value is known, list it in source.null_values of pipeline.json';
  const AS_DOUBLE = 'correct it, or declare the column DOUBLE in pipeline.json, and run again';

  it.each<[ColumnType, string, string, string]>([
    ['BIGINT', '1.5', 'a whole number', AS_DOUBLE],
    ['INTEGER', '-2147483649', 'a whole number from -2147483648 to 2147483647', AS_DOUBLE],
    ['DOUBLE', '0x10', 'a number', 'correct it and run again'],
    ['DATE', '1e3', 'a date such as 2005-12-31', 'correct it and run again'],
    ['TIMESTAMP', '2005-12-31 25:00:00', 'a moment such as 2005-12-31 23:59:59', 'correct it and run again'],
    ...['infinity', 'epoch'].map((value): [ColumnType, string, string, string] => [
      'TIMESTAMP',
      value,
      'a moment such as 2005-12-31 23:59:59',
      'correct it and run again',
    ]),
    ['BOOLEAN', '3', 'true or false', 'correct it and run again'],
    ...['na', 'n.a', 'n/a', 'n./a.', ' NaT ', 'nil', '.', '???', '-', '  --  '].map(
      (value): [ColumnType, string, string, string] => ['DATE', value, 'a date such as 2005-12-31', AS_NULL],
    ),
    ...['xna', 'nax', 'n..a', 'n//a', 'na..', 'not na', '?x', 'x?', '-1?'].map(
      (value): [ColumnType, string, string, string] => [
        'DATE',
        value,
        'a date such as 2005-12-31',
        'correct it and run again',
      ],
    ),
  ])('of the type %s: %j', async (type, value, expected, remedy) => {
    expect(await told(`a,b\n1,\n2,${value}\n`, { columns: { a: 'VARCHAR', b: type } })).toBe(
      `Line 3 of CSV holds ${JSON.stringify(value)} in the column b, where ${expected} is expected; ${remedy}.`,
    );
  });

  it.each<[string, string, Omit<SourceReading, 'null_values'>, number, string]>([
    [
      'the first of several, by row and then by column',
      'a,b\n1,2\n3,x\ny,z\n',
      { columns: { b: 'BIGINT', a: 'BIGINT' } },
      3,
      'b',
    ],
    ['below a quote within a value', 'a,b\n5" pipe,1\nc,2\nd,x\n', { columns: { a: 'VARCHAR', b: 'BIGINT' } }, 4, 'b'],
    [
      'below line ends in quotes, in the header and in a last value',
      '"a\n1",b\n1,"x\ny"\nz,2\n',
      { columns: { b: 'VARCHAR', 'a\n1': 'INTEGER' } },
      5,
      'a\n1',
    ],
    [
      'below line ends in apostrophes',
      `a,b\n'c\n"d\n',1\nit's,2\n'',3\n'e''\n',x\n`,
      { columns: { a: 'VARCHAR', b: 'BIGINT' }, quote: `'` },
      7,
      'b',
    ],
    ['below quotes after semicolons', 'a;b\n1;"x\ny"\nz;1\n', { columns: { a: 'BIGINT' }, delimiter: ';' }, 4, 'a'],
    ['below quoted empty values', 'a\n""\n"1"\n"x"\n', { columns: { a: 'BIGINT' } }, 4, 'a'],
    [
      'below a byte order mark and a header in quotes',
      '\uFEFF"a",c\n1,2\n"1\n",x\n',
      { columns: { c: 'BIGINT' } },
      3,
      'c',
    ],
    ['below empty lines', 'a,b\n\n\n1,2\n\n1,x\n', { columns: { b: 'BIGINT' } }, 6, 'b'],
    [
      'in a quoted first value below a record that begins so',
      'a,b\n"1\n2",3\n"x\ny",z\n',
      { columns: { b: 'BIGINT' } },
      4,
      'b',
    ],
  ])('is told with its line: %s', async (_what, content, reading, line, column) => {
    expect(await told(content, reading)).toMatch(
      new RegExp(`^Line ${line} of CSV holds "[xz]" in the column ${column}, where`),
    );
  });

  it('is a text as the reading has it: one that says that no value is known is none, one in other signs is', async () => {
    const reading = { columns: { a: 'DOUBLE' as const }, no_numbers: ['-'], decimal: ',' as const };
    expect(await told('a;b\n-;1\n1,5;2\n1.5.0;3\n', { ...reading, delimiter: ';' })).toMatch(
      /^Line 4 of CSV holds "1\.5\.0" in the column a/,
    );
  });
});

describe('a text as casts read it', () => {
  const SIGNS = { number_signs: true } as const;
  it.each<[string, ColumnType, Parameters<typeof writtenOut>[2], string]>([
    // The same where there is nothing to say of the source.
    ['1,5', 'DOUBLE', {}, '1,5'],
    ['$1', 'DOUBLE', {}, '$1'],
    ['-', 'DOUBLE', { no_numbers: [] }, '-'],
    // A decimal comma is one of broken numbers alone.
    ['1,5', 'DOUBLE', { decimal: ',' }, '1.5'],
    ['1,5', 'BIGINT', { decimal: ',' }, '1,5'],
    ['1,5', 'VARCHAR', { decimal: ',' }, '1,5'],
    // Signs of numbers, of these types alone.
    ['$1,234.50', 'DOUBLE', SIGNS, '1234.50'],
    ['1,234', 'BIGINT', SIGNS, '1234'],
    ['1,234', 'INTEGER', SIGNS, '1,234'],
    ['$1', 'VARCHAR', SIGNS, '$1'],
    [' (1 234) ', 'DOUBLE', SIGNS, '-1234'],
    ["-12'345 %", 'DOUBLE', SIGNS, '-12345'],
    ['1,23', 'DOUBLE', SIGNS, '1,23'],
    ['1.234,50\u00a0€', 'DOUBLE', { ...SIGNS, decimal: ',' }, '1234.50'],
    ['1,234,5', 'DOUBLE', { ...SIGNS, decimal: ',' }, '1.234.5'],
    ['1.234', 'BIGINT', { ...SIGNS, decimal: ',' }, '1234'],
    // Days and moments of a format; what is none stays, and so do other types.
    ['31/12/2005', 'DATE', { date_format: '%d/%m/%Y' }, '2005-12-31'],
    [' 31/12/2005 ', 'DATE', { date_format: '%d/%m/%Y' }, '2005-12-31'],
    ['31/12/2005 10:15', 'TIMESTAMP', { date_format: '%d/%m/%Y %H:%M' }, '2005-12-31 10:15:00.000000'],
    ['2005-12-31 10:15 +0200', 'TIMESTAMP', { date_format: '%Y-%m-%d %H:%M %z' }, '2005-12-31 08:15:00.000000'],
    ['31/13/2005', 'DATE', { date_format: '%d/%m/%Y' }, '31/13/2005'],
    // A year has four digits where the format says so: that of two would be in the first century.
    ['31/12/05', 'DATE', { date_format: '%d/%m/%Y' }, '31/12/05'],
    ['31/12/05', 'DATE', { date_format: '%d/%m/%y' }, '2005-12-31'],
    ['20051231', 'DATE', { date_format: '%Y%m%d' }, '2005-12-31'],
    ['051231', 'DATE', { date_format: '%Y%m%d' }, '051231'],
    ['1-Dec-2005', 'DATE', { date_format: '%d-%b-%Y' }, '2005-12-01'],
    ['December 1, 2005', 'DATE', { date_format: '%B %d, %Y' }, '2005-12-01'],
    ['1/2/2005 9:05 pm', 'TIMESTAMP', { date_format: '%m/%d/%Y %I:%M %p' }, '2005-01-02 21:05:00.000000'],
    ['2005-12-31T10:15:00.25Z', 'TIMESTAMP', { date_format: '%Y-%m-%dT%H:%M:%S.%fZ' }, '2005-12-31 10:15:00.250000'],
    ['31/12/2005', 'VARCHAR', { date_format: '%d/%m/%Y' }, '31/12/2005'],
    ['20051231', 'BIGINT', { date_format: '%Y%m%d' }, '20051231'],
  ])('%j of the type %s by %j', async (text, type, habits, expected) => {
    const [row] = await (
      await opened
    ).rows(`SELECT ${writtenOut('x', type, habits)} AS x FROM (SELECT ${literal(text)} AS x)`);
    expect(row).toEqual({ x: expected });
  });

  it.each<[string, ColumnType, string | null]>([
    ['-', 'DOUBLE', null],
    ["o'x", 'DATE', null],
    ['-', 'VARCHAR', '-'],
    ['1,5', 'DOUBLE', '1.5'],
  ])('is none where %j says so of the type %s', async (text, type, expected) => {
    const habits = { no_numbers: ['-', "o'x"], decimal: ',' as const };
    const [row] = await (
      await opened
    ).rows(`SELECT ${writtenOut('x', type, habits)} AS x FROM (SELECT ${literal(text)} AS x)`);
    expect(row).toEqual({ x: expected });
  });
});

describe('a number with signs', () => {
  const is = (text: string, decimal?: ',') => new RegExp(`^${numberWithSigns(decimal)}$`).test(text);

  it.each([
    ...['0', '12', '1234', '-5', '+5', '$5', '-$5', '$-5', '$ 5', '5%', '5 %', '5 €', '5€', '(5)', '($5)', '(5%)'],
    ...[
      '1,234',
      '12,345,678',
      "1'234",
      '1 234',
      '1\u00a0234',
      '1\u202f234',
      '1.5',
      '1,234.5',
      '1e3',
      '1.5E-3',
      '1e+10',
    ],
  ])('%j', (text) => expect(is(text)).toBe(true));

  it.each([
    ...['', '$', '-', '()', '(5', '5)', '1,23', '1,2345', '0,123', '1234,567', ',123', '1,', '1.', '.5', '1.2.3'],
    ...[
      '$$5',
      '5%%',
      '5  %',
      '$  5',
      '--5',
      '+-+5',
      '-$-5',
      '- -5',
      '(-5)',
      '(+5)',
      '((5))',
      'e3',
      '1e',
      '1e+',
      '1,234,56',
      'x5',
      '5x',
      '5 USD',
      '1_000',
    ],
  ])('not %j', (text) => expect(is(text)).toBe(false));

  it('has its comma and its point the other way round where the comma is the decimal sign', () => {
    expect(['1.234,5', '1,5', '1.234', '12.345.678,00 €'].filter((text) => !is(text, ','))).toEqual([]);
    expect(['1,234.5', '1.5', '1,234,5'].filter((text) => is(text, ','))).toEqual([]);
  });
});

describe('how a source is read, as it is stored', () => {
  const all: SourceReading = {
    columns: { a: 'BIGINT' },
    null_values: ['?'],
    no_numbers: ['-'],
    delimiter: ';',
    quote: `'`,
    encoding: 'windows-1252',
    date_format: '%d.%m.%Y',
    decimal: ',',
    number_signs: true,
  };
  it('may say all of these, or columns and texts for no value alone', () => {
    expect(sourceReading.parse(all)).toEqual(all);
    expect(sourceReading.parse({ columns: {}, null_values: [] })).toEqual({ columns: {}, null_values: [] });
  });

  it.each<[string, object]>([
    ['another decimal sign', { decimal: '.' }],
    ['no signs as a word', { number_signs: false }],
    ['a type that is none', { columns: { a: 'TEXT' } }],
    ['an encoding that is none', { encoding: 'latin9' }],
    ['a name that is none', { separator: ';' }],
    ['texts that are none', { null_values: [1] }],
  ])('not %s', (_what, change) => {
    expect(sourceReading.safeParse({ ...all, ...change }).success).toBe(false);
  });
});
