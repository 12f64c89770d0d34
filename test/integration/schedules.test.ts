import type { Client, ScheduleDescription } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { msToTs, tsToDate } from '@temporalio/common/lib/time.js';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import {
  stewardIdOf,
  TASK_QUEUES,
  type ModelInferenceInput,
  type Phase,
  type Scheduled,
} from '../../src/contracts/index.js';
import { missedInference } from '../../src/platform/notify/dueInference.js';
import { connectClient } from '../../src/platform/temporal/connection.js';
import {
  applySchedules,
  backfillSchedule,
  diffSchedules,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  scheduleIdOf,
  settingsOf,
  triggerSchedule,
} from '../../src/platform/temporal/schedules.js';
import { unusualDays } from '../../src/platform/temporal/clockChanges.js';
import { freshNamespace } from '../support/testServer.js';
import { until } from '../support/until.js';
import { fakeActivities } from '../workflow/support/fakeActivities.js';
import { bundleWorkflows, withWorkers } from '../workflow/support/workers.js';
import type { TemporalTarget } from '../../src/platform/temporal/connection.js';
import { connectWorker } from '../../src/platform/temporal/workerConnection.js';

const NAME = 'readmission';
const bundle = await bundleWorkflows();
let target: TemporalTarget;
let client: Client;
let pipeline: Pipeline;

beforeEach(async () => {
  target = await freshNamespace();
  client = await connectClient(target);
  pipeline = await loadPipeline(NAME);
  return () => client.connection.close();
});

function described(phase: Scheduled): Promise<ScheduleDescription> {
  return client.schedule.getHandle(scheduleIdOf(NAME, phase)).describe();
}

const MINUTE = 60_000;
const every = { start: 'JANUARY', end: 'DECEMBER', step: 1 };
const only = <T>(value: T) => [{ start: value, end: value, step: 1 }];

describe('schedules of the readmission pipeline', () => {
  test.each(['dev', 'staging', 'prod'])('are those of the operating model, in %s', async (environment) => {
    await applySchedules(client, await loadPipeline(NAME, { ...process.env, ENVIRONMENT: environment }));

    const anyDay = [{ start: 1, end: 31, step: 1 }];
    const anyWeekday = [{ start: 'SUNDAY', end: 'SATURDAY', step: 1 }];
    const expected = {
      processing: {
        hour: 2,
        dayOfMonth: anyDay,
        dayOfWeek: anyWeekday,
        workflow: 'dataProcessing',
        overlap: 'SKIP',
        catchup: 180,
        jitter: 60,
      },
      inference: {
        hour: 6,
        dayOfMonth: anyDay,
        dayOfWeek: anyWeekday,
        workflow: 'modelInference',
        overlap: 'SKIP',
        catchup: 720,
        jitter: 60,
      },
      monitoring: {
        hour: 10,
        dayOfMonth: anyDay,
        dayOfWeek: only('SUNDAY'),
        workflow: 'modelMonitoring',
        overlap: 'SKIP',
        catchup: 2880,
        jitter: 300,
      },
      // Fields are ANDed: a Sunday among the first seven days is the first Sunday of its month.
      training: {
        hour: 3,
        dayOfMonth: [{ start: 1, end: 7, step: 1 }],
        dayOfWeek: only('SUNDAY'),
        workflow: 'modelTraining',
        overlap: 'BUFFER_ONE',
        catchup: 2880,
        jitter: 300,
      },
    } as const;
    for (const phase of Object.keys(expected) as Phase[]) {
      const { hour, dayOfMonth, dayOfWeek, workflow, overlap, catchup, jitter } = expected[phase];
      const { spec, policies, action, state } = await described(phase);
      expect(spec.calendars).toMatchObject([
        { second: only(0), minute: only(0), hour: only(hour), dayOfMonth, month: [every], dayOfWeek },
      ]);
      expect(spec).toMatchObject({ timezone: 'UTC', jitter: jitter * 1000 });
      expect(policies).toEqual({ overlap, catchupWindow: catchup * MINUTE, pauseOnFailure: false });
      expect(action).toMatchObject({
        workflowType: workflow,
        taskQueue: 'orchestrator',
        args: [{ pipeline: NAME, reason: 'scheduled', triggeredBy: `schedule ${NAME}-${phase}` }],
      });
      expect(state.paused).toBe(false);
    }
    for (const next of (await described('training')).info.nextActionTimes) {
      expect(next.getUTCDay()).toBe(0);
      expect(next.getUTCDate()).toBeLessThanOrEqual(7);
    }
  });
});

test('of the churn pipeline: Sundays at 02:00, three retries five minutes apart, and no catching up', async () => {
  const churn = await loadPipeline('churn');
  await applySchedules(client, churn);
  const { spec, policies, action, info } = await client.schedule
    .getHandle(scheduleIdOf('churn', 'training'))
    .describe();
  expect(spec.calendars).toMatchObject([{ hour: only(2), minute: only(0), dayOfWeek: only('SUNDAY') }]);
  expect(policies).toEqual({ overlap: 'SKIP', catchupWindow: MINUTE, pauseOnFailure: false });
  expect(action.retry).toMatchObject({ maximumAttempts: 4, initialInterval: 5 * MINUTE, backoffCoefficient: 1 });
  expect(info.nextActionTimes[0]!.getUTCDay()).toBe(0);
  // Temporal gives the policy back as it was sent: nothing differs.
  expect((await applySchedules(client, churn)).map(({ action }) => action)).toEqual([
    'none',
    'none',
    'none',
    'none',
    'none',
  ]);
});

describe('applying', () => {
  test('twice changes nothing the second time', async () => {
    pipeline.config.schedules.backfill = pipeline.config.schedules.processing;
    expect((await applySchedules(client, pipeline)).map(({ action }) => action)).toEqual([
      'create',
      'create',
      'create',
      'create',
      'create',
    ]);
    const before = await described('processing');
    // It goes on where the timeline ends: no first day is said.
    const { action } = await described('backfill');
    expect(action).toMatchObject({ workflowType: 'backfill', args: [{ pipeline: NAME, reason: 'scheduled' }] });

    expect((await applySchedules(client, pipeline)).map(({ action }) => action)).toEqual([
      'none',
      'none',
      'none',
      'none',
      'none',
    ]);
    expect(await described('processing')).toMatchObject({
      info: { lastUpdatedAt: before.info.lastUpdatedAt, createdAt: before.info.createdAt },
    });
  });

  test("a change keeps an operator's pause with its note, and diff shows it first", async () => {
    await applySchedules(client, pipeline);
    await pauseSchedule(client, NAME, 'inference', { by: 'ana', reason: 'the registry is being repaired' });
    pipeline.config.schedules.inference!.at = '07:30';
    pipeline.config.schedules.inference!.time_zone = 'Europe/London';
    pipeline.config.schedules.inference!.pause_on_failure = true;

    const diff = await diffSchedules(client, pipeline);
    expect(diff.find(({ phase }) => phase === 'inference')).toEqual({
      phase: 'inference',
      scheduleId: 'readmission-inference',
      action: 'update',
      differences: [
        { setting: 'times', from: '06:00 daily', to: '07:30 daily' },
        { setting: 'time_zone', from: 'UTC', to: 'Europe/London' },
        { setting: 'pause_on_failure', from: 'false', to: 'true' },
      ],
      unusualDays: [],
    });
    expect(settingsOf(await described('inference')).times).toBe('06:00 daily');

    expect(await applySchedules(client, pipeline)).toEqual(diff);
    const { state, policies, ...changed } = await described('inference');
    expect(state).toMatchObject({ paused: true, note: 'paused by ana: the registry is being repaired' });
    expect(policies.pauseOnFailure).toBe(true);
    expect(settingsOf({ ...changed, state, policies })).toMatchObject({
      times: '07:30 daily',
      time_zone: 'Europe/London',
    });
    await resumeSchedule(client, NAME, 'inference', { by: 'bo', reason: 'repaired' });
    expect((await described('inference')).state).toMatchObject({ paused: false, note: 'resumed by bo: repaired' });
    expect((await diffSchedules(client, pipeline)).every(({ action }) => action === 'none')).toBe(true);
  });

  test('deletes what the config no longer names, and leaves other pipelines alone', async () => {
    await applySchedules(client, pipeline);
    const other: Pipeline = { ...pipeline, definition: { ...pipeline.definition, name: 'readmission-2' } };
    await applySchedules(client, other);
    delete pipeline.config.schedules.training;

    const changes = await applySchedules(client, pipeline);
    expect(changes.filter(({ action }) => action !== 'none')).toMatchObject([{ phase: 'training', action: 'delete' }]);
    expect((await listSchedules(client, NAME)).map(({ phase }) => phase)).toEqual([
      'processing',
      'inference',
      'monitoring',
    ]);
    expect(await listSchedules(client, 'readmission-2')).toHaveLength(4);
    await expect(triggerSchedule(client, NAME, 'training')).rejects.toMatchObject({
      type: 'NotFound',
      message:
        'readmission has no schedule for training; "perdure schedules apply readmission" makes those of its config.',
    });
  });
});

describe('a schedule whose clock changes', () => {
  const inference = () => pipeline.config.schedules.inference!;
  /** Temporal's own answer: its runs a day, by the day in New York. */
  const runsOn = async (...days: string[]) => {
    const { startTime } = await client.workflowService.listScheduleMatchingTimes({
      namespace: target.namespace,
      scheduleId: scheduleIdOf(NAME, 'inference'),
      startTime: msToTs(Date.parse('2026-10-01')),
      endTime: msToTs(Date.parse('2027-04-01')),
    });
    const local = startTime.map((time) => tsToDate(time).toLocaleDateString('sv', { timeZone: 'America/New_York' }));
    return days.map((day) => local.filter((found) => found === day).length);
  };

  // New York's clocks go back from 02:00 to 01:00 on 2026-11-01, and forward from 02:00 to 03:00 on 2027-03-14.
  test.each([
    ['02:30', {}, '2027-03-14', 0],
    ['01:30', { day_of_week: 'sunday', days_of_month: { from: 1, to: 7 } }, '2026-11-01', 2],
  ] as const)('names the days on which %s comes %j', async (at, days, day, runs) => {
    Object.assign(inference(), { at, time_zone: 'America/New_York', jitter_seconds: 0, ...days });
    expect(unusualDays(inference(), new Date('2026-10-01'), 182)).toEqual([{ day, runs }]);
    await applySchedules(client, pipeline);
    expect(await runsOn(day)).toEqual([runs]);
    expect(
      (await diffSchedules(client, pipeline)).find(({ phase }) => phase === 'inference')!.unusualDays.length,
    ).toBeGreaterThan(0);
  });

  test('says nothing where each day has its run', () => {
    Object.assign(inference(), { at: '03:00', time_zone: 'America/New_York' });
    expect(unusualDays(inference(), new Date('2026-10-01'))).toEqual([]);
    // Samoa had no 2011-12-30.
    expect(unusualDays({ ...inference(), time_zone: 'Pacific/Apia' }, new Date('2011-12-01'), 60)).toEqual([
      { day: '2011-12-30', runs: 0 },
    ]);
  });
});

describe('a schedule that Temporal refuses', () => {
  test('leaves all of them as they were', async () => {
    delete pipeline.config.schedules.training;
    await applySchedules(client, pipeline);
    const before = await listSchedules(client, NAME);
    const again = await loadPipeline(NAME);
    delete again.config.schedules.processing;
    again.config.schedules.inference!.at = '07:30';
    again.config.schedules.monitoring!.time_zone = 'Nowhere/Atall';

    await expect(applySchedules(client, again)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /^The schedule readmission-monitoring can't be applied \(.+\); no schedule was changed\.$/,
      ) as string,
    });
    const after = await listSchedules(client, NAME);
    const settings = (schedules: typeof before) =>
      schedules.map(({ phase, description }) => ({
        phase,
        ...settingsOf(description),
        paused: description.state.paused,
      }));
    expect(settings(after)).toEqual(settings(before));
  });
});

describe('a pause', () => {
  test('that is set again keeps who paused first, and why', async () => {
    await applySchedules(client, pipeline);
    const note = async () => (await described('training')).state.note;
    await pauseSchedule(client, NAME, 'training', { by: 'ana', reason: 'the source moves' });
    await pauseSchedule(client, NAME, 'training', { by: 'bo' });
    expect(await note()).toBe('paused by ana: the source moves');
    await pauseSchedule(client, NAME, 'training', { by: 'bo', reason: 'and so does the store' });
    expect(await note()).toBe('paused by ana: the source moves; paused by bo: and so does the store');
  });
});

describe('a backfill', () => {
  test.each([
    [
      'of a time without a run',
      '2008-03-01T07:00:00Z',
      '2008-03-01T09:00:00Z',
      /^The schedule readmission-inference has no run between /,
    ],
    ['of what is still to come', '2008-03-01', '2999-01-01', /which is still to come/],
    [
      'of more runs than Temporal keeps waiting',
      '2000-01-01',
      '2008-01-01',
      /would be [\d,]+ runs, where 500 at once are allowed/,
    ],
  ])('%s is refused, and nothing is promised', async (_, from, to, message) => {
    await applySchedules(client, pipeline);
    await expect(
      backfillSchedule(client, NAME, 'inference', { from: new Date(from), to: new Date(to) }),
    ).rejects.toMatchObject({ type: 'InputInvalid', message: expect.stringMatching(message) as string });
    expect((await described('inference')).info.recentActions).toEqual([]);
  });
});

describe('a scheduled run', () => {
  test('stands at its nominal time: now where it is triggered, the time missed where it is made up for', async () => {
    delete pipeline.config.schedules.processing;
    await applySchedules(client, pipeline);
    const { activities, calls } = fakeActivities();
    await running(activities, async () => {
      const before = Math.floor(Date.now() / 1000) * 1000;
      await triggerSchedule(client, NAME, 'inference');
      await until(() => calls.predict.length === 1);
      const at = Date.parse(calls.predict[0]!.asOf);
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(Date.now());
      await until(async () => (await described('inference')).info.runningActions.length === 0);

      const promised = await backfillSchedule(client, NAME, 'inference', {
        from: new Date('2008-03-01T06:00:00Z'),
        to: new Date('2008-03-03T12:00:00Z'),
      });
      // Both ends count; Temporal's answer has the schedule's jitter of a minute in it.
      expect(promised.map((time) => time.toISOString().slice(0, 15))).toEqual([
        '2008-03-01T06:0',
        '2008-03-02T06:0',
        '2008-03-03T06:0',
      ]);
      await until(() => calls.predict.length === 4);
      expect(calls.predict.slice(1).map(({ asOf }) => asOf)).toEqual(
        ['2008-03-01', '2008-03-02', '2008-03-03'].map((day) => `${day}T06:00:00.000Z`),
      );
    });
  });

  test('of training trains; where there is a steward it only asks, and the steward trains, at the nominal time', async () => {
    await applySchedules(client, pipeline);
    const { activities, calls } = fakeActivities();
    const startedFor = async (month: string) => {
      await backfillSchedule(client, NAME, 'training', { from: new Date(`${month}-01`), to: new Date(`${month}-28`) });
      await until(async () =>
        (await described('training')).info.recentActions.some(({ scheduledAt }) =>
          scheduledAt.toISOString().startsWith(month),
        ),
      );
      const { action } = (await described('training')).info.recentActions.find(({ scheduledAt }) =>
        scheduledAt.toISOString().startsWith(month),
      )!;
      return client.workflow.getHandle(action.workflow.workflowId);
    };
    await running(activities, async () => {
      const alone = await startedFor('2008-03');
      expect(await alone.result()).toMatchObject({ status: 'completed' });
      const steward = await client.workflow.start('steward', {
        args: [{ pipeline: NAME }],
        taskQueue: TASK_QUEUES.orchestrator,
        workflowId: stewardIdOf(NAME),
      });
      const asking = await startedFor('2008-04');
      expect(await asking.result()).toEqual({
        status: 'skipped',
        reason: 'The steward of the pipeline was asked to train.',
      });
      await until(() => calls.preprocess.length === 2);
      await steward.terminate();

      expect(calls.preprocess).toMatchObject([
        { asOf: '2008-03-02T03:00:00.000Z', run: { workflowId: alone.workflowId } },
        { asOf: '2008-04-06T03:00:00.000Z', run: { workflowId: `${stewardIdOf(NAME)}-training-1` } },
      ]);
    });
  });

  test('is told from another by an explicit asOf, which wins', async () => {
    const { activities, calls } = fakeActivities();
    await client.schedule.create({
      scheduleId: 'by-hand',
      spec: {},
      action: {
        type: 'startWorkflow',
        workflowType: 'modelInference',
        taskQueue: 'orchestrator',
        args: [{ pipeline: NAME, asOf: '2008-06-30' } satisfies ModelInferenceInput],
      },
    });
    await running(activities, async () => {
      await client.schedule.getHandle('by-hand').trigger();
      await until(() => calls.predict.length === 1);
    });
    expect(calls.predict[0]).toMatchObject({ asOf: '2008-06-30' });
  });
});

describe('inference that a schedule should have started', () => {
  const inDays = (days: number) => new Date(Date.now() + days * 24 * 60 * MINUTE);
  const missing = (now: Date) => missedInference(client, NAME, now);

  test('is missed from the first time it was due, and not where nothing was due', async () => {
    expect(await missing(inDays(3))).toBeNull();
    await applySchedules(client, pipeline);
    const [first] = (await described('inference')).info.nextActionTimes;

    expect(await missing(new Date(first!.getTime() - MINUTE))).toBeNull();
    expect(await missing(inDays(3))).toEqual({ since: first!.toISOString(), missed: 3 });
    await pauseSchedule(client, NAME, 'inference', { by: 'ana', reason: 'the registry is being repaired' });
    expect(await missing(inDays(3))).toBeNull();
    await resumeSchedule(client, NAME, 'inference', { by: 'bo', reason: 'repaired' });
    expect(await missing(inDays(3))).toEqual({ since: first!.toISOString(), missed: 3 });
  });

  test.each<[Duration, number[]]>([
    ['150 days', [1, 31, 33, 97, 149, 151, 460]],
    ['20 days', [1, 21, 41, 101]],
    ['10 minutes', [1, 3, 40]],
  ])('is missed from the first time on, however seldom or often it is due: every %s', async (every, allDays) => {
    await applySchedules(client, pipeline);
    const schedule = client.schedule.getHandle(scheduleIdOf(NAME, 'inference'));
    await schedule.update((before) => ({ ...before, spec: { intervals: [{ every }] } }));
    const [first, second] = (await described('inference')).info.nextActionTimes;
    const since = first!.toISOString();
    const between = second!.getTime() - first!.getTime();
    expect(await missing(new Date(first!.getTime() - 1_000))).toBeNull();
    for (const days of allDays) {
      const passed = days * 24 * 60 * MINUTE;
      const missed = Math.min(1_000, 1 + Math.floor(passed / between));
      expect(await missing(new Date(first!.getTime() + passed))).toEqual({ since, missed });
    }
  });

  test('is missed no more once it has begun', async () => {
    await applySchedules(client, pipeline);
    // Due every second, and never started: no action is left.
    const schedule = client.schedule.getHandle(scheduleIdOf(NAME, 'inference'));
    await schedule.update(({ state, ...others }) => ({
      ...others,
      spec: { intervals: [{ every: '1 second' }] },
      state: { ...state, remainingActions: 0 },
    }));
    await until(async () => (await missing(new Date())) !== null);

    await running(fakeActivities().activities, async () => {
      await triggerSchedule(client, NAME, 'inference');
      await until(async () => (await described('inference')).info.recentActions.length === 1);
      const { workflowId } = (await described('inference')).info.recentActions[0]!.action.workflow;
      await client.workflow.getHandle(workflowId).result();
      const { startTime } = await client.workflow.getHandle(workflowId).describe();
      // Temporal's list of runs is a little behind.
      await until(async () => (await missing(startTime)) === null);
    });
  });
});

async function running(activities: object, work: () => Promise<void>): Promise<void> {
  const nativeConnection = await connectWorker(target);
  onTestFinished(() => nativeConnection.close());
  await withWorkers({ client, nativeConnection, namespace: target.namespace }, bundle, activities, work);
}
