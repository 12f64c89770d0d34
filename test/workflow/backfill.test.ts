import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { BACKFILL, type BackfillInput, type BackfillState, type Steering } from '../../src/contracts/index.js';
import { until } from '../support/until.js';
import { CHAMPION, weeksFrom, type Fakes } from './support/fakeActivities.js';
import { TimeSkipping } from './support/timeSkipping.js';

const server = new TimeSkipping();
const input: BackfillInput = { pipeline: 'credit', from: '2022-01-16', periods: 3, asOf: '2025-01-05' };
const WEEKS = weeksFrom('2022-01-16', 3);
const due = { retrain: true, because: 'age', reason: 'The last retraining lies 91 days back.' } as const;
const notDue = { retrain: false, because: 'none', reason: 'The last retraining lies 7 days back.' } as const;
const VERSION = { algorithm: CHAMPION.algorithm, version: CHAMPION.version };

const recorded = ({ recordPeriod }: Fakes['calls']) => recordPeriod.map(({ record }) => record);

describe('a backfill', () => {
  test('runs weeks in order, each as it would have been at its time', async () => {
    const order: string[] = [];
    const { result, calls } = await server.run('backfill', input, {
      evaluatePeriod: ({ period }) => {
        order.push(`evaluate ${period.from}`);
        return Promise.resolve({ status: 'skipped', reason: 'There is no period before.' });
      },
      recordPeriod: ({ record }) => {
        order.push(`record ${record.from}`);
        return Promise.resolve();
      },
    });

    expect(order).toEqual(WEEKS.flatMap(({ from }) => [`evaluate ${from}`, `record ${from}`]));
    // What was there before the first week arrived before it.
    expect(calls.bronze.map(({ asOf }) => asOf)).toEqual(['2022-01-15', '2022-01-22', '2022-01-29', '2022-02-05']);
    expect(calls.decideRetraining.map(({ trainAsOf }) => trainAsOf)).toEqual([
      '2022-01-15',
      '2022-01-22',
      '2022-01-29',
    ]);
    expect(calls.predict.map(({ asOf, from, to, again }) => ({ asOf, from, to, again }))).toEqual(
      WEEKS.map(({ from, to }) => ({ asOf: to, from, to, again: false })),
    );
    expect(result).toMatchObject({ status: 'completed', by: 'week', to: '2022-02-05', periods: 3, trained: 0 });
    expect(calls.preprocess).toEqual([]);
  });

  test('trains where that is due, on what was known the day before, under its own claim, and predicts with what comes of it', async () => {
    const { calls, result } = await server.run('backfill', input, {
      decideRetraining: ({ period }) => Promise.resolve(period.from === '2022-01-23' ? due : notDue),
    });

    expect(calls.preprocess.map(({ asOf }) => asOf)).toEqual(['2022-01-22']);
    // A retraining that is due trains, also where nothing changed.
    expect(calls.findUnchanged).toEqual([]);
    const [own, ofTraining] = calls.claimTraining;
    expect(ofTraining!.run).toMatchObject({ workflowId: own!.run.workflowId, runId: own!.run.runId });
    expect(recorded(calls).map(({ outcome, training }) => [outcome, training?.promoted])).toEqual([
      ['predicted', undefined],
      ['trained', true],
      ['predicted', undefined],
    ]);
    expect(recorded(calls)[1]).toMatchObject({
      decision: due,
      training: { model: { algorithm: 'logistic_regression' }, metric: 'oot.roc_auc', score: 0.63 },
    });
    expect(result).toMatchObject({ trained: 1 });
  });

  test('that is paused finishes its week, and begins the next when it is resumed', async () => {
    let goOn = () => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const changes: Partial<Fakes['activities']> = {
      evaluatePeriod: async ({ period }) => {
        if (period.from === WEEKS[0]!.from) await held;
        return { status: 'skipped', reason: 'There is no period before.' };
      },
    };
    await server.during('backfill', input, changes, async ({ handle, calls }) => {
      const state = () => handle.query<BackfillState>(BACKFILL.queries.state);
      const by: [Steering] = [{ by: 'ana', reason: 'audit' }];
      await until(() => calls.evaluatePeriod.length === 1);
      await handle.executeUpdate<BackfillState, [Steering]>(BACKFILL.updates.pause, { args: by });
      await expect(
        handle.executeUpdate<BackfillState, [Steering]>(BACKFILL.updates.pause, { args: by }),
      ).rejects.toMatchObject({ cause: { message: expect.stringMatching(/^ana paused it already/) as string } });
      goOn();
      await until(async () => (await state()).done === 1);
      expect(await state()).toMatchObject({ now: null, paused: { by: 'ana', reason: 'audit' }, total: 3 });
      expect(calls.evaluatePeriod).toHaveLength(1);

      await handle.executeUpdate<BackfillState, [Steering]>(BACKFILL.updates.resume, { args: [{ by: 'ana' }] });
      expect(await handle.result()).toMatchObject({ status: 'completed', periods: 3 });
    });
  });

  test('continues as new after some weeks, without doing one twice, and claims training for each of its runs', async () => {
    const { runs, calls, result } = await server.during(
      'backfill',
      { ...input, periods: 5, periodsARun: 2 },
      {},
      async ({ handle, calls, env }) => {
        const result = await handle.result();
        const first = await env.client.workflow
          .getHandle(handle.workflowId, calls.claimTraining[0]!.run.runId)
          .describe();
        return { runs: first.status.name, calls, result };
      },
    );
    expect(runs).toBe('CONTINUED_AS_NEW');
    expect(recorded(calls).map(({ from }) => from)).toEqual(weeksFrom('2022-01-16', 5).map(({ from }) => from));
    expect(new Set(calls.claimTraining.map(({ run }) => run.runId)).size).toBe(3);
    expect(calls.planBackfill).toHaveLength(1);
    // Only the very first week has something before it.
    expect(calls.bronze).toHaveLength(6);
    expect(result).toMatchObject({ periods: 5, done_before: 0 });
  });

  test('from a week on puts timeline and champion back first, and predicts again', async () => {
    const { calls } = await server.run(
      'backfill',
      { ...input, againFrom: '2022-01-23' },
      {
        planBackfill: () =>
          Promise.resolve({
            by: 'week',
            periods: WEEKS.slice(1),
            done: 1,
            first: false,
            again: { drop: WEEKS.slice(1), before: { algorithm: 'lightgbm', version: 'v1' } },
          }),
      },
    );
    expect(calls.reopenTimeline.map(({ drop }) => drop)).toEqual([WEEKS.slice(1)]);
    expect(calls.moveChampion).toMatchObject([
      { move: 'rollback', model: { algorithm: 'lightgbm', version: 'v1' }, by: 'backfill' },
    ]);
    expect(calls.predict.map(({ again }) => again)).toEqual([true, true]);
    expect(calls.bronze.map(({ asOf }) => asOf)).toEqual(['2022-01-29', '2022-02-05']);
  });

  test('of one week alone gives the champion back to the weeks that were kept', async () => {
    const { calls } = await server.run(
      'backfill',
      { ...input, againFrom: '2022-01-16', later: 'keep' },
      {
        planBackfill: () =>
          Promise.resolve({
            by: 'week',
            periods: [WEEKS[0]!],
            done: 0,
            first: true,
            again: { drop: [WEEKS[0]!], before: null, after: { algorithm: 'lightgbm', version: 'v9' } },
          }),
      },
    );
    expect(recorded(calls).map(({ from }) => from)).toEqual(['2022-01-16']);
    expect(calls.moveChampion).toMatchObject([{ model: { algorithm: 'lightgbm', version: 'v9' } }]);
  });

  test('that finds another training at work says so, and does nothing', async () => {
    const busy = { status: 'skipped', reason: 'A training of credit is already running: by-hand', busyWith: 'by-hand' };
    const { result, calls } = await server.run('backfill', input, {
      claimTraining: () => Promise.resolve(busy as never),
    });
    expect(result).toEqual(busy);
    expect([...calls.planBackfill, ...calls.bronze]).toEqual([]);
  });

  test('whose every week is done is skipped', async () => {
    const { result } = await server.run('backfill', input, {
      planBackfill: () => Promise.resolve({ by: 'week', periods: [], done: 3, first: false }),
    });
    expect(result).toEqual({ status: 'skipped', reason: 'All 3 periods are done already.' });
  });

  test('ends with the first week that fails, and says why', async () => {
    const { failure, calls } = await server.fail('backfill', input, {
      predict: ({ from }) =>
        from === WEEKS[1]!.from
          ? Promise.reject(ApplicationFailure.nonRetryable('The store is full; make room.', 'StoreFull'))
          : Promise.resolve({ uri: 'file:///store/object', checksum: 'c0ffee', rows: 64, batches: 1 }),
    });
    expect(failure).toEqual({ type: 'StoreFull', message: 'The store is full; make room.' });
    expect(recorded(calls).map(({ from, rows, model }) => ({ from, rows, model }))).toEqual([
      { from: WEEKS[0]!.from, rows: 64, model: VERSION },
    ]);
  });
});
