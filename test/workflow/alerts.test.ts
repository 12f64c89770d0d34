import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import type { Activities, AlertFacts, UnusualDataVolume } from '../../src/contracts/index.js';
import { until } from '../support/until.js';
import {
  fakeActivities,
  held,
  nothingToRefine,
  refitExcept,
  ALGORITHMS,
  skipping,
  type Fakes,
} from './support/fakeActivities.js';
import { TimeSkipping } from './support/timeSkipping.js';

const server = new TimeSkipping();
const { activities: goingWell } = fakeActivities();
const input = { pipeline: 'readmission', asOf: '2008-12-31' };
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const told = (calls: Fakes['calls']) => calls.sendAlerts.flat();
const conditions = (calls: Fakes['calls']) => told(calls).map(({ condition }) => condition);
const failing = () => Promise.reject(ApplicationFailure.nonRetryable('The disk is full; make room.', 'StoreFull'));

/** An activity that does its work at the second attempt, minutes after the first. */
function slowly(name: keyof Activities, minutes: number): Partial<Activities> {
  const work = (asked: never) =>
    Context.current().info.attempt === 1
      ? Promise.reject(
          ApplicationFailure.create({ message: 'The store is away.', nextRetryDelay: `${minutes} minutes` }),
        )
      : goingWell[name](asked);
  return { [name]: work };
}

describe('a run that takes longer than its service level', () => {
  const cases = [
    ['dataProcessing', 'processing', 30, slowly('bronze', 45), 'bronze'],
    ['modelInference', 'inference', 15, slowly('predict', 25), 'predict'],
    ['modelMonitoring', 'monitoring', 30, slowly('detectDrift', 40), 'detectDrift'],
    ['modelTraining', 'training', 240, slowly('preprocess', 300), 'preprocess'],
  ] as const;

  test.each(cases)('%s: is told of while it is at work', async (workflow, phase, minutes, changes, slow) => {
    const order: string[] = [];
    const noting =
      <Input, Result>(name: string, work: (input: Input) => Promise<Result>) =>
      (asked: Input) => {
        order.push(name);
        return work(asked);
      };
    const work = changes[slow] as (input: unknown) => Promise<unknown>;
    const { calls } = await server.run(workflow, input, {
      ...changes,
      [slow]: noting(slow, work),
      sendAlerts: noting('alert', (facts: AlertFacts[]) => goingWell.sendAlerts(facts)),
    });
    // The slow step began before, and was tried again after.
    expect(order.slice(0, 3)).toEqual([slow, 'alert', slow]);

    const late = told(calls).filter((facts) => facts.condition === 'sla_missed');
    expect(late).toMatchObject([{ condition: 'sla_missed', pipeline: 'readmission', phase }]);
    const [{ at, startedAt }] = late as [Extract<AlertFacts, { condition: 'sla_missed' }>];
    expect((Date.parse(at) - Date.parse(startedAt)) / MINUTE_MS).toBeCloseTo(minutes, 0);
  });

  test('inference that hangs is told of again when predictions are missing for two hours', async () => {
    const { calls } = await server.run('modelInference', input, slowly('predict', 150));
    expect(told(calls).map((facts) => [facts.condition, 'since' in facts ? facts.since !== null : ''])).toEqual([
      ['sla_missed', ''],
      ['inference_down', true],
      ['inference_down', false],
    ]);
  });

  test('one in time is not told of', async () => {
    const { calls } = await server.run('dataProcessing', input, slowly('bronze', 20));
    expect(told(calls)).toMatchObject([{ condition: 'processing_failing', failing: null }]);
  });
});

describe('people are told', () => {
  test('of processing that fails, with how often it has', async () => {
    const { calls } = await server.fail('dataProcessing', input, { silver: failing });
    expect(told(calls)).toMatchObject([
      { condition: 'processing_failing', failing: { failures: 3, reason: 'The disk is full; make room.' } },
    ]);
  });

  test('of an unusual number of rows', async () => {
    const volume: UnusualDataVolume = {
      condition: 'unusual_data_volume',
      pipeline: 'readmission',
      at: '2009-01-01T00:00:00.000Z',
      what: 'partition 2008_11',
      rows: 3,
      usual: [800],
    };
    const { calls } = await server.run('dataProcessing', input, { countNewRows: () => Promise.resolve(volume) });
    expect(told(calls)).toMatchObject([{ condition: 'processing_failing', failing: null }, volume]);
    expect(calls.countNewRows).toEqual([{ pipeline: 'readmission', asOf: '2008-12-31' }]);
  });

  test('of what is well again, also where nothing was to do', async () => {
    expect(told((await server.run('dataProcessing', input, nothingToRefine())).calls)).toMatchObject([
      { condition: 'processing_failing', failing: null },
    ]);
    expect(told((await server.run('modelInference', input, { findNewRows: skipping('nothing') })).calls)).toMatchObject(
      [{ condition: 'inference_down', since: null }],
    );
  });

  test('of a training, and what it made', async () => {
    const { calls } = await server.run('modelTraining', input);
    expect(conditions(calls)).toEqual(['training_completed', 'training_failed', 'model_deployed']);
    expect(told(calls)[0]).toMatchObject({ training: { status: 'completed' } });
  });

  test('of a training that failed', async () => {
    const { calls } = await server.fail('modelTraining', input, { refit: refitExcept(...ALGORITHMS) });
    expect(told(calls)).toMatchObject([
      { condition: 'training_failed', training: { status: 'failed', type: 'AllAlgorithmsFailed' } },
    ]);
  });

  test('of what monitoring found', async () => {
    const { calls } = await server.run('modelMonitoring', input);
    expect(told(calls)).toMatchObject([
      { condition: 'accuracy_drop', performance: { status: 'measured' }, report: 'file:///store/object' },
      { condition: 'drift_detected', drift: { status: 'measured' } },
    ]);
  });

  test('of inference that failed, once nobody made up for it for two hours', () => {
    const down = {
      condition: 'inference_down',
      pipeline: 'readmission',
      at: '2009-01-01T00:00:00.000Z',
      since: '2009-01-01T00:00:00.000Z',
    } as const;
    let looks = 0;
    const checkInferenceOutage = () => Promise.resolve({ ...down, since: ++looks < 3 ? down.since : null });
    return server.during(
      'modelInference',
      input,
      { predict: failing, checkInferenceOutage },
      async ({ handle, calls, env, leap }) => {
        await expect(handle.result()).rejects.toThrow();
        const outage = env.client.workflow.getHandle('readmission-inference-outage');
        for (let look = 1; look <= 3; look++) {
          expect(calls.checkInferenceOutage).toHaveLength(look - 1);
          await leap(HOUR_MS, outage.workflowId);
          expect(calls.checkInferenceOutage).toHaveLength(look - 1);
          await leap(HOUR_MS + MINUTE_MS, outage.workflowId);
          await until(() => calls.checkInferenceOutage.length === look);
        }
        await until(async () => (await outage.describe()).status.name === 'COMPLETED');
        const { startedAt } = calls.resolveModel[0]!.run;
        expect(calls.checkInferenceOutage).toEqual(Array(3).fill({ pipeline: 'readmission', since: startedAt }));
        expect(told(calls)).toEqual([down, down]);
      },
    );
  });
});

describe('alerts', () => {
  test('are told of what is done, also where the run is cancelled at its very end', async () => {
    const { activities, release } = held('countNewRows');
    const { result, conditionsTold } = await server.during(
      'dataProcessing',
      input,
      activities,
      async ({ handle, calls }) => {
        await until(() => calls.countNewRows.length === 1);
        await handle.cancel();
        release();
        return { result: await handle.result(), conditionsTold: conditions(calls) };
      },
    );
    expect(result.status).toBe('completed');
    expect(conditionsTold).toEqual(['processing_failing']);
  });

  test('that can not be raised fail no run', async () => {
    const { result } = await server.run('modelMonitoring', input, { sendAlerts: failing, readServiceLevel: failing });
    expect(result.status).toBe('completed');
  });
});
