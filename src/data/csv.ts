import { INTERNAL_PREFIX } from '../config/columns.js';
import { sameName } from '../contracts/index.js';
import { z } from 'zod';
import { COLUMN_TYPES, type ColumnType } from '../config/schema.js';
import { PerdureError, systemCode } from '../errors.js';
import { diskError } from '../platform/files/diskError.js';
import { openRegularFile } from '../platform/storage/regularFile.js';
import { identifier, literal, type Database } from './duckdb.js';
import { ENCODINGS, readStart, type Encoding } from './inspect/encoding.js';
import { agreeing, listOf } from '../contracts/counts.js';

/** How a CSV is read: what `pipeline.json` says of it, or what was found by reading it whole. */
export const sourceReading = z.strictObject({
  columns: z.record(z.string(), z.enum(COLUMN_TYPES)),
  /** Texts that say in every column that no value is known; an empty field always does. */
  null_values: z.array(z.string()),
  /** Texts that say it where a column is no text, and may be a category elsewhere. */
  no_numbers: z.array(z.string()).optional(),
  delimiter: z.string().optional(),
  quote: z.string().optional(),
  encoding: z.enum(ENCODINGS).optional(),
  /** `strptime` format of days and moments that aren't written as 2005-12-31. */
  date_format: z.string().optional(),
  /** Set where numbers have a decimal comma. */
  decimal: z.literal(',').optional(),
  /** Set where numbers have signs of currency or percent, or signs between thousands, all of which are left out. */
  number_signs: z.literal(true).optional(),
});
export type SourceReading = z.infer<typeof sourceReading>;

/** The first line of a CSV. */
export interface CsvHeader {
  /** As the file names them: a name may be empty or stand there twice. */
  columns: string[];
  newLine: '\n' | '\r\n';
  encoding: Encoding;
}

/** A header line longer than this, in bytes, is no header. */
const HEADER_LIMIT = 1 << 20;

/**
 * Reads a CSV's header and checks that it names every one of `wanted` once, in any order and among others, which may
 * have any name or none.
 *
 * @throws PerdureError `InputInvalid` for what is no file or an empty one, a missing or repeated column
 */
export async function readCsvHeader(
  path: string,
  wanted: string[],
  { delimiter = ',', quote = '"', encoding }: Partial<SourceReading> = {},
): Promise<CsvHeader> {
  const { text: start, encoding: found } = await startOf(path, encoding);
  const { fields, newLine } = firstRecord(start, delimiter, quote);
  if (start.includes('\r') && !start.includes('\n')) {
    throw new PerdureError(
      'InputInvalid',
      `${path} ends its lines with carriage returns alone; save it with line feeds and run again.`,
    );
  }
  if (fields.every((field) => field.trim() === ''))
    throw new PerdureError('InputInvalid', `${path} is empty; give a CSV with a header line.`);
  const missing = wanted.filter((column) => !fields.includes(column));
  if (missing.length > 0) throw lacksColumns(path, start, quote, fields, missing);
  const repeated = wanted.find((column) => fields.indexOf(column) !== fields.lastIndexOf(column));
  if (repeated !== undefined) {
    throw new PerdureError(
      'InputInvalid',
      `${path} names the column ${repeated} twice in its header; rename one and run again.`,
    );
  }
  return { columns: fields, newLine, encoding: found };
}

/**
 * SQL that reads a CSV's `columns` with their DuckDB types, in the order of `columns`; rows are in file order. A value
 * that its type can't hold as it stands (a fraction as a whole number, a day with more after it) makes the query fail
 * with {@link badValue}'s words: DuckDB's own casts round and cut.
 */
export function readCsvSql(path: string, header: CsvHeader, source: SourceReading): string {
  const columns = columnsOf(header, source);
  const values = columns.map((column) => {
    const { name, type, text, value } = column;
    if (!isTyped(column)) return `${text} AS ${identifier(name)}`;
    return `CASE WHEN ${text} IS NULL THEN NULL WHEN ${isWholeSql(type, text, value)} THEN ${value} ELSE error(${literal(BAD_VALUE)}) END AS ${identifier(name)}`;
  });
  return `SELECT ${values.join(', ')} FROM (${textSql(path, header, source)})`;
}

/** Words of a query that met a value that its column's type can't hold. */
const BAD_VALUE = 'a value of the CSV does not fit the type of its column';

/** Whether a query over {@link readCsvSql} failed for a value that doesn't fit its column's type. */
export function isBadValue(error: unknown): boolean {
  return error instanceof PerdureError && error.cause instanceof Error && error.cause.message.includes(BAD_VALUE);
}

/**
 * The sentence about the first value of a CSV that its column's type can't hold.
 *
 * @param file the path that `header` was read from, for the message
 * @param path the path that DuckDB reads: the same lines in UTF-8
 * @param isFound whether columns and types were found in an earlier file rather than declared
 */
export async function badValue(
  database: Database,
  file: string,
  path: string,
  header: CsvHeader,
  source: SourceReading,
  isFound = false,
): Promise<PerdureError> {
  const typed = columnsOf(header, source).filter(isTyped);
  const cases = typed.map(
    ({ type, text, value }, i) =>
      `WHEN ${text} IS NOT NULL AND NOT coalesce(${isWholeSql(type, text, value)}, false) THEN ${i}`,
  );
  const texts = typed.map(({ text }, i) => `WHEN ${i} THEN ${text}`);
  const [found] = await database.rows<{ row: bigint; bad: number; value: string }>(`
    SELECT row, bad, CASE bad ${texts.join(' ')} END AS value
    FROM (SELECT *, CASE ${cases.join(' ')} END AS bad FROM (SELECT *, row_number() OVER () AS row FROM (${textSql(path, header, source)})))
    WHERE bad IS NOT NULL LIMIT 1`);
  if (!found)
    return new PerdureError(
      'InputInvalid',
      `${file} holds a value that does not fit the type of its column; correct it and run again.`,
    );
  const { name, type } = typed[found.bad]!;
  const line = await lineOf(path, header, source, Number(found.row));
  return new PerdureError(
    'InputInvalid',
    `Line ${line} of ${file} holds ${JSON.stringify(shorten(found.value))} in the column ${name}, where ${EXPECTED[type]} is expected; ${remedy(found.value, type, isFound)}.`,
  );
}

const EXPECTED: Record<TypedColumn['type'], string> = {
  BIGINT: 'a whole number',
  INTEGER: 'a whole number from -2147483648 to 2147483647',
  DOUBLE: 'a number',
  DATE: 'a date such as 2005-12-31',
  TIMESTAMP: 'a moment such as 2005-12-31 23:59:59',
  BOOLEAN: 'true or false',
};

function remedy(value: string, type: ColumnType, isFound: boolean): string {
  if (/^\s*(n\.?\/?a\.?|<na>|#n\/a|nan|nat|null|none|nil|unknown|missing|[-?.]+)\s*$/i.test(value)) {
    return `where it means that no value is known, list it in source.null_values of pipeline.json`;
  }
  if ((type === 'BIGINT' || type === 'INTEGER') && Number.isFinite(Number(value)))
    return isFound
      ? 'correct it, or give a file that has all rows and ask to replace what was read (--replace, or "replace": true), in which the type of the column is found anew'
      : 'correct it, or declare the column DOUBLE in pipeline.json, and run again';
  return 'correct it and run again';
}

/** A column to read: under names of its own, as the file's may be anything. */
interface TextColumn {
  name: string;
  type: ColumnType;
  /** Its text in {@link textSql}. */
  text: string;
  /** Its value by DuckDB's cast, NULL where that fails. */
  value: string;
}

/** A column that isn't read as the text that it is. */
type TypedColumn = TextColumn & { type: Exclude<ColumnType, 'VARCHAR'> };

function isTyped(column: TextColumn): column is TypedColumn {
  return column.type !== 'VARCHAR';
}

function columnsOf(header: CsvHeader, { columns }: Pick<SourceReading, 'columns'>): TextColumn[] {
  return Object.entries(columns).map(([name, type]) => {
    const position = header.columns.indexOf(name);
    return { name, type, text: textColumn(position), value: `${INTERNAL_PREFIX}value_${position}` };
  });
}

function textColumn(position: number): string {
  return `${INTERNAL_PREFIX}text_${position}`;
}

/** Every column that is read, as text and as what DuckDB's cast makes of it. */
function textSql(path: string, header: CsvHeader, source: SourceReading): string {
  const columns = columnsOf(header, source);
  const texts = columns.map(({ type, text }) => `${writtenOut(text, type, source)} AS ${text}`);
  const values = [
    ...columns.map(({ text }) => text),
    ...columns.filter(isTyped).map(({ type, text, value }) => `${castSql(text, type)} AS ${value}`),
  ];
  const types = header.columns.map((_, position) => `${textColumn(position)}: 'VARCHAR'`);
  const newLine = header.newLine === '\r\n' ? String.raw`\r\n` : String.raw`\n`;
  const quote = literal(source.quote ?? '"');
  return `SELECT ${values.join(', ')} FROM (SELECT ${texts.join(', ')} FROM read_csv(${literal(path)},
    auto_detect = false, header = true, columns = {${types.join(', ')}}, nullstr = [${['', ...source.null_values].map(literal).join(', ')}],
    delim = ${literal(source.delimiter ?? ',')}, quote = ${quote}, escape = ${quote}, new_line = '${newLine}'))`;
}

/** A text as what DuckDB's cast makes of it, NULL where that fails. A moment with an offset is brought to UTC, which the cast alone drops. */
export function castSql(text: string, type: string): string {
  const cast = `TRY_CAST(${text} AS ${type})`;
  return type === 'TIMESTAMP'
    ? `CASE WHEN regexp_matches(${text}, ${literal(OFFSET)}) THEN CAST(TRY_CAST(${text} AS TIMESTAMPTZ) AS TIMESTAMP) ELSE ${cast} END`
    : cast;
}

/** The end of a moment that says how far from UTC it is. */
const OFFSET = String.raw`:[0-9.]+\s*[+-][0-9]{2}(:?[0-9]{2}){0,2}\s*$`;

/** A text in the way that DuckDB's casts read it, where numbers or days of a source are written in another. */
export function writtenOut(
  text: string,
  type: ColumnType,
  { no_numbers = [], ...habits }: Pick<SourceReading, 'decimal' | 'number_signs' | 'date_format' | 'no_numbers'>,
): string {
  if (no_numbers.length > 0 && type !== 'VARCHAR')
    return `CASE WHEN ${text} IN (${no_numbers.map(literal).join(', ')}) THEN NULL ELSE ${writtenOut(text, type, habits)} END`;
  const { decimal, number_signs, date_format } = habits;
  const point = decimal && type === 'DOUBLE' ? `replace(${text}, ',', '.')` : text;
  if (number_signs && (type === 'DOUBLE' || type === 'BIGINT')) {
    const bare = `translate(${text}, ${literal('(' + OF_NUMBERS + (decimal ? '.' : ',') + ')')}, '-')`;
    // What has other signs, or has them elsewhere, is no such number, and is told as it stands.
    return `CASE WHEN regexp_full_match(trim(${text}), ${literal(numberWithSigns(decimal))}) THEN ${decimal ? `replace(${bare}, ',', '.')` : bare} ELSE ${point} END`;
  }
  if (date_format === undefined || (type !== 'DATE' && type !== 'TIMESTAMP')) return point;
  // Not the moment itself: of a format with an offset it has a type of its own, which DuckDB can't write out alone.
  const moment = `make_timestamp(epoch_us(try_strptime(trim(${text}), ${literal(date_format)})))`;
  // DuckDB takes a year of two digits where four are meant, which it then puts into the first century.
  const day = `CASE WHEN regexp_full_match(trim(${text}), ${literal(patternOfDays(date_format))}) THEN ${moment} END`;
  return `coalesce(strftime(${day}, '%Y-%m-%d${type === 'DATE' ? '' : ' %H:%M:%S.%f'}'), ${text})`;
}

/** The pattern of what is written in a `strptime` format. Numbers with nothing between them have all of their digits. */
function patternOfDays(format: string): string {
  const least = /%[a-zA-Z]%/.test(format) ? 2 : 1;
  const parts: Record<string, string> = { Y: '[0-9]{4}', y: '[0-9]{2}', f: '[0-9]+', b: '[^0-9]+', B: '[^0-9]+', p: '[A-Za-z]{2}', z: '[+-][0-9:]+' }; // prettier-ignore
  return format
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/%([a-zA-Z])/g, (_, part: string) => parts[part] ?? `[0-9]{${least},2}`);
}

const SPACES = ' \u00a0\u202f';
export const CURRENCY = '$€£¥₹';
const OF_NUMBERS = `'%${CURRENCY}${SPACES}`;

/**
 * The pattern of a trimmed number that may have one sign of currency or percent around it, signs between its thousands, and
 * parentheses instead of a minus sign.
 */
export function numberWithSigns(decimal?: ','): string {
  const thousands = `[${decimal ? '.' : ','}'${SPACES}]`;
  const digits = `([0-9]+|[1-9][0-9]{0,2}(${thousands}[0-9]{3})+)`;
  const fraction = `(${decimal ?? '[.]'}[0-9]+)?([eE][+-]?[0-9]+)?`;
  const amount = `${digits}${fraction}[${SPACES}]?[%${CURRENCY}]?`;
  const before = `[${CURRENCY}]?[${SPACES}]?`;
  // One sign at most, on either side of the currency: two are no number.
  return `(([+-]?${before}|${before}[+-])${amount}|[(]${before}${amount}[)])`;
}

/** Patterns of what a text must say whole, for DuckDB's `regexp_full_match`. */
export const WHOLE_NUMBER = String.raw`\s*[+-]?[0-9]+\s*`;
/** Where a value is missing, some programs write the others of its column as fractions: 3.0 is 3. */
const WHOLE_NUMBER_ALSO_AS_FRACTION = String.raw`\s*[+-]?[0-9]+([.]0+)?\s*`;
/** A day at midnight is how some programs write a day. */
export const DAY = String.raw`\s*[0-9]{4}(-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2}([ T]00:00(:00(\.0+)?)?)?\s*`;

/**
 * SQL of whether a text says a whole value of a type of DuckDB's, rather than more or something else that the cast reads as it.
 * @param value SQL of what {@link castSql} makes of it
 */
export function isWholeSql(type: string, text: string, value: string): string {
  // Nearly every number is written as DuckDB writes it, and that is told faster than by a pattern.
  if (/INT(EGER)?$/.test(type))
    return `(CAST(${value} AS VARCHAR) = ${text} OR (${value} IS NOT NULL AND regexp_full_match(${text}, '${WHOLE_NUMBER_ALSO_AS_FRACTION}')))`;
  if (/^DECIMAL/.test(type)) return `CAST(${value} AS DOUBLE) = TRY_CAST(${text} AS DOUBLE)`;
  if (/^(DOUBLE|FLOAT)$/.test(type)) return `(isfinite(${value}) AND NOT contains(${text}, '_'))`;
  if (type === 'DATE') return `(${value} IS NOT NULL AND regexp_full_match(${text}, '${DAY}'))`;
  // The cast takes "infinity" and "epoch" for moments, too.
  if (/^TIMESTAMP/.test(type)) return `(isfinite(${value}) AND regexp_matches(${text}, '^\\s*[0-9]'))`;
  return `${value} IS NOT NULL`;
}

/**
 * The line, from 1, on which a record of a file in UTF-8 begins; records are numbered from 1 below the header. Empty
 * lines are none.
 */
async function lineOf(
  path: string,
  header: CsvHeader,
  { delimiter = ',', quote = '"' }: SourceReading,
  record: number,
): Promise<number> {
  const file = await openRegularFile(path);
  // A file of one column may have empty values, which are empty lines.
  const skipsEmpty = header.columns.length > 1;
  let line = 1;
  let begin = 1;
  let seen = -1;
  let quoted = false;
  // Only at its beginning does a quote open a value, and after a closing one, as two are a quote within.
  let opens = true;
  let empty = true;
  for await (const chunk of file.createReadStream({
    encoding: 'utf8',
    highWaterMark: 1 << 20,
  }) as AsyncIterable<string>) {
    for (const character of chunk) {
      if (character === quote && (quoted || opens)) {
        quoted = !quoted;
        opens = true;
        empty = false;
        continue;
      }
      opens = character === delimiter || character === '\n';
      if (character !== '\n') {
        if (character !== '\r') empty = false;
        continue;
      }
      line++;
      if (quoted) continue;
      if (!(empty && skipsEmpty)) seen++;
      if (seen === record) return begin;
      begin = line;
      empty = true;
    }
  }
  return begin;
}

async function startOf(path: string, encoding: Encoding | undefined): ReturnType<typeof readStart> {
  try {
    return await readStart(path, HEADER_LIMIT, encoding);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new PerdureError(
        'InputInvalid',
        `There is no file ${path}; check the path, which must be one that the workers can read.`,
        { cause: error },
      );
    }
    throw diskError(error, path);
  }
}

/** The fields of a CSV's first record, any of which may be quoted and then hold line ends, and how it ends. */
function firstRecord(text: string, separator: string, quote: string): { fields: string[]; newLine: '\n' | '\r\n' } {
  const fields: string[] = [];
  const end = `([${separator}]|\\r\\n|\\n|$)`;
  const field = new RegExp(
    `${quote}((?:[^${quote}]|${quote}${quote})*)${quote}${end}|([^${separator}\\r\\n]*)${end}`,
    'y',
  );
  for (;;) {
    const match = field.exec(text);
    if (!match) return { fields, newLine: '\n' };
    const [, quoted, afterQuoted, plain, afterPlain] = match;
    fields.push(quoted === undefined ? plain! : quoted.replaceAll(quote + quote, quote));
    const after = afterQuoted ?? afterPlain;
    if (after !== separator) return { fields, newLine: after === '\r\n' ? '\r\n' : '\n' };
  }
}

const SEPARATORS: Record<string, string> = { ';': 'semicolons', '\t': 'tabs', '|': 'vertical bars' };

function lacksColumns(path: string, start: string, quote: string, fields: string[], missing: string[]): PerdureError {
  const separator = Object.keys(SEPARATORS).find((candidate) => {
    const names = firstRecord(start, candidate, quote).fields;
    return missing.every((name) => names.includes(name));
  });
  if (separator !== undefined) {
    return new PerdureError(
      'InputInvalid',
      `${path} separates its values by ${SEPARATORS[separator]}; save it with commas between them and run again.`,
    );
  }
  const similar = missing.flatMap((name) => {
    const found = fields.find((field) => sameName(field.trim()) === sameName(name.trim()));
    return found === undefined ? [] : [JSON.stringify(found)];
  });
  const hint = similar.length === 0 ? '' : ` (it has ${listOf(similar)})`;
  return new PerdureError(
    'InputInvalid',
    `${path} lacks the ${agreeing(missing.length, 'column', 'columns')} ${listOf(missing)}${hint}; add ${agreeing(missing.length, 'it', 'them')} or give another file.`,
  );
}

function shorten(value: string): string {
  return value.length > 60 ? `${value.slice(0, 60)}...` : value;
}
