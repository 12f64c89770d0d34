import { DateTime } from 'luxon';
import type { ScheduleConfig } from '../../config/schedules.js';

/** A day on which a schedule does not start exactly one run, as the clocks change. */
export interface UnusualDay {
  /** `2027-03-14`, in the schedule's zone. */
  day: string;
  /** 0 where its time of day does not exist, 2 where it comes twice. */
  runs: 0 | 2;
}

/** How far ahead clocks are looked at: two changes of each kind, where a zone has them. */
const DAYS_AHEAD = 2 * 365;

/** The coming days on which Temporal starts no run of a schedule, or two: it goes by the wall clock of the zone. */
export function unusualDays(
  { at, time_zone, day_of_week, days_of_month }: ScheduleConfig,
  from: Date,
  days = DAYS_AHEAD,
): UnusualDay[] {
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  const first = DateTime.fromJSDate(from, { zone: time_zone });
  const found: UnusualDay[] = [];
  // A zone that is none is Temporal's to refuse.
  if (!first.isValid) return found;
  for (let ahead = 0; ahead < days; ahead += 1) {
    // By the date alone: a zone may skip midnight, and even a whole day.
    const { year, month, day, weekdayLong } = DateTime.utc(first.year, first.month, first.day)
      .plus({ days: ahead })
      .setLocale('en');
    if (day_of_week && weekdayLong?.toLowerCase() !== day_of_week) continue;
    if (days_of_month && (day < days_of_month.from || day > days_of_month.to)) continue;
    const moment = DateTime.fromObject({ year, month, day, hour, minute }, { zone: time_zone });
    const exists = moment.day === day && moment.hour === hour && moment.minute === minute;
    if (!exists) found.push({ day: isoDay(year, month, day), runs: 0 });
    else if (moment.getPossibleOffsets().length > 1) found.push({ day: isoDay(year, month, day), runs: 2 });
  }
  return found;
}

function isoDay(year: number, month: number, day: number): string {
  return DateTime.utc(year, month, day).toISODate() ?? '';
}
