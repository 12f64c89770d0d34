import { isDeepStrictEqual } from 'node:util';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type CalendarSpecDescription,
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
  type ScheduleOptions,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import type { Pipeline } from '../config/load.js';
import type { ScheduleConfig } from '../config/schedules.js';
import { TASK_QUEUES, WORKFLOW_OF_PART, type PipelinePart } from '../contracts/index.js';
import { summaryOf, workflowIdOf } from '../client.js';
import { PerdureError } from '../errors.js';

/** The parts of a pipeline in the order of a day. */
export const PARTS = ['processing', 'training', 'inference', 'monitoring'] as const satisfies readonly PipelinePart[];

/** A schedule as Temporal has it. */
export interface PipelineSchedule {
  part: PipelinePart;
  description: ScheduleDescription;
}

/** What applying does, or would do, to one schedule. */
export interface ScheduleChange {
  part: PipelinePart;
  scheduleId: string;
  action: 'create' | 'update' | 'delete' | 'none';
  /** What differs: the setting, what Temporal has and what the config says; `null` where there is none. */
  differences: { setting: keyof ScheduleSettings; from: string | null; to: string | null }[];
}

/** All that the config decides about a schedule, in words that can be compared and read. */
export interface ScheduleSettings {
  times: string;
  time_zone: string;
  jitter: string;
  overlap: string;
  catchup_window: string;
  pause_on_failure: string;
  runs: string;
}

export function scheduleIdOf(pipeline: string, part: PipelinePart): string {
  return `${pipeline}-${part}`;
}

/** What {@link applySchedules} would do. */
export async function diffSchedules(client: Client, pipeline: Pipeline): Promise<ScheduleChange[]> {
  return Promise.all(PARTS.map(async (part) => changeOf(pipeline, part, await describe(client, pipeline.definition.name, part))));
}

/**
 * Brings a pipeline's schedules in line with its config: creates what is missing, updates what differs, deletes what
 * the config no longer names, and leaves the rest alone. What is an operator's (a pause, its note, actions that remain)
 * stays as it is. To apply the same config again changes nothing.
 *
 * @returns what was done, in the order of {@link PARTS}
 */
export async function applySchedules(client: Client, pipeline: Pipeline): Promise<ScheduleChange[]> {
  const changes = await diffSchedules(client, pipeline);
  for (const change of changes) await apply(client, pipeline, change);
  return changes;
}

/** The schedules that a pipeline has now. */
export async function listSchedules(client: Client, pipeline: string): Promise<PipelineSchedule[]> {
  const found = await Promise.all(PARTS.map(async (part) => ({ part, description: await describe(client, pipeline, part) })));
  return found.flatMap(({ part, description }) => (description ? [{ part, description }] : []));
}

/** Stops a schedule from starting runs; one under way goes on. Throws `NotFound`. */
export async function pauseSchedule(client: Client, pipeline: string, part: PipelinePart, note: string): Promise<void> {
  await orNotFound(pipeline, part, handleOf(client, pipeline, part).pause(note));
}

/** Lets a schedule start runs again. Throws `NotFound`. */
export async function resumeSchedule(client: Client, pipeline: string, part: PipelinePart, note: string): Promise<void> {
  await orNotFound(pipeline, part, handleOf(client, pipeline, part).unpause(note));
}

/**
 * Starts a run now, by the schedule's own overlap policy, whether or not it is paused. Throws `NotFound`.
 */
export async function triggerSchedule(client: Client, pipeline: string, part: PipelinePart): Promise<void> {
  const handle = handleOf(client, pipeline, part);
  const { policies } = await orNotFound(pipeline, part, handle.describe());
  // Without a policy the SDK lets a triggered run start beside one that is at work.
  await handle.trigger(policies.overlap);
}

/**
 * Makes up for the runs that a schedule would have started between two instants, one after the other, each standing
 * at its own time. Throws `NotFound`.
 */
export async function backfillSchedule(client: Client, pipeline: string, part: PipelinePart, { from, to }: { from: Date; to: Date }): Promise<void> {
  await orNotFound(pipeline, part, handleOf(client, pipeline, part).backfill({ start: from, end: to, overlap: 'BUFFER_ALL' }));
}

/** A schedule's settings as Temporal has them. */
export function settingsOf({ spec, policies, action }: ScheduleDescription): ScheduleSettings {
  const { calendars = [], intervals = [], skip = [], timezone, jitter = 0 } = spec;
  const limits = { intervals, skip, startAt: spec.startAt, endAt: spec.endAt };
  const others = intervals.length > 0 || skip.length > 0 || spec.startAt || spec.endAt ? [JSON.stringify(limits)] : [];
  return {
    times: [...calendars.map(calendarInWords), ...others].join('; '),
    time_zone: timezone ?? 'UTC',
    jitter: seconds(jitter),
    overlap: policies.overlap ?? 'SKIP',
    catchup_window: seconds(policies.catchupWindow),
    pause_on_failure: String(policies.pauseOnFailure),
    runs: runInWords(action),
  };
}

function wantedSettings(pipeline: string, part: PipelinePart, config: ScheduleConfig): ScheduleSettings {
  const { spec, policies, action } = optionsFor(pipeline, part, config);
  return {
    times: calendarInWords(calendarOf(config)),
    time_zone: config.time_zone,
    jitter: seconds(spec.jitter),
    overlap: policies.overlap,
    catchup_window: seconds(policies.catchupWindow),
    pause_on_failure: String(policies.pauseOnFailure),
    runs: runInWords(action),
  };
}

function optionsFor(pipeline: string, part: PipelinePart, config: ScheduleConfig) {
  const scheduleId = scheduleIdOf(pipeline, part);
  const workflow = WORKFLOW_OF_PART[part];
  return {
    scheduleId,
    spec: { calendars: [calendarOf(config)], timezone: config.time_zone, jitter: config.jitter_seconds * 1000 },
    policies: {
      overlap: config.overlap === 'skip' ? ('SKIP' as const) : ('BUFFER_ONE' as const),
      catchupWindow: config.catchup_window_minutes * 60_000,
      pauseOnFailure: config.pause_on_failure,
    },
    action: {
      type: 'startWorkflow' as const,
      workflowType: workflow,
      // Temporal adds the run's nominal time.
      workflowId: workflowIdOf(workflow, pipeline),
      taskQueue: TASK_QUEUES.orchestrator,
      args: [{ pipeline, reason: 'scheduled', triggeredBy: `schedule ${scheduleId}` }],
      staticSummary: summaryOf(workflow, { pipeline, reason: 'scheduled' }),
    },
  } satisfies ScheduleOptions;
}

const EVERY_MONTH = [{ start: 'JANUARY', end: 'DECEMBER', step: 1 }] as const;

/** In the form in which Temporal gives it back, with every field. */
function calendarOf({ at, day_of_week, days_of_month }: ScheduleConfig) {
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  const { from, to } = days_of_month ?? { from: 1, to: 31 };
  const day = day_of_week?.toUpperCase() as Uppercase<NonNullable<ScheduleConfig['day_of_week']>> | undefined;
  return {
    second: [{ start: 0, end: 0, step: 1 }],
    minute: [{ start: minute, end: minute, step: 1 }],
    hour: [{ start: hour, end: hour, step: 1 }],
    dayOfMonth: [{ start: from, end: to, step: 1 }],
    month: [...EVERY_MONTH],
    year: [],
    dayOfWeek: [{ start: day ?? 'SUNDAY', end: day ?? 'SATURDAY', step: 1 }],
  } satisfies CalendarSpecDescription;
}

/** `02:00 daily`, `10:00 on sunday`, `03:00 on sunday, days 1 to 7`; another's calendar that says more, as it is. */
function calendarInWords(calendar: CalendarSpecDescription): string {
  const { hour, minute, second, dayOfMonth, month, year, dayOfWeek } = calendar;
  const [time] = hour.flatMap(({ start }) => minute.map((of) => `${twoDigits(start)}:${twoDigits(of.start)}`));
  const [days, weekdays] = [dayOfMonth[0], dayOfWeek[0]];
  const isPlain =
    [hour, minute, second].every(([only, ...more]) => only && only.start === only.end && more.length === 0) &&
    second[0]?.start === 0 &&
    isDeepStrictEqual(month, EVERY_MONTH) &&
    year.length === 0 &&
    dayOfMonth.length === 1 &&
    dayOfWeek.length === 1 &&
    (weekdays?.start === weekdays?.end || (weekdays?.start === 'SUNDAY' && weekdays.end === 'SATURDAY'));
  if (!isPlain || !days || !weekdays) return JSON.stringify(calendar);
  const onDay = weekdays.start === weekdays.end ? [`on ${weekdays.start.toLowerCase()}`] : [];
  const inMonth = days.start === 1 && days.end === 31 ? [] : [`days ${days.start} to ${days.end}`];
  return [time, [...onDay, ...inMonth].join(', ') || 'daily'].join(' ');
}

type RunFields = 'workflowType' | 'workflowId' | 'taskQueue' | 'args';

function runInWords({ workflowType, workflowId, taskQueue, args }: Pick<ScheduleDescription['action'], RunFields>): string {
  return `${workflowType} as ${workflowId} on ${taskQueue} with ${JSON.stringify(args)}`;
}

function changeOf(pipeline: Pipeline, part: PipelinePart, present: ScheduleDescription | undefined): ScheduleChange {
  const config = pipeline.config.schedules[part];
  const from = present && settingsOf(present);
  const to = config && wantedSettings(pipeline.definition.name, part, config);
  const settings = Object.keys(from ?? to ?? {}) as (keyof ScheduleSettings)[];
  const differences = settings
    .map((setting) => ({ setting, from: from?.[setting] ?? null, to: to?.[setting] ?? null }))
    .filter((setting) => setting.from !== setting.to);
  const action = from ? (to ? (differences.length > 0 ? 'update' : 'none') : 'delete') : to ? 'create' : 'none';
  return { part, scheduleId: scheduleIdOf(pipeline.definition.name, part), action, differences };
}

async function apply(client: Client, { definition: { name }, config }: Pipeline, { part, action }: ScheduleChange): Promise<void> {
  const handle = handleOf(client, name, part);
  const wanted = config.schedules[part];
  if (action === 'delete') await handle.delete();
  if (!wanted) return;
  const { scheduleId, ...options } = optionsFor(name, part, wanted);
  if (action === 'create') {
    await client.schedule.create({ scheduleId, ...options }).catch(async (error: unknown) => {
      // Another made it meanwhile, by a config that may differ.
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await update(handle, options);
    });
  }
  if (action === 'update') await update(handle, options);
}

async function update(handle: ScheduleHandle, options: Omit<ReturnType<typeof optionsFor>, 'scheduleId'>): Promise<void> {
  await handle.update(({ state, typedSearchAttributes }): ScheduleUpdateOptions => ({ ...options, state, typedSearchAttributes }));
}

function handleOf(client: Client, pipeline: string, part: PipelinePart): ScheduleHandle {
  return client.schedule.getHandle(scheduleIdOf(pipeline, part));
}

async function describe(client: Client, pipeline: string, part: PipelinePart): Promise<ScheduleDescription | undefined> {
  try {
    return await handleOf(client, pipeline, part).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

async function orNotFound<Result>(pipeline: string, part: PipelinePart, call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new PerdureError('NotFound', `${pipeline} has no schedule for ${part}; "perdure schedules apply ${pipeline}" makes those of its config.`);
  }
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
