import { DateTime } from 'luxon';
import type { Period, PeriodUnit } from '../contracts/index.js';
import { dayOf } from './partitions.js';

/**
 * Periods one after the other, the first from a day on. Months are counted from that day: of one that lacks it, the
 * last day counts.
 *
 * @param from ISO 8601 day
 */
export function periodsFrom(from: string, by: PeriodUnit, count: number): Period[] {
  const first = DateTime.fromISO(dayOf(from), { zone: 'utc' });
  const start = (i: number) => first.plus({ [by]: i });
  return Array.from({ length: count }, (_, i) => ({
    from: start(i).toISODate()!,
    to: start(i + 1)
      .minus({ days: 1 })
      .toISODate()!,
  }));
}

/** How many periods from a day on are over at a moment: their last day has passed. */
export function periodsOver(from: string, by: PeriodUnit, asOf: string): number {
  const first = DateTime.fromISO(dayOf(from), { zone: 'utc' });
  const passed = DateTime.fromISO(dayOf(asOf), { zone: 'utc' }).diff(first, by).as(by);
  return Math.max(0, Math.floor(passed));
}

/** The day that is so many days later. */
export function daysAfter(day: string, days: number): string {
  return DateTime.fromISO(day, { zone: 'utc' }).plus({ days }).toISODate()!;
}

/** Days from one day to a later one. */
export function daysBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 86_400_000;
}
