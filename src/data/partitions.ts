import { DateTime } from 'luxon';
import type { Pipeline } from '../config/load.js';
import { isMoment } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { identifier, literal } from './duckdb.js';

/**
 * A store is cut by days, ISO weeks, months or years, by the days on which rows arrived, or not at all. A partition's
 * name says which: `1999_01_31`, `1999_W05`, `1999_01`, `1999`, and `all` where rows have no dates. Dates are ISO 8601
 * days (`1999-01-31`), which sort as text.
 */

/** The day of an ISO 8601 date or instant; an instant counts in UTC. Throws `InputInvalid` for anything else. */
export function dayOf(moment: string): string {
  if (!isMoment(moment)) {
    throw new PerdureError(
      'InputInvalid',
      `"${moment}" is no moment; give an ISO 8601 date or instant such as 2008-12-31.`,
    );
  }
  return new Date(moment).toISOString().slice(0, 10);
}

/** The earlier of two days. */
export function earlier(a: string, b: string): string {
  return a < b ? a : b;
}

/** What tells how a store is cut. */
type Partitioned = Pick<Pipeline, 'definition'>;

/** SQL for the day of a row, as DATE; `undefined` where rows have none. */
export function daySql({ definition: { partition } }: Partitioned, table?: string): string | undefined {
  if (partition.column === undefined) return undefined;
  return `CAST(${table === undefined ? '' : `${table}.`}${identifier(partition.column)} AS DATE)`;
}

/** SQL condition that a row's day is one of these, which rows without a day always meet. */
export function betweenDaysSql(
  pipeline: Partitioned,
  { from, to }: { from: string; to: string },
  table?: string,
): string {
  const day = daySql(pipeline, table);
  return day === undefined ? 'true' : `${day} BETWEEN CAST(${literal(from)} AS DATE) AND CAST(${literal(to)} AS DATE)`;
}

/** SQL that names the partition of a row by its day. */
export function partitionNameSql(pipeline: Partitioned, day = daySql(pipeline)): string {
  const format = FORMATS[pipeline.definition.partition.by];
  return day === undefined || format === undefined ? literal(UNDATED) : `strftime(${day}, ${literal(format)})`;
}

export const UNDATED = 'all';
const FORMATS = {
  none: undefined,
  day: '%Y_%m_%d',
  week: '%G_W%V',
  month: '%Y_%m',
  year: '%Y',
  arrival: '%Y_%m_%d',
} as const;

/** Whether a partition may bear this name: that of a period of the years 0000 to 9999, or of rows without dates. */
export function isPartition(name: string): boolean {
  return daysOf(name) !== undefined;
}

/** First and last day of a partition. Throws `InputInvalid` for a name that is none. */
export function partitionDays(name: string): { start: string; end: string } {
  const days = daysOf(name);
  if (!days)
    throw new PerdureError(
      'InputInvalid',
      `${JSON.stringify(name)} can't name a partition; give a day, an ISO week, a month or a year such as 1999_01_31, 1999_W05, 1999_01 or 1999.`,
    );
  return days;
}

/** The key of a partition's object. Throws `InputInvalid` for a name that is none. */
export function partitionKey(path: string, name: string): string {
  partitionDays(name);
  return path.replace('{partition}', name);
}

function daysOf(name: string): { start: string; end: string } | undefined {
  if (name === UNDATED) return { start: '0000-01-01', end: '9999-12-31' };
  const [, year = '', week, month, day] = /^(\d{4})(?:_W(\d\d)|_(\d\d)(?:_(\d\d))?)?$/.exec(name) ?? [];
  const start = DateTime.fromObject(
    week === undefined
      ? { year: Number(year), month: Number(month ?? 1), day: Number(day ?? 1) }
      : { weekYear: Number(year), weekNumber: Number(week), weekday: 1 },
    { zone: 'utc' },
  );
  if (year === '' || !start.isValid) return undefined;
  const end = start.endOf(
    week !== undefined ? 'week' : day !== undefined ? 'day' : month !== undefined ? 'month' : 'year',
  );
  return { start: start.toISODate(), end: end.toISODate() };
}
