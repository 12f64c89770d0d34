import { PerdureError } from '../../errors.js';
import { mapParts, type Part, type Transform } from './flow.js';
import type { FittedStep } from './fitted.js';
import type { DatePart } from './settings.js';
import type { StepSettings } from './transforms.js';

const DAY = 86_400_000;

/** Numbers of the calendar out of days since 1970-01-01. */
export const dateParts: Transform<
  StepSettings<'date_parts'>,
  Extract<FittedStep, { date_parts: unknown }>['date_parts']
> = {
  fit(parts, flow, { column }) {
    if (flow.kind !== 'date')
      throw new PerdureError(
        'ConfigInvalid',
        `The step "date_parts" of the column ${JSON.stringify(column)} needs dates, and the column has ${flow.kind === 'category' ? 'text' : 'numbers'}; declare it as DATE or TIMESTAMP.`,
      );
    return parts;
  },

  apply(parts, flow, { column }) {
    const { values: days } = (flow as { parts: Part[] }).parts[0]!;
    const copies = parts.map((part) => ({ name: `${column} ${part.replaceAll('_', ' ')}`, values: days }));
    return mapParts(copies, (day, i) => (Number.isNaN(day) ? NaN : PARTS[parts[i]!](day)));
  },
};

/** What rounding may make of a whole millisecond on its way to days and back, as a share of it: three roundings of half a unit each. */
const ROUNDING = 1.5 * Number.EPSILON;

/** The millisecond in which a moment lies: a microsecond before midnight is of the day that ends. */
function millisecondOf(days: number): number {
  const time = days * DAY;
  const nearest = Math.round(time);
  return Math.abs(time - nearest) <= Math.abs(time) * ROUNDING ? nearest : Math.floor(time);
}

const dateOf = (days: number) => new Date(millisecondOf(days));
const wholeDays = (days: number) => Math.floor(millisecondOf(days) / DAY);
/** 1970-01-01 was a Thursday. */
const weekday = (days: number) => ((((wholeDays(days) + 3) % 7) + 7) % 7) + 1;
// `Date.UTC` would take the years 0 to 99 for those of the twentieth century.
const newYear = (days: number) => new Date(0).setUTCFullYear(dateOf(days).getUTCFullYear(), 0, 1);
const dayOfYear = (days: number) => wholeDays(days) - newYear(days) / DAY + 1;

const PARTS: Record<DatePart, (days: number) => number> = {
  days: (days) => days,
  year: (days) => dateOf(days).getUTCFullYear(),
  quarter: (days) => Math.floor(dateOf(days).getUTCMonth() / 3) + 1,
  month: (days) => dateOf(days).getUTCMonth() + 1,
  week: (days) => {
    // The week of ISO 8601 is that of its Thursday.
    const thursday = wholeDays(days) - weekday(days) + 4;
    return Math.floor((dayOfYear(thursday) - 1) / 7) + 1;
  },
  day: (days) => dateOf(days).getUTCDate(),
  weekday,
  day_of_year: dayOfYear,
  hour: (days) => dateOf(days).getUTCHours(),
  minute: (days) => dateOf(days).getUTCMinutes(),
};
