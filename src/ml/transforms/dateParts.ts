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

const dateOf = (days: number) => new Date(Math.round(days * DAY));
/** 1970-01-01 was a Thursday. */
const weekday = (days: number) => ((((Math.floor(days) + 3) % 7) + 7) % 7) + 1;
const dayOfYear = (days: number) => Math.floor(days) - Date.UTC(dateOf(days).getUTCFullYear(), 0, 1) / DAY + 1;

const PARTS: Record<DatePart, (days: number) => number> = {
  days: (days) => days,
  year: (days) => dateOf(days).getUTCFullYear(),
  quarter: (days) => Math.floor(dateOf(days).getUTCMonth() / 3) + 1,
  month: (days) => dateOf(days).getUTCMonth() + 1,
  week: (days) => {
    // The week of ISO 8601 is that of its Thursday.
    const thursday = Math.floor(days) - weekday(days) + 4;
    return Math.floor((dayOfYear(thursday) - 1) / 7) + 1;
  },
  day: (days) => dateOf(days).getUTCDate(),
  weekday,
  day_of_year: dayOfYear,
  hour: (days) => dateOf(days).getUTCHours(),
  minute: (days) => dateOf(days).getUTCMinutes(),
};
