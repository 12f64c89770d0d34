import { describe, expect, test } from 'vitest';
import { dialectOf } from '../../src/data/inspect/dialect.js';

/** Delimiter, quote and header of a whole file. */
function read(text: string, whole = true) {
  const { dialect, header } = dialectOf(text, whole);
  return [dialect.delimiter, dialect.quote, header];
}
const repeated = (record: string, times: number) => `${record}\n`.repeat(times);

describe('the delimiter', () => {
  test.each([',', ';', '\t', '|'])('is %j where that divides all records', (delimiter) => {
    expect(read(`a${delimiter}b\n1${delimiter}2\n`)).toEqual([delimiter, '"', ['a', 'b']]);
  });

  test.each([
    ['most records have as many fields as the header', 'a;b,c,d\n1;2\n1;2\n1,2,3\n', ';'],
    ['the header has more fields, where as many records are like it', 'a;b,c,d\n1;2,3,4\n', ','],
    ['the header has more fields, where there are no records', 'a,b;c;d', ';'],
    ['a comma, where the header has one column by each of them', 'a\n1;2\n1;2\n', ','],
    ['one that divides the header, though hardly a record is like it', 'a;b\n1\n2\n3\n4\n5;6\n', ';'],
    ['the first of those that nothing tells apart', 'a;b|c\n1;2|3\n', ';'],
  ])('is that by which %s', (_, text, delimiter) => {
    expect(read(text)[0]).toBe(delimiter);
  });

  test('is told by the first thousand records', () => {
    expect(read(`a;b,c\n${repeated('1;2', 1_000)}${repeated('1,2', 3_000)}`)[0]).toBe(';');
    const half = `a;b,c\n${repeated('1;2', 500)}${repeated('1,2', 500)}`;
    expect(read(half)[0]).toBe(',');
    expect(read(half + repeated('1;2', 9))[0]).toBe(',');
    expect(read(`a;b,c\n${repeated('1;2', 501)}${repeated('1,2', 499)}`)[0]).toBe(';');
  });

  test('is not told by a last record that may be cut', () => {
    const text = 'a;b,c\n1;2\n1,';
    expect(read(text, false)[0]).toBe(';');
    expect(read(text, true)[0]).toBe(',');
    // A header is read in any case.
    expect(read('a;b', false)).toEqual([';', '"', ['a', 'b']]);
  });

  test.each([
    ['delimiters', 'a;b|c\n1;"2;3"|4\n'],
    ['line ends', 'a;b\n1;"2\n3"\n4;"5\n6"\n7,8;9\n'],
    ['quotes that are doubled', 'a;b|c\n1;"2"";""3"|4\n'],
  ])('is not among what is quoted: %s', (_, text) => {
    expect(read(text)[0]).toBe(';');
  });
});

describe('the header', () => {
  test.each<[string, string, string[]]>([
    ['line feeds', 'a,b\n1,2\n', ['a', 'b']],
    ['carriage returns before them', 'a,b\r\n1,2\r\n', ['a', 'b']],
    ['a carriage return within a name', 'a\rb,c\r\n1,2\r\n', ['a\rb', 'c']],
    ['no end', 'a,b', ['a', 'b']],
    ['nothing', '', ['']],
    ['empty names', ',a,\n1,2,3\n', ['', 'a', '']],
    ['spaces', ' a , b\n1,2\n', [' a ', ' b']],
    ['quotes around names', '"a","b,c"\n1,2\n', ['a', 'b,c']],
    ['quotes around nothing', '"",a\n1,2\n', ['', 'a']],
    ['doubled quotes', '"a ""b""","""c"""\n1,2\n', ['a "b"', '"c"']],
    ['a line end between quotes', '"a\nb",c\n1,2\n', ['a\nb', 'c']],
    ['a quote within a name', 'a"b",c\n1,2\n', ['a"b"', 'c']],
    ['a quote at the end of a name', 'a",b"\n1,2\n', ['a"', 'b"']],
    ['text after a quoted one', '"a"b,c\n1,2\n', ['"a"b', 'c']],
    ['a quote that is never closed', 'a,"', ['a', '"']],
  ])('is the first record, of a file with %s', (_, text, header) => {
    expect(dialectOf(text, true).header).toEqual(header);
  });
});

describe('the quote', () => {
  test.each([
    ['at the beginning of the file', "'a',b\n"],
    ['after a comma', "a,'b',c\n"],
    ['after a semicolon', "a;'b';c\n"],
    ['after a tab', "a\t'b'\tc\n"],
    ['after a vertical bar', "a|'b'|c\n"],
    ['after a line', "a,b\n'c',d\n"],
    ['before a line end', "a,'b'\nc,d\n"],
    ['before a carriage return', "a,'b'\r\nc,d\r\n"],
    ['around nothing', "a,b\n'',d\n"],
    ['around several words', "a,b\n'c d e',f\n"],
  ])('is an apostrophe that stands %s', (_, text) => {
    expect(read(text)[1]).toBe("'");
  });

  test.each([
    ['stand within words', "a,b\nrock'n',c\n"],
    ['are not closed', "a,b\n'tis,c\n"],
    ['are closed on another line', "a,b\n'tis,c\nd',e\n"],
    ['go on with text', "a,b\n'n'roll,c\n"],
    ['stand beside double quotes', `a,b\n'c',"d"\n`],
    ['stand beside double quotes at the beginning', `"a",b\n'c',d\n`],
    ['stand beside double quotes at the beginning of a line', `a,b\n'c',d\n"e",f\n`],
  ])('is no apostrophe where these %s', (_, text) => {
    expect(read(text)[1]).toBe('"');
  });

  test('is an apostrophe though a double quote stands within a value', () => {
    expect(read(`a,b\n'5" pipe',6" pipe\n`)[1]).toBe("'");
    expect(read(`'a ''b''',c\n'd',e\n`)[2]).toEqual(["a 'b'", 'c']);
  });

  test('is that by which the larger share of records has as many fields as the header', () => {
    // One of one, as against one of four.
    expect(read(`'a',b\n'1\n2\n3\n4',c\n`)[1]).toBe("'");
  });

  test('is none of two kinds that reads the records worse', () => {
    // The apostrophe of the second record opens a value that would go on until the end.
    expect(read(`a,b\n'c',d\n'tis,e\nf,g\nh,i\n`)[1]).toBe('"');
  });
});

test.each([
  ['a,b\r\n1,2\r\n', '\r\n'],
  ['a,b\n1,2\n', '\n'],
  ['a,b\n1,2\r\n', '\n'],
  ['a\rb\n1\r\n', '\n'],
  ['a,b', '\n'],
  ['\r\na', '\r\n'],
])('lines of %j end with %j', (text, newLine) => {
  expect(dialectOf(text, true).dialect.newLine).toBe(newLine);
});
