import { agreeing, shareOf } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { identifier, type Database } from '../duckdb.js';
import { TABLE, type ColumnSummary, type DescribedCsv } from './describe.js';

export interface TimeDecision {
  /** SQL of a row's day; `undefined` where rows have none. */
  sql?: string;
  partition?: 'day' | 'month' | 'year';
  /** First day of the last fifth of the rows, and of the fifth before it where that is another. */
  test?: string;
  validation?: string;
  /** Rows of days to come. */
  future?: number;
  /** Columns that it goes by. */
  columns: string[];
  reason: string;
}

/** Days that belong to a thing rather than to a row: they lie long before it, or after. */
const OF_A_THING = /birth|dob|born|founded|built|expir|due|end|close|until|death|deceased|last|next|renew/i;
/** Periods that one partition each would be too many of. */
const MANY_DAYS = 62;
const MANY_MONTHS = 360;

/**
 * When a row was made: a column of days, or year, month and day; nothing where neither is there.
 * @param asked SQL or a column's name
 * @throws PerdureError `InputInvalid` for SQL that gives no day for every row
 */
export async function decideTime(
  database: Database,
  { columns, rows }: DescribedCsv,
  label: string,
  asked: string | undefined,
): Promise<TimeDecision> {
  if (asked !== undefined) {
    const column = columns.find(({ name }) => name === asked);
    const sql = column ? await plain(database, column.name) : asked;
    return {
      ...(await spanOf(database, sql, rows, true))!,
      columns: column ? [column.name] : [],
      reason: 'as --time says',
    };
  }
  const days = columns.filter(
    ({ name, type, present, distinct }) =>
      (type === 'DATE' || type === 'TIMESTAMP') && name !== label && present === rows && distinct > 1,
  );
  const parts = partsOf(columns, rows);
  // Year, month and day were written out to be the row's day; a moment beside them may be of another time zone.
  const spelled = parts !== undefined && parts.every((part) => typeof part === 'string');
  const chosen = days.find(({ name, type }) => !OF_A_THING.test(name) && !(spelled && type === 'TIMESTAMP'));
  if (chosen) {
    const others = days.filter((column) => column !== chosen).map(({ name }) => name);
    return {
      ...(await spanOf(database, await plain(database, chosen.name), rows, false))!,
      columns: [chosen.name],
      reason: `a day in every row${others.length > 0 ? ` (so have ${others.join(', ')})` : ''}`,
    };
  }
  if (parts) {
    const names = await Promise.all(
      parts.map(async (part) => (typeof part === 'number' ? String(part) : plain(database, part))),
    );
    const sql = `make_date(${names.join(', ')})`;
    const span = await spanOf(database, sql, rows, false);
    if (span)
      return { ...span, columns: parts.filter((part) => typeof part === 'string'), reason: 'made of its parts' };
  }
  return {
    columns: [],
    reason:
      days.length > 0
        ? `${days.map(({ name }) => name).join(', ')} ${agreeing(days.length, 'seems', 'seem')} to be of something else than the row (--time says otherwise)`
        : 'no column of days',
  };
}

/** Columns of year, month and day by their names and values; 1 for the day where there is none. */
function partsOf(columns: ColumnSummary[], rows: number): [string, string, string | number] | undefined {
  const part = (pattern: RegExp, least: number, most: number) =>
    columns.find(
      ({ name, type, present, min, max }) =>
        pattern.test(name.trim()) &&
        type === 'BIGINT' &&
        present === rows &&
        Number(min) >= least &&
        Number(max) <= most,
    )?.name;
  const year = part(/^(year|yr|yyyy)$/i, 1000, 9999);
  const month = part(/^(month|mon|mnth|mm)$/i, 1, 12);
  const day = part(/^(day|day_?of_?month|dom|mday|dd)$/i, 1, 31);
  return year !== undefined && month !== undefined ? [year, month, day ?? 1] : undefined;
}

/** A name as SQL has it, quoted only where it must be. */
async function plain(database: Database, name: string): Promise<string> {
  if (!/^[a-z_][a-z0-9_]*$/.test(name) || name.startsWith('current_')) return identifier(name);
  const reserved = await database.rows(
    `SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved' AND keyword_name = '${name}'`,
  );
  return reserved.length > 0 ? identifier(name) : name;
}

async function spanOf(
  database: Database,
  sql: string,
  rows: number,
  asked: boolean,
): Promise<Omit<TimeDecision, 'columns' | 'reason'> | undefined> {
  const query = `SELECT count(day) AS present, CAST(min(day) AS VARCHAR) AS first, CAST(max(day) AS VARCHAR) AS last, count(*) FILTER (day > today()) AS future, date_diff('day', min(day), max(day)) AS days, bool_and(day(day) = 1) AS monthly, CAST(quantile_disc(day, 0.8) AS VARCHAR) AS test, CAST(quantile_disc(day, 0.6) AS VARCHAR) AS validation
    FROM (SELECT CAST(${sql} AS DATE) AS day FROM ${TABLE})`;
  const answer = await database
    .rows<{
      present: bigint;
      first: string;
      last: string;
      future: bigint;
      days: bigint;
      monthly: boolean;
      test: string;
      validation: string;
    }>(query)
    .catch((error: unknown) => {
      if (!asked) return undefined;
      throw new PerdureError(
        'InputInvalid',
        `--time ${sql} gives no days: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    });
  if (!answer) return undefined;
  const { present, first, last, monthly, ...span } = answer[0]!;
  const future = Number(span.future);
  // Columns that nobody asked for have a value in every row.
  if (Number(present) < rows) {
    throw new PerdureError(
      'InputInvalid',
      `--time ${sql} gives no day for ${shareOf(rows - Number(present), rows, 'rows')}; give SQL that does, or leave it out.`,
    );
  }
  const days = Number(span.days);
  const partition = days <= MANY_DAYS && !monthly ? 'day' : days / 30.4 <= MANY_MONTHS ? 'month' : 'year';
  // Where a month begins near it, that is the day: it is easier to speak of.
  const near = (day: string) => (days > 365 && `${day.slice(0, 7)}-01` > first ? `${day.slice(0, 7)}-01` : day);
  const seen = { sql, partition, ...(future > 0 && { future }) } as const;
  if (first === last) return seen;
  const [validation, test] = [near(span.validation), span.test > first ? near(span.test) : last];
  return { ...seen, test, ...(validation > first && validation < test ? { validation } : {}) };
}
