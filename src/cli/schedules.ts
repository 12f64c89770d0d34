import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { listPipelines, loadPipeline } from '../config/load.js';
import type { Scheduled } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import {
  applySchedules,
  backfillSchedule,
  diffSchedules,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  settingsOf,
  triggerSchedule,
  type PipelineSchedule,
  type ScheduleChange,
} from '../platform/temporal/schedules.js';
import { tellIdle } from './effectiveConfig.js';
import type { JsonOption } from './options.js';
import { person } from './person.js';
import { openServer } from './session.js';
import { table } from './table.js';
import { countOf, print, printJson, say } from './terminal.js';

interface ScheduleJson {
  schedule_id: string;
  pipeline: string;
  phase: Scheduled;
  times: string;
  time_zone: string;
  overlap: string;
  /** `none`, or how often and how long after a failure a run starts again. */
  retries: string;
  catchup_window: string;
  jitter: string;
  pause_on_failure: boolean;
  paused: boolean;
  note: string | null;
  next_run: string | null;
  last_run: { workflow_id: string; scheduled_at: string } | null;
  running: string[];
}

export async function apply(name: string, { json }: JsonOption): Promise<void> {
  const pipeline = await loadPipeline(name);
  tellIdle(pipeline);
  const changes = await withClient((client) => applySchedules(client, pipeline));
  warnOfClocks(changes);
  if (json) printJson({ changes: changes.map(changeJson) });
  else print(describeChanges(changes, { create: 'created', update: 'updated', delete: 'deleted' }));
}

export async function diff(name: string, { json }: JsonOption): Promise<void> {
  const pipeline = await loadPipeline(name);
  const changes = await withClient((client) => diffSchedules(client, pipeline));
  warnOfClocks(changes);
  if (json) printJson({ changes: changes.map(changeJson) });
  else
    print(
      describeChanges(changes, { create: 'would be created', update: 'would be updated', delete: 'would be deleted' }),
    );
}

export async function list(pipeline: string | undefined, { json }: JsonOption): Promise<void> {
  const names = pipeline === undefined ? await listPipelines() : [(await loadPipeline(pipeline)).definition.name];
  const schedules = await withClient(async (client) => {
    const found = await Promise.all(
      names.map(async (name) => (await listSchedules(client, name)).map((schedule) => scheduleJson(name, schedule))),
    );
    return found.flat();
  });
  if (json) printJson({ schedules });
  else
    print(
      schedules.length === 0
        ? 'No schedules yet; "perdure schedules apply" makes those of a config.'
        : schedulesTable(schedules),
    );
}

type Noted = { note?: string } & JsonOption;

export async function pause(pipeline: string, phase: Scheduled, { note, json }: Noted): Promise<void> {
  await changeState(pipeline, phase, json, (client) =>
    pauseSchedule(client, pipeline, phase, { by: person(), reason: note }),
  );
}

export async function resume(pipeline: string, phase: Scheduled, { note, json }: Noted): Promise<void> {
  await changeState(pipeline, phase, json, (client) =>
    resumeSchedule(client, pipeline, phase, { by: person(), reason: note }),
  );
}

/** How long the server may take to start a run that was triggered. */
const TRIGGER_PATIENCE_MS = 5_000;

export async function trigger(pipeline: string, phase: Scheduled, { json }: JsonOption): Promise<void> {
  await loadPipeline(pipeline);
  const started = await withClient(async (client) => {
    const before = await lastRun(client, pipeline, phase);
    await triggerSchedule(client, pipeline, phase);
    return newRun(client, pipeline, phase, before?.workflow_id);
  });
  if (json) printJson({ started: started ?? null });
  else
    print(
      started ? `Started ${started.workflow_id}.` : 'Nothing was started: a run of this schedule is still at work.',
    );
}

export async function backfill(
  pipeline: string,
  phase: Scheduled,
  { from, to, json }: { from: string; to: string } & JsonOption,
): Promise<void> {
  const range = { from: new Date(from), to: new Date(to) };
  if (range.from > range.to)
    throw new PerdureError(
      'InputInvalid',
      `The backfill ends (${to}) before it begins (${from}); swap --from and --to.`,
    );
  await loadPipeline(pipeline);
  const { times, lasting } = await withClient(async (client, lasting) => ({
    times: await backfillSchedule(client, pipeline, phase, range),
    lasting,
  }));
  const runs = times.map((time) => time.toISOString());
  if (json) printJson({ from: range.from.toISOString(), to: range.to.toISOString(), runs });
  else print(describeBackfill(pipeline, phase, runs));
  if (!lasting) say('The server of this command ends with it; the runs go on while "perdure up" runs.');
}

const SHOWN_TIMES = 20;

function describeBackfill(pipeline: string, phase: Scheduled, runs: string[]): string {
  const more = runs.length - SHOWN_TIMES;
  return [
    `${countOf(runs.length, 'run')} of ${phase} asked for, one after the other; "perdure status ${pipeline}" shows them. Their times (UTC):`,
    ...runs.slice(0, SHOWN_TIMES).map((time) => `  ${minute(time)}`),
    ...(more > 0 ? [`  and ${more} more, the last at ${minute(runs.at(-1)!)}`] : []),
  ].join('\n');
}

async function changeState(
  pipeline: string,
  phase: Scheduled,
  json: boolean | undefined,
  change: (client: Client) => Promise<void>,
): Promise<void> {
  await loadPipeline(pipeline);
  const schedule = await withClient(async (client) => {
    await change(client);
    return (await listSchedules(client, pipeline)).find((found) => found.phase === phase);
  });
  if (!schedule) return;
  const { paused, note } = schedule.description.state;
  if (json) printJson({ schedule: scheduleJson(pipeline, schedule) });
  else print(`${schedule.description.scheduleId} is ${paused ? 'paused' : 'active'}${note ? `: ${note}` : ''}.`);
}

async function withClient<Result>(work: (client: Client, lasting: boolean) => Promise<Result>): Promise<Result> {
  const session = await openServer();
  try {
    return await work(session.client, !session.embedded);
  } finally {
    await session.close();
  }
}

async function newRun(
  client: Client,
  pipeline: string,
  phase: Scheduled,
  before?: string,
): Promise<ScheduleJson['last_run'] | undefined> {
  for (const deadline = Date.now() + TRIGGER_PATIENCE_MS; Date.now() < deadline; await sleep(100)) {
    const last = await lastRun(client, pipeline, phase);
    if (last && last.workflow_id !== before) return last;
  }
  return undefined;
}

async function lastRun(
  client: Client,
  pipeline: string,
  phase: Scheduled,
): Promise<ScheduleJson['last_run'] | undefined> {
  const schedule = (await listSchedules(client, pipeline)).find((found) => found.phase === phase);
  return schedule && scheduleJson(pipeline, schedule).last_run;
}

function scheduleJson(pipeline: string, { phase, description }: PipelineSchedule): ScheduleJson {
  const { scheduleId, state, info } = description;
  const settings = settingsOf(description);
  const last = info.recentActions.at(-1);
  return {
    schedule_id: scheduleId,
    pipeline,
    phase,
    times: settings.times,
    time_zone: settings.time_zone,
    overlap: settings.overlap.toLowerCase(),
    catchup_window: settings.catchup_window,
    jitter: settings.jitter,
    pause_on_failure: description.policies.pauseOnFailure,
    retries: settings.retries,
    paused: state.paused,
    note: state.note ?? null,
    next_run: info.nextActionTimes[0]?.toISOString() ?? null,
    last_run: last
      ? { workflow_id: last.action.workflow.workflowId, scheduled_at: last.scheduledAt.toISOString() }
      : null,
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
  };
}

function schedulesTable(schedules: ScheduleJson[]): string {
  const rows = schedules.map(({ schedule_id, times, time_zone, paused, note, next_run, last_run }) => [
    schedule_id,
    `${times} ${time_zone}`,
    paused ? `paused${note ? `: ${note}` : ''}` : minute(next_run),
    minute(last_run?.scheduled_at ?? null),
  ]);
  return table(['schedule', 'times', 'next run (UTC)', 'last run (UTC)'], rows);
}

function minute(instant: string | null): string {
  return instant ? instant.slice(0, 16).replace('T', ' ') : '-';
}

function changeJson({ scheduleId, phase, action, differences, unusualDays }: ScheduleChange) {
  return { schedule_id: scheduleId, phase, action, differences, unusual_days: unusualDays };
}

/** Told beside every change and difference: by the wall clock, some days have no such time, and some have it twice. */
function warnOfClocks(changes: ScheduleChange[]): void {
  for (const { scheduleId, unusualDays } of changes) {
    const days = (runs: number) => unusualDays.filter((day) => day.runs === runs).map(({ day }) => day);
    const told = [
      ...(days(0).length > 0 ? [`no run on ${days(0).join(', ')}, when the clocks skip its time`] : []),
      ...(days(2).length > 0 ? [`two runs on ${days(2).join(', ')}, when the clocks show its time twice`] : []),
    ];
    if (told.length > 0)
      say(
        `Warning: ${scheduleId} has ${told.join(', and ')}; choose another time of day, or the zone "UTC", for one run a day.`,
      );
  }
}

function describeChanges(
  changes: ScheduleChange[],
  words: Record<Exclude<ScheduleChange['action'], 'none'>, string>,
): string {
  const lines = changes.flatMap(({ scheduleId, action, differences }) => {
    if (action === 'none') return [];
    const details =
      action === 'update' ? differences.map(({ setting, from, to }) => `  ${setting}: ${from} -> ${to}`) : [];
    return [`${scheduleId} ${words[action]}`, ...details];
  });
  return lines.join('\n') || 'The schedules are as the config says.';
}
