import { isMoment } from '../contracts/index.js';
import { PerdureError } from '../errors.js';

/** Partitions are months, named `1999_01`. Dates are ISO 8601 days (`1999-01-31`), which sort as text. */

/** The day of an ISO 8601 date or instant; an instant counts in UTC. Throws `InputInvalid` for anything else. */
export function dayOf(moment: string): string {
  if (!isMoment(moment)) {
    throw new PerdureError('InputInvalid', `"${moment}" is no moment; give an ISO 8601 date or instant such as 2008-12-31.`);
  }
  return new Date(moment).toISOString().slice(0, 10);
}

/** The earlier of two days. */
export function earlier(a: string, b: string): string {
  return a < b ? a : b;
}

/** SQL that names the partition of a date column. */
export function partitionNameSql(column: string): string {
  return `strftime(${column}, '%Y_%m')`;
}

/** Whether a partition may bear this name: a month of the years 0000 to 9999. */
export function isPartition(name: string): boolean {
  return /^\d{4}_(0[1-9]|1[0-2])$/.test(name);
}

/** First and last day of a partition. Throws `InputInvalid` for a name that is none. */
export function partitionDays(name: string): { start: string; end: string } {
  checkPartition(name);
  const [year = NaN, month = NaN] = name.split('_').map(Number);
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const prefix = name.replace('_', '-');
  return { start: `${prefix}-01`, end: `${prefix}-${last}` };
}

/** The key of a partition's object. Throws `InputInvalid` for a name that is none. */
export function partitionKey(path: string, name: string): string {
  checkPartition(name);
  return path.replace('{partition}', name);
}

function checkPartition(name: string): void {
  if (!isPartition(name)) throw new PerdureError('InputInvalid', `${JSON.stringify(name)} can't name a partition; give a month such as 1999_01.`);
}
