import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInternal } from '../../config/columns.js';
import { sameName } from '../../contracts/index.js';
import type { ColumnType } from '../../config/schema.js';
import { PerdureError } from '../../errors.js';
import { CURRENCY, DAY, WHOLE_NUMBER, numberWithSigns, type SourceReading } from '../csv.js';
import { literal, type Database, type SqlValue } from '../duckdb.js';
import { dialectOf, type Dialect } from './dialect.js';
import { asUtf8, encodingOf, readStart, type Encoding } from './encoding.js';

/** How a CSV has to be read, by all of its values. */
export interface SniffedCsv extends SourceReading {
  /**
   * A type per column that every one of its values has, in the order of the header. Columns without a name or with a
   * reserved one are left out, and of repeated ones the later: they can't be told apart.
   */
  columns: Record<string, ColumnType>;
  no_numbers: string[];
  delimiter: string;
  quote: string;
  encoding: Encoding;
  /** The first record as it stands: names may be empty or repeated. */
  header: string[];
}

/** Texts that hardly mean anything else than that no value is known, in lower case and trimmed. */
const NO_VALUE = [
  '',
  '?',
  '??',
  'na',
  'n/a',
  '#n/a',
  '<na>',
  'nan',
  'nat',
  'null',
  '(null)',
  '\\n',
  '#null!',
  '#value!',
  '#div/0!',
];
/** Texts that mean it where the rest of a column is numbers or dates. Elsewhere they may be a category. */
const NO_NUMBER = [
  '-',
  '--',
  '---',
  '.',
  '..',
  '...',
  '*',
  'n.a.',
  'none',
  'nil',
  'unknown',
  'missing',
  'undefined',
  'inf',
  '-inf',
  '+inf',
  'infinity',
  '-infinity',
  '+infinity',
];

/** Whether a text may say that no value is known, where it may be a category as well. */
export function mayBeAbsent(text: string): boolean {
  return NO_NUMBER.includes(text.trim().toLowerCase());
}

/** A header longer than this, in characters, is no header; the dialect shows in as much. */
const START = 1 << 20;

/**
 * Reads a whole CSV and says how to read it: dialect, encoding, a type per column, and the texts that say that no value
 * is known. A type is given only where all values have it, wherever in the file they stand; numbers that begin with a
 * zero (postcodes), and whole numbers that no 64 bits hold, stay text, as does a day of which it can't be told whether
 * the day or the month comes first.
 *
 * @param path a local file; the first record must be its header
 * @throws PerdureError `InputInvalid` for what is no CSV: absent, empty, compressed, rows of differing lengths
 */
export async function sniffCsv(database: Database, path: string): Promise<SniffedCsv> {
  return withReadableCsv(path, (csv) => sniffReadable(database, path, csv));
}

/** {@link sniffCsv} of a file that can be read already. */
export async function sniffReadable(
  database: Database,
  path: string,
  { encoding, dialect, header, relation }: ReadableCsv,
): Promise<SniffedCsv> {
  const names = positionsOf(header);
  const looked =
    names.size === 0 ? new Map<number, Look>() : await look(database, path, relation(), [...names.values()]);
  const named = [...names].map(([name, position]) => ({ name, ...looked.get(position)! }));
  const means = (text: string) => NO_VALUE.includes(normal(text));
  const absent = (keep: (text: string, type: ColumnType) => boolean) =>
    [...new Set(named.flatMap((column) => column.absent.filter((text) => keep(text, column.type))))]
      .filter((text) => text !== '')
      .toSorted();
  const format = named.find((column) => column.format !== undefined)?.format;
  return {
    delimiter: dialect.delimiter,
    quote: dialect.quote,
    encoding,
    header,
    columns: Object.fromEntries(named.map(({ name, type }) => [name, type])),
    null_values: absent(means),
    no_numbers: absent((text, type) => type !== 'VARCHAR' && !means(text)),
    ...(format === undefined ? {} : { date_format: format }),
    ...(named.some(({ comma }) => comma) ? { decimal: ',' } : {}),
    ...(named.some(({ signs }) => signs) ? { number_signs: true } : {}),
  };
}

/** Where each column stands that can be named: one without a name or with a reserved one can't, nor the later of two with the same. */
export function positionsOf(header: string[]): Map<string, number> {
  const names = new Map<string, number>();
  const seen = new Set<string>();
  for (const [position, name] of header.entries()) {
    if (name === '' || isInternal(name) || seen.has(sameName(name))) continue;
    seen.add(sameName(name));
    names.set(name, position);
  }
  return names;
}

/** A CSV as DuckDB can read it. */
export interface ReadableCsv {
  encoding: Encoding;
  dialect: Dialect;
  header: string[];
  /** SQL of a relation with every column as text, under the names `c0`, `c1`, ...; `nullValues` are NULL there, as is an empty field. */
  relation: (nullValues?: string[]) => string;
}

/** Lends `work` a CSV whose dialect is known; what had to be written for that is removed afterwards. */
export async function withReadableCsv<T>(path: string, work: (csv: ReadableCsv) => Promise<T>): Promise<T> {
  const encoding = await encodingOf(path);
  const folder = await mkdtemp(join(tmpdir(), 'perdure-csv-'));
  try {
    const readable = await asUtf8(path, encoding, folder);
    const { text, whole } = await readStart(readable, START, 'utf-8');
    if (!/\n/.test(text) && /\r[^\n]/.test(text)) {
      throw new PerdureError(
        'InputInvalid',
        `${path} ends its lines with carriage returns alone; save it with line feeds and run again.`,
      );
    }
    const { dialect, header } = dialectOf(text, whole);
    if (header.every((field) => field.trim() === ''))
      throw new PerdureError('InputInvalid', `${path} begins with an empty line; give a CSV with a header line.`);
    const columns = header.map((_, position) => `c${position}: 'VARCHAR'`).join(', ');
    const newLine = dialect.newLine === '\r\n' ? String.raw`\r\n` : String.raw`\n`;
    const relation = (
      nullValues: string[] = [],
    ) => `read_csv(${literal(readable)}, auto_detect = false, header = true, hive_partitioning = false, columns = {${columns}}, nullstr = [${['', ...nullValues].map(literal).join(', ')}],
      delim = ${literal(dialect.delimiter)}, quote = ${literal(dialect.quote)}, escape = ${literal(dialect.quote)}, new_line = '${newLine}')`;
    return await work({ encoding, dialect, header, relation });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Look {
  type: ColumnType;
  /** Texts of the column that may say that no value is known. */
  absent: string[];
  format?: string;
  comma?: boolean;
  signs?: boolean;
}

/** What a column's values may be, in the order in which a type is preferred: SQL over a value `v`, which is not null. */
const KINDS = {
  BOOLEAN: (v: string) => `lower(trim(${v})) IN ('true', 'false')`,
  // Casts that fail are slow, so patterns come first; so many digits fit 64 bits.
  BIGINT: (v: string) =>
    `CASE WHEN regexp_full_match(${v}, '${WHOLE_NUMBER}') THEN length(${v}) < 19 OR TRY_CAST(${v} AS BIGINT) IS NOT NULL ELSE false END`,
  DOUBLE: (v: string) =>
    `CASE WHEN contains(${v}, '_') THEN false ELSE coalesce(isfinite(TRY_CAST(${v} AS DOUBLE)), false) END`,
  DATE: (v: string) => matching(v, DAY, 'DATE'),
  // A time with another offset than UTC's is left as text: DuckDB's cast would drop the offset.
  TIMESTAMP: (v: string) =>
    matching(
      v,
      '\\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]+)?)?)?\\s*(Z|UTC|[+]00(:?00)?)?\\s*',
      'TIMESTAMP',
    ),
} as const;
type Kind = keyof typeof KINDS;

function matching(v: string, pattern: string, type: string): string {
  return `CASE WHEN length(${v}) < 8 THEN false WHEN regexp_full_match(${v}, '${pattern}') THEN TRY_CAST(${v} AS ${type}) IS NOT NULL ELSE false END`;
}

/**
 * Whether numbers of a file show that a point is its decimal sign, as 12.5 does; 1.250 may be a thousand as well.
 *
 * @param reading what was found in the file
 */
export async function showsPoints(database: Database, path: string, { columns }: SourceReading): Promise<boolean> {
  return withReadableCsv(path, async ({ header, relation }) => {
    const numbers = [...positionsOf(header)].flatMap(([name, position]) =>
      columns[name] === 'DOUBLE' ? [`c${position}`] : [],
    );
    if (numbers.length === 0) return false;
    const is = (decimal?: ',') => `regexp_full_match(trim(v), ${literal(numberWithSigns(decimal))})`;
    const [row] = await database.rows<{ shown: boolean | null }>(
      `SELECT bool_or(${is()} AND NOT ${is(',')}) AS shown FROM (SELECT unnest([${numbers.join(', ')}]) AS v FROM ${relation()})`,
    );
    return row!.shown === true;
  });
}

/** Rows that are looked at first: what they rule out need not be asked of the others. */
const SAMPLE = 2_000;

async function look(
  database: Database,
  path: string,
  relation: string,
  positions: number[],
): Promise<Map<number, Look>> {
  const all = Object.keys(KINDS) as Kind[];
  const possible = await kindsOf(
    database,
    path,
    `(SELECT * FROM ${relation} LIMIT ${SAMPLE})`,
    new Map(positions.map((position) => [position, all])),
  );
  const found = await kindsOf(
    database,
    path,
    relation,
    new Map([...possible].map(([position, { kinds }]) => [position, kinds])),
  );

  const looks = new Map<number, Look>(
    [...found].map(([position, { kinds, absent, padded, long }]) => [
      position,
      { type: typeOf(kinds, padded, long), absent },
    ]),
  );
  await lookAtTexts(database, relation, looks, found);
  return looks;
}

function typeOf([kind]: Kind[], padded: boolean, long: boolean): ColumnType {
  if (kind === undefined) return 'VARCHAR';
  if ((kind === 'BIGINT' && padded) || (kind === 'DOUBLE' && long)) return 'VARCHAR';
  return kind;
}

interface Found {
  kinds: Kind[];
  absent: string[];
  /** Some value begins with a zero that a number would lose. */
  padded: boolean;
  /** Some value has more digits than a number of 64 bits. */
  long: boolean;
  /** Some value of the column. */
  example: string | null;
}

/** All columns go through the same few expressions, one value a row: a query of as many expressions as a wide file has columns takes seconds to begin. */
async function kindsOf(
  database: Database,
  path: string,
  relation: string,
  asked: Map<number, Kind[]>,
): Promise<Map<number, Found>> {
  const all = Object.keys(KINDS) as Kind[];
  const positions = [...asked.keys()];
  const maskOf = (kinds: Kind[]) => kinds.reduce((mask, kind) => mask | (1 << all.indexOf(kind)), 0);
  const kinds = all.filter((kind) => [...asked.values()].some((own) => own.includes(kind)));
  const isAsked = (kind: Kind) => `mask & ${maskOf([kind])} <> 0`;
  const rows = await database.rows<Record<string, SqlValue>>(
    `SELECT position, max(v) AS example,
      ${kinds.map((kind) => `coalesce(bool_and(CASE WHEN ${isAsked(kind)} THEN ${KINDS[kind]('v')} ELSE false END) FILTER (v IS NOT NULL), false) AS ${kind},`).join(' ')}
      bool_or(CASE WHEN ${isAsked('BIGINT')} THEN ltrim(v, ' +-') LIKE '0_%' ELSE false END) AS padded,
      bool_or(CASE WHEN length(v) > 18 AND ${isAsked('DOUBLE')} THEN regexp_full_match(v, '\\s*[+-]?[0-9]+\\s*') ELSE false END) AS long,
      -- Told apart by their exact text, of which there are few.
      map_keys(histogram(c) FILTER (c IS NOT NULL AND v IS NULL)) AS absent
    FROM (SELECT position, mask, c, ${presentSql('c')} AS v FROM (
      SELECT unnest([${positions.join(', ')}]) AS position, unnest([${[...asked.values()].map(maskOf).join(', ')}]) AS mask, unnest([${positions.map((position) => `c${position}`).join(', ')}]) AS c FROM ${relation}))
    GROUP BY position`,
    { csv: path },
  );
  const found = new Map(rows.map((row) => [Number(row.position), row]));
  return new Map(
    positions.map((position) => {
      const row = found.get(position);
      return [
        position,
        {
          kinds: all.filter((kind) => row?.[kind] === true),
          absent: textsOf(row?.absent),
          padded: row?.padded === true,
          long: row?.long === true,
          example: (row?.example ?? null) as string | null,
        },
      ];
    }),
  );
}

/** SQL of a text that is NULL where it says that no value is known. What begins with a digit is told at once. */
function presentSql(c: string): string {
  return `CASE WHEN ${c} >= '0' AND ${c} < ':' THEN ${c} WHEN length(${c}) < 20 AND regexp_full_match(lower(trim(${c})), ${literal(ABSENT)}) THEN NULL ELSE ${c} END`;
}

const ABSENT = [...NO_VALUE, ...NO_NUMBER].map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');

/** Days as they are written elsewhere, by their `strptime` format, and the pattern that shows such a format. */
const DAYS: [format: string, pattern: string][] = [
  ['%m/%d/%Y', '[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}'],
  ['%d/%m/%Y', '[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}'],
  ['%m-%d-%Y', '[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}'],
  ['%d-%m-%Y', '[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}'],
  ['%d.%m.%Y', '[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}'],
  ['%Y.%m.%d', '[0-9]{4}[.][0-9]{1,2}[.][0-9]{1,2}'],
  ['%Y/%m/%d', '[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}'],
  ['%m/%d/%y', '[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}'],
  ['%d/%m/%y', '[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}'],
  ['%d.%m.%y', '[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{2}'],
  ['%d-%b-%Y', '[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}'],
  ['%d/%b/%Y', '[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}'],
  ['%d-%b-%y', '[0-9]{1,2}-[A-Za-z]{3}-[0-9]{2}'],
  ['%d %b %Y', '[0-9]{1,2} [A-Za-z]{3} [0-9]{4}'],
  ['%b %d %Y', '[A-Za-z]{3} [0-9]{1,2} [0-9]{4}'],
  ['%b %d, %Y', '[A-Za-z]{3} [0-9]{1,2}, [0-9]{4}'],
  ['%d %b %y', '[0-9]{1,2} [A-Za-z]{3} [0-9]{2}'],
  ['%d %B %Y', '[0-9]{1,2} [A-Za-z]{3,9} [0-9]{4}'],
  ['%B %d, %Y', '[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4}'],
  ['%Y-%m', '[0-9]{4}-[0-9]{1,2}'],
  ['%b-%Y', '[A-Za-z]{3}-[0-9]{4}'],
  ['%b-%y', '[A-Za-z]{3}-[0-9]{2}'],
  ['%b %Y', '[A-Za-z]{3} [0-9]{4}'],
  ['%B %Y', '[A-Za-z]{3,9} [0-9]{4}'],
];
const TIMES: [format: string, pattern: string][] = [
  ['', ''],
  [' %H:%M', ' [0-9]{1,2}:[0-9]{2}'],
  [' %H:%M:%S', ' [0-9]{1,2}:[0-9]{2}:[0-9]{2}'],
  [' %I:%M %p', ' [0-9]{1,2}:[0-9]{2} [AaPp][Mm]'],
  [' %I:%M:%S %p', ' [0-9]{1,2}:[0-9]{2}:[0-9]{2} [AaPp][Mm]'],
];
/** Clocks of a moment whose zone is told, and their patterns. */
const CLOCKS = [
  ['%H:%M', '[0-9]{2}:[0-9]{2}'],
  ['%H:%M:%S', '[0-9]{2}:[0-9]{2}:[0-9]{2}'],
  ['%H:%M:%S.%f', '[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{1,6}'],
] as const;
/** An offset from UTC, or UTC itself, which DuckDB's cast reads only after seconds. */
const ZONES = [
  ['%z', '[+-][0-9]{2}(:?[0-9]{2})?'],
  ['Z', 'Z'],
  ['UTC', 'UTC'],
] as const;
/** Moments with a zone, which are brought to UTC. */
const ZONED = ['T', ' '].flatMap((between) =>
  CLOCKS.flatMap(([clock, clockPattern]) =>
    ['', ' '].flatMap((space) =>
      ZONES.map(([zone, zonePattern]) => ({
        format: `%Y-%m-%d${between}${clock}${space}${zone}`,
        pattern: `[0-9]{4}-[0-9]{2}-[0-9]{2}${between}${clockPattern}${space}${zonePattern}`,
      })),
    ),
  ),
);
const FORMATS = [
  ...DAYS.flatMap(([day, dayPattern]) =>
    TIMES.map(([time, pattern]) => ({ format: day + time, pattern: dayPattern + pattern })),
  ),
  ...ZONED,
];
/** A day without signs, which is a whole number as well: so many different ones are days all of them by no chance. */
const COMPACT = { format: '%Y%m%d', pattern: '(19|20)[0-9]{6}', distinct: 10 };

/** What a column of numbers in other ways may be: with a decimal point and signs, a decimal comma, or either of them. */
type NumberHabit = 'points' | 'commas' | 'either';
/** So many different values with three digits after a comma are no fractions where others have none: the last digit of one in ten would be 0, and left out. */
const THOUSANDS = 50;

/**
 * Tests of a column whose values may be numbers with signs, over its trimmed value `v`. One unit holds for all values:
 * percent for all or for none, one currency. Texts of digits and spaces that are all of one length are names.
 */
function numberTests(v: string): { numbers: NumberHabit | 'bare'; sql: string }[] {
  const all = (pattern: string) => `bool_and(regexp_full_match(${v}, ${literal(pattern)}))`;
  const some = (pattern: string) => `bool_or(regexp_matches(${v}, ${literal(pattern)}))`;
  const units = `bool_and(contains(${v}, '%')) = bool_or(contains(${v}, '%')) AND count(DISTINCT nullif(regexp_extract(${v}, '[${CURRENCY}]'), '')) <= 1`;
  const names = `${all('[0-9 ]+')} AND min(length(${v})) = max(length(${v}))`;
  const one = `${units} AND NOT (${names})`;
  const [points, commas] = [all(numberWithSigns()), all(numberWithSigns(','))];
  const thousands = `(${some('[^0-9,+-]|,[0-9]{3},')} OR (${some('^[+-]?[0-9]{1,3}$')} AND count(DISTINCT CASE WHEN contains(${v}, ',') THEN ${v} END) >= ${THOUSANDS}))`;
  return [
    { numbers: 'points', sql: `${one} AND ${points} AND ${thousands}` },
    { numbers: 'either', sql: `${one} AND ${points} AND ${commas} AND NOT ${thousands}` },
    { numbers: 'commas', sql: `${one} AND ${commas} AND NOT ${points}` },
    { numbers: 'bare', sql: all('[+-]?[0-9]+(,[0-9]+)?([eE][+-]?[0-9]+)?') },
  ];
}

/** Looks at columns of text, and of numbers that may be days, once more where one of their values looks like a day or a number of other habits. */
async function lookAtTexts(
  database: Database,
  relation: string,
  looks: Map<number, Look>,
  found: Map<number, Found>,
): Promise<void> {
  const tests: { position: number; format?: string; numbers?: NumberHabit | 'bare'; sql: string }[] = [];
  for (const [position, { type }] of looks) {
    const example = found.get(position)!.example?.trim();
    if (example === undefined) continue;
    const v = `trim(v${position})`;
    const { format: compact, pattern: digits, distinct } = COMPACT;
    if (type === 'BIGINT' && new RegExp(`^${digits}$`).test(example))
      tests.push({
        position,
        format: compact,
        sql: `${isDaySql(v, compact, digits)} AND count(DISTINCT ${v}) >= ${distinct}`,
      });
    if (type !== 'VARCHAR') continue;
    if ([undefined, ',' as const].some((decimal) => new RegExp(`^${numberWithSigns(decimal)}$`).test(example)))
      tests.push(...numberTests(v).map((test) => ({ position, ...test })));
    for (const { format, pattern } of FORMATS) {
      if (!new RegExp(`^${pattern}$`).test(example)) continue;
      tests.push({ position, format, sql: isDaySql(v, format, pattern) });
    }
  }
  if (tests.length === 0) return;
  const positions = [...new Set(tests.map(({ position }) => position))];
  const [row] = await database.rows<Record<string, boolean | null>>(
    `SELECT ${tests.map(({ sql }, i) => `${sql} AS t${i}`).join(', ')} FROM (SELECT ${positions.map((position) => `${presentSql(`c${position}`)} AS v${position}`).join(', ')} FROM ${relation})`,
  );
  const held = tests.filter((_, i) => row![`t${i}`] === true);

  // A point can't be the decimal sign of one column and a comma that of another: which then is meant is not guessed.
  const points = [...looks.values()].some(({ type }) => type === 'DOUBLE');
  const commas = !points && held.some(({ numbers }) => numbers === 'commas');
  // 1,234 may be either; another column tells which.
  const meant: (NumberHabit | 'bare' | undefined)[] = commas
    ? ['commas', 'either']
    : points
      ? ['points', 'either']
      : ['points'];
  for (const { position, numbers } of held) {
    if (!meant.includes(numbers)) continue;
    const bare = held.some((other) => other.position === position && other.numbers === 'bare');
    looks.set(position, {
      ...looks.get(position)!,
      type: 'DOUBLE',
      ...(commas && { comma: true }),
      ...(!(commas && bare) && { signs: true }),
    });
  }

  const format = formatOf(held.flatMap(({ position, format }) => (format === undefined ? [] : [{ position, format }])));
  if (format === undefined) return;
  for (const { position, format: own } of held) {
    if (own === format)
      looks.set(position, { ...looks.get(position)!, type: /%[HI]/.test(format) ? 'TIMESTAMP' : 'DATE', format });
  }
}

/** Whether every value that is known is of a format; strptime alone takes a year of two digits where four are meant. */
function isDaySql(v: string, format: string, pattern: string): string {
  return `bool_and(regexp_full_match(${v}, '${pattern}') AND try_strptime(${v}, ${literal(format)}) IS NOT NULL) FILTER (${v} IS NOT NULL)`;
}

/** The one format that most columns have; a column that also has another one of the same pattern decides nothing. */
function formatOf(held: { position: number; format: string }[]): string | undefined {
  const decided = held
    .filter(({ position }) => held.filter((other) => other.position === position).length === 1)
    .map(({ format }) => format);
  const counts = [...new Set(decided)].map((format) => ({
    format,
    columns: held.filter((one) => one.format === format).length,
  }));
  return counts.toSorted((a, b) => b.columns - a.columns)[0]?.format;
}

function normal(text: string): string {
  return text.trim().toLowerCase();
}

/** The items of a LIST of texts. */
function textsOf(list: unknown): string[] {
  return typeof list === 'object' && list !== null && 'items' in list ? [...(list.items as string[])] : [];
}
