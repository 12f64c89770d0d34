import { PerdureError } from '../errors.js';

/** Partitions are months, named `1999_01`. Dates are ISO 8601 days (`1999-01-31`), which sort as text. */

/** The day of an ISO 8601 date or instant; an instant counts in UTC. Throws `InputInvalid` for anything else. */
export function dayOf(moment: string): string {
  const parsed = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(moment) ? new Date(moment) : undefined;
  if (!parsed || Number.isNaN(parsed.getTime())) {
    throw new PerdureError('InputInvalid', `"${moment}" is no moment; give an ISO 8601 date or instant such as 2008-12-31.`);
  }
  return parsed.toISOString().slice(0, 10);
}

/** The earlier of two days. */
export function earlier(a: string, b: string): string {
  return a < b ? a : b;
}

/** SQL that names the partition of a date column. */
export function partitionNameSql(column: string): string {
  return `strftime(${column}, '%Y_%m')`;
}

/** First and last day of a partition. */
export function partitionDays(name: string): { start: string; end: string } {
  const [year = NaN, month = NaN] = name.split('_').map(Number);
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const prefix = name.replace('_', '-');
  return { start: `${prefix}-01`, end: `${prefix}-${last}` };
}

/** The key of a partition's object. */
export function partitionKey(path: string, name: string): string {
  return path.replace('{partition}', name);
}
