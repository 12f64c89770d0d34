import { createRequire } from 'node:module';
import { z } from 'zod';

/** Every name of the IANA time zone database, links included. */
const { zones } = createRequire(import.meta.url)('tzdata') as { zones: Record<string, unknown> };

const DAYS_OF_WEEK = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

/** One workflow's schedule. Nothing but the days has a default: what happens around an outage is decided, not inherited. */
const schedule = z
  .strictObject({
    at: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "02:00"')
      .describe('Time of day, such as 02:00'),
    day_of_week: z.enum(DAYS_OF_WEEK).optional().meta({
      description: 'This day of the week alone; together with days_of_month, days that are both',
      otherwise: 'every day',
    }),
    days_of_month: z
      .strictObject({
        from: z.int().min(1).max(31).describe('First day'),
        to: z.int().min(1).max(31).describe('Last day'),
      })
      .optional()
      .meta({
        description: 'These days of the month alone, both ends included: 1 to 7 on sundays is the first Sunday',
        otherwise: 'every day',
      }),
    time_zone: z
      .string()
      .refine(isTimeZone, 'an IANA time zone in its own capitals, such as "UTC" or "Europe/London"')
      .describe('IANA name of the zone that `at` is told in, e.g. `Europe/London`.'),
    overlap: z
      .enum(['skip', 'buffer_one'])
      .describe('When the run before is still at work: `skip` this one, or `buffer_one` to start after it'),
    catchup_window_minutes: z
      .number()
      .min(1)
      .max(527_040)
      .describe('How late a run may still start after an outage; one that would be later is left out'),
    jitter_seconds: z
      .number()
      .min(0)
      .max(86_400)
      .describe("The start is put off by up to this, at random, so that pipelines don't all start at once"),
    pause_on_failure: z
      .boolean()
      .describe('Whether a failed run holds up all later ones until somebody resumes the schedule'),
    retries: z
      .strictObject({
        at_most: z.int().min(1).max(100).describe('Times at most'),
        minutes_apart: z.number().min(0.01).max(10_080).describe('Minutes from a failure to the next start'),
      })
      .optional()
      .meta({
        description: 'How often a run that failed starts again',
        otherwise: 'it does not',
      }),
  })
  .refine(({ days_of_month: days }) => !days || days.from <= days.to, {
    path: ['days_of_month'],
    message: 'expected "from" on or before "to"',
  });
export type ScheduleConfig = z.infer<typeof schedule>;

/** When a pipeline's workflows start by themselves; one that isn't named doesn't. */
export const Schedules = z.strictObject({
  processing: schedule
    .optional()
    .meta({ description: 'Schedule of processing', otherwise: 'it does not start by itself' }),
  training: schedule.optional().meta({ description: 'Schedule of training', otherwise: 'it does not start by itself' }),
  inference: schedule
    .optional()
    .meta({ description: 'Schedule of inference', otherwise: 'it does not start by itself' }),
  monitoring: schedule
    .optional()
    .meta({ description: 'Schedule of monitoring', otherwise: 'it does not start by itself' }),
  backfill: schedule.optional().meta({
    description: 'Schedule of the periods that are over since the last one of "perdure backfill", in order',
    otherwise: 'they do not start by themselves',
  }),
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
