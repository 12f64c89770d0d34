import { createRequire } from 'node:module';
import { z } from 'zod';

/** Every name of the IANA time zone database, links included. */
const { zones } = createRequire(import.meta.url)('tzdata') as { zones: Record<string, unknown> };

const DAYS_OF_WEEK = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

/** One workflow's schedule. Nothing but the days has a default: what happens around an outage is decided, not inherited. */
const schedule = z
  .strictObject({
    /** Time of day. */
    at: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "02:00"'),
    /** Where given, this day of the week alone; together with `days_of_month`, days that are both. */
    day_of_week: z.enum(DAYS_OF_WEEK).optional(),
    /** Where given, these days of the month alone, both ends included: 1 to 7 on sundays is the first Sunday. */
    days_of_month: z.strictObject({ from: z.int().min(1).max(31), to: z.int().min(1).max(31) }).optional(),
    /** IANA name of the zone that `at` is told in, e.g. `Europe/London`. */
    time_zone: z.string().refine(isTimeZone, 'an IANA time zone in its own capitals, such as "UTC" or "Europe/London"'),
    /** When the run before is still at work: `skip` this one, or `buffer_one` to start after it. */
    overlap: z.enum(['skip', 'buffer_one']),
    /** How late a run may still start after an outage; one that would be later is left out. */
    catchup_window_minutes: z.number().min(1).max(527_040),
    /** The start is put off by up to this, at random, so that pipelines don't all start at once. */
    jitter_seconds: z.number().min(0).max(86_400),
    /** Whether a failed run holds up all later ones until somebody resumes the schedule. */
    pause_on_failure: z.boolean(),
  })
  .refine(({ days_of_month: days }) => !days || days.from <= days.to, {
    path: ['days_of_month'],
    message: 'expected "from" on or before "to"',
  });
export type ScheduleConfig = z.infer<typeof schedule>;

/** When a pipeline's workflows start by themselves; one that isn't named doesn't. */
export const Schedules = z.strictObject({
  processing: schedule.optional(),
  training: schedule.optional(),
  inference: schedule.optional(),
  monitoring: schedule.optional(),
});
export type Schedules = z.infer<typeof Schedules>;

/**
 * As the server has it, which tells capitals from small letters: `Europe/london` is no zone to it, though it is one to
 * Node. Zones that only one of the two knows are none either.
 */
function isTimeZone(name: string): boolean {
  if (!Object.hasOwn(zones, name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
