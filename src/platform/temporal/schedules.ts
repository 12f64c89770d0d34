import { isDeepStrictEqual } from 'node:util';
import {
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type CalendarSpecDescription,
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
  type ScheduleOptions,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import type { RetryPolicy } from '@temporalio/common';
import { msToTs, tsToDate } from '@temporalio/common/lib/time.js';
import type { Pipeline } from '../../config/load.js';
import type { ScheduleConfig } from '../../config/schedules.js';
import {
  countOf,
  SCHEDULED,
  TASK_QUEUES,
  WORKFLOW_OF_SCHEDULE,
  type Scheduled,
  type Steering,
} from '../../contracts/index.js';
import { summaryOf, workflowIdOf } from '../../client.js';
import { PerdureError, messageOf } from '../../errors.js';
import { unusualDays, type UnusualDay } from './clockChanges.js';

/** A schedule as Temporal has it. */
export interface PipelineSchedule {
  phase: Scheduled;
  description: ScheduleDescription;
}

/** What applying does, or would do, to one schedule. */
export interface ScheduleChange {
  phase: Scheduled;
  scheduleId: string;
  action: 'create' | 'update' | 'delete' | 'none';
  /** What differs: the setting, what Temporal has and what the config says; `null` where there is none. */
  differences: { setting: keyof ScheduleSettings; from: string | null; to: string | null }[];
  /** Coming days on which it starts no run, or two, as the clocks of its zone change. */
  unusualDays: UnusualDay[];
}

/** All that the config decides about a schedule, in words that can be compared and read. */
export interface ScheduleSettings {
  times: string;
  time_zone: string;
  jitter: string;
  overlap: string;
  catchup_window: string;
  pause_on_failure: string;
  retries: string;
  runs: string;
}

export function scheduleIdOf(pipeline: string, phase: Scheduled): string {
  return `${pipeline}-${phase}`;
}

/** What {@link applySchedules} would do. */
export async function diffSchedules(client: Client, pipeline: Pipeline): Promise<ScheduleChange[]> {
  return Promise.all(
    SCHEDULED.map(async (phase) => changeOf(pipeline, phase, await describe(client, pipeline.definition.name, phase))),
  );
}

/**
 * Brings a pipeline's schedules in line with its config: creates what is missing, updates what differs, deletes what
 * the config no longer names, and leaves the rest alone. What is an operator's (a pause, its note, actions that remain)
 * stays as it is. To apply the same config again changes nothing. Where one can't be changed, those before it are put
 * back as they were: all or nothing.
 *
 * @returns what was done, in the order of {@link SCHEDULED}
 * @throws PerdureError `ConfigInvalid` where Temporal refuses one
 */
export async function applySchedules(client: Client, pipeline: Pipeline): Promise<ScheduleChange[]> {
  const { name } = pipeline.definition;
  const before = await Promise.all(SCHEDULED.map((phase) => describe(client, name, phase)));
  const changes = SCHEDULED.map((phase, i) => changeOf(pipeline, phase, before[i]));
  const done: (() => Promise<void>)[] = [];
  for (const [i, change] of changes.entries()) {
    try {
      await apply(client, pipeline, change);
      if (change.action !== 'none') done.unshift(() => putBack(client, change, before[i]));
    } catch (error) {
      throw await undone(name, change, done, error);
    }
  }
  return changes;
}

/** Undoes what was applied, and says why and whether that worked. */
async function undone(
  pipeline: string,
  { scheduleId }: ScheduleChange,
  done: (() => Promise<void>)[],
  cause: unknown,
): Promise<PerdureError> {
  const outcomes = await Promise.allSettled(done.map((undo) => undo()));
  const failed = outcomes.filter(({ status }) => status === 'rejected').length;
  const state =
    failed === 0
      ? 'no schedule was changed'
      : `${failed} that were changed before could not be put back: see "perdure schedules diff ${pipeline}"`;
  const refusal = [cause, (cause as Error).cause].find(isGrpcServiceError);
  const type = AWAY.includes(refusal?.code ?? 0) ? 'TemporalUnavailable' : 'ConfigInvalid';
  return new PerdureError(
    type,
    `The schedule ${scheduleId} can't be applied (${refusal?.details ?? messageOf(cause)}); ${state}.`,
    { cause },
  );
}

/** gRPC's codes of a deadline that passed and of a server that is away. */
const AWAY = [4, 14];

async function putBack(
  client: Client,
  { scheduleId }: ScheduleChange,
  before: ScheduleDescription | undefined,
): Promise<void> {
  const handle = client.schedule.getHandle(scheduleId);
  if (!before) return handle.delete();
  const { spec, policies, action, state, typedSearchAttributes } = before;
  const options = { spec, policies, action, typedSearchAttributes } as Omit<ScheduleOptions, 'scheduleId'>;
  const isThere = await handle.describe().then(
    () => true,
    () => false,
  );
  if (isThere)
    await handle.update((now): ScheduleUpdateOptions => ({ ...(options as ScheduleUpdateOptions), state: now.state }));
  else await client.schedule.create({ ...options, scheduleId, state: { paused: state.paused, note: state.note } });
}

/** The schedules that a pipeline has now. */
export async function listSchedules(client: Client, pipeline: string): Promise<PipelineSchedule[]> {
  const found = await Promise.all(
    SCHEDULED.map(async (phase) => ({ phase, description: await describe(client, pipeline, phase) })),
  );
  return found.flatMap(({ phase, description }) => (description ? [{ phase, description }] : []));
}

/**
 * Stops a schedule from starting runs; one under way goes on. Who paused it first, and why, stays in the note: of one
 * that is paused already it gets longer where somebody gives another reason, and else stays as it is. Throws `NotFound`.
 */
export async function pauseSchedule(
  client: Client,
  pipeline: string,
  phase: Scheduled,
  { by, reason }: Steering,
): Promise<void> {
  const handle = handleOf(client, pipeline, phase);
  const { state } = await orNotFound(pipeline, phase, handle.describe());
  const note = `paused by ${by}${reason ? `: ${reason}` : ''}`;
  if (!state.paused) await handle.pause(note);
  else if (reason && !state.note?.includes(note)) await handle.pause([state.note, note].filter(Boolean).join('; '));
}

/** Lets a schedule start runs again; the note says who did so, and why. Throws `NotFound`. */
export async function resumeSchedule(
  client: Client,
  pipeline: string,
  phase: Scheduled,
  { by, reason }: Steering,
): Promise<void> {
  const handle = handleOf(client, pipeline, phase);
  const { state } = await orNotFound(pipeline, phase, handle.describe());
  if (state.paused) await handle.unpause(`resumed by ${by}${reason ? `: ${reason}` : ''}`);
}

/**
 * Starts a run now, by the schedule's own overlap policy, whether or not it is paused. Throws `NotFound`.
 */
export async function triggerSchedule(client: Client, pipeline: string, phase: Scheduled): Promise<void> {
  const handle = handleOf(client, pipeline, phase);
  const { policies } = await orNotFound(pipeline, phase, handle.describe());
  // Without a policy the SDK lets a triggered run start beside one that is at work.
  await handle.trigger(policies.overlap);
}

/** More runs than this at once would fill Temporal's buffer of a schedule, which drops the rest silently. */
const MOST_BACKFILLED = 500;

/**
 * The runs that {@link backfillSchedule} would start: Temporal's own answer, as instants, oldest first. Both ends count.
 *
 * @throws PerdureError `NotFound`; `InputInvalid` where there are none, too many, or some that are still to come
 */
export async function backfillTimes(
  client: Client,
  pipeline: string,
  phase: Scheduled,
  { from, to }: { from: Date; to: Date },
): Promise<Date[]> {
  if (to.getTime() > Date.now()) {
    throw new PerdureError(
      'InputInvalid',
      `The backfill ends at ${to.toISOString()}, which is still to come; the schedule itself starts those runs, so end it earlier.`,
    );
  }
  const scheduleId = scheduleIdOf(pipeline, phase);
  const asked = client.workflowService.listScheduleMatchingTimes({
    namespace: client.options.namespace,
    scheduleId,
    // What it lists comes after the start.
    startTime: msToTs(from.getTime() - 1),
    endTime: msToTs(to.getTime()),
  });
  const { startTime } = await orNotFound(pipeline, phase, asked);
  if (startTime.length === 0) {
    throw new PerdureError(
      'InputInvalid',
      `The schedule ${scheduleId} has no run between ${from.toISOString()} and ${to.toISOString()}; "perdure schedules list ${pipeline}" shows its times.`,
    );
  }
  if (startTime.length > MOST_BACKFILLED) {
    throw new PerdureError(
      'InputInvalid',
      `The backfill of ${scheduleId} would be ${countOf(startTime.length, 'run')}, where ${MOST_BACKFILLED} at once are allowed; make it in several pieces.`,
    );
  }
  return startTime.map((time) => tsToDate(time));
}

/**
 * Makes up for the runs that a schedule would have started between two instants, one after the other, each standing
 * at its own time.
 *
 * @returns their times, as {@link backfillTimes}, which also says what is thrown
 */
export async function backfillSchedule(
  client: Client,
  pipeline: string,
  phase: Scheduled,
  range: { from: Date; to: Date },
): Promise<Date[]> {
  const times = await backfillTimes(client, pipeline, phase, range);
  await orNotFound(
    pipeline,
    phase,
    handleOf(client, pipeline, phase).backfill({ start: range.from, end: range.to, overlap: 'BUFFER_ALL' }),
  );
  return times;
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
    retries: retriesInWords(action.retry),
    runs: runInWords(action),
  };
}

function wantedSettings(pipeline: string, phase: Scheduled, config: ScheduleConfig): ScheduleSettings {
  const { spec, policies, action } = optionsFor(pipeline, phase, config);
  return {
    times: calendarInWords(calendarOf(config)),
    time_zone: config.time_zone,
    jitter: seconds(spec.jitter),
    overlap: policies.overlap,
    catchup_window: seconds(policies.catchupWindow),
    pause_on_failure: String(policies.pauseOnFailure),
    retries: retriesInWords(action.retry),
    runs: runInWords(action),
  };
}

function optionsFor(pipeline: string, phase: Scheduled, config: ScheduleConfig) {
  const scheduleId = scheduleIdOf(pipeline, phase);
  const workflow = WORKFLOW_OF_SCHEDULE[phase];
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
      retry: retryOf(config),
    },
  } satisfies ScheduleOptions;
}

function retryOf({ retries }: ScheduleConfig): RetryPolicy | undefined {
  return (
    retries && {
      maximumAttempts: retries.at_most + 1,
      initialInterval: retries.minutes_apart * 60_000,
      backoffCoefficient: 1,
    }
  );
}

/** `3, 300 s apart`; another's policy that says more, as it is. */
function retriesInWords(retry: RetryPolicy | undefined): string {
  if (!retry || retry.maximumAttempts === 1) return 'none';
  const { maximumAttempts, backoffCoefficient } = retry;
  // Temporal gives milliseconds.
  const interval = Number(retry.initialInterval);
  if (maximumAttempts === undefined || Number.isNaN(interval) || backoffCoefficient !== 1) return JSON.stringify(retry);
  return `${maximumAttempts - 1}, ${seconds(interval)} apart`;
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

function runInWords({
  workflowType,
  workflowId,
  taskQueue,
  args,
}: Pick<ScheduleDescription['action'], RunFields>): string {
  return `${workflowType} as ${workflowId} on ${taskQueue} with ${JSON.stringify(args)}`;
}

function changeOf(pipeline: Pipeline, phase: Scheduled, present: ScheduleDescription | undefined): ScheduleChange {
  const config = pipeline.config.schedules[phase];
  const from = present && settingsOf(present);
  const to = config && wantedSettings(pipeline.definition.name, phase, config);
  const settings = Object.keys(from ?? to ?? {}) as (keyof ScheduleSettings)[];
  const differences = settings
    .map((setting) => ({ setting, from: from?.[setting] ?? null, to: to?.[setting] ?? null }))
    .filter((setting) => setting.from !== setting.to);
  const action = from ? (to ? (differences.length > 0 ? 'update' : 'none') : 'delete') : to ? 'create' : 'none';
  return {
    phase,
    scheduleId: scheduleIdOf(pipeline.definition.name, phase),
    action,
    differences,
    unusualDays: config ? unusualDays(config, new Date()) : [],
  };
}

async function apply(
  client: Client,
  { definition: { name }, config }: Pipeline,
  { phase, action }: ScheduleChange,
): Promise<void> {
  const handle = handleOf(client, name, phase);
  const wanted = config.schedules[phase];
  if (action === 'delete') await handle.delete();
  if (!wanted) return;
  const { scheduleId, ...options } = optionsFor(name, phase, wanted);
  if (action === 'create') {
    await client.schedule.create({ scheduleId, ...options }).catch(async (error: unknown) => {
      // Another made it meanwhile, by a config that may differ.
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await update(handle, options);
    });
  }
  if (action === 'update') await update(handle, options);
}

async function update(
  handle: ScheduleHandle,
  options: Omit<ReturnType<typeof optionsFor>, 'scheduleId'>,
): Promise<void> {
  await handle.update(({ state, typedSearchAttributes }): ScheduleUpdateOptions => ({
    ...options,
    state,
    typedSearchAttributes,
  }));
}

function handleOf(client: Client, pipeline: string, phase: Scheduled): ScheduleHandle {
  return client.schedule.getHandle(scheduleIdOf(pipeline, phase));
}

async function describe(client: Client, pipeline: string, phase: Scheduled): Promise<ScheduleDescription | undefined> {
  try {
    return await handleOf(client, pipeline, phase).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** Of gRPC. */
const NOT_FOUND = 5;

async function orNotFound<Result>(pipeline: string, phase: Scheduled, call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError) && (error as { code?: number }).code !== NOT_FOUND) throw error;
    throw new PerdureError(
      'NotFound',
      `${pipeline} has no schedule for ${phase}; "perdure schedules apply ${pipeline}" makes those of its config.`,
    );
  }
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
