import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { PeriodRecord, PlanBackfillInput } from '../../src/contracts/index.js';
import { periodsFrom } from '../../src/data/periods.js';
import { readTimeline, readTracker, RETRAINING, TIMELINE } from '../../src/registry/timeline.js';
import type { Stage } from '../../src/stages/context.js';
import { planBackfill } from '../../src/stages/planBackfill.js';
import { recordPeriod } from '../../src/stages/recordPeriod.js';
import { reopenTimeline } from '../../src/stages/reopenTimeline.js';
import { createTinyWorld, NO_ENGINES, runRef, TINY } from '../support/tinyWorld.js';

const world = await createTinyWorld(NO_ENGINES);
const { modelRegistry } = world.stores;
afterAll(async () => {
  world.close();
});

const asked = { pipeline: TINY, run: runRef('backfill'), asOf: '2022-03-05' };
const perform = <Input, Output>(stage: Stage<Input, Output>, input: Input) =>
  world.runStage(stage, input, { signal: new AbortController().signal, report: () => {} });
const plan = (input: Partial<PlanBackfillInput> = {}) => perform(planBackfill, { ...asked, ...input });
const model = (version: string) => ({ algorithm: 'xgboost', version });

function record(from: string, to: string, more: Partial<PeriodRecord> = {}): PeriodRecord {
  return {
    from,
    to,
    outcome: 'predicted',
    evaluation: { status: 'skipped', reason: 'There is no period before.' },
    decision: { retrain: false, because: 'none', reason: 'The last retraining lies 7 days back, of 90.' },
    training: null,
    model: model('v1'),
    rows: 64,
    ...more,
  };
}

/** The first three weeks are done; the second trained. */
async function threeWeeksDone(): Promise<void> {
  const training = { model: model('v2'), metric: 'validation.f1_macro', score: 0.9, promoted: true, reason: 'Best.' };
  await perform(recordPeriod, { ...asked, by: 'week', record: record('2022-01-16', '2022-01-22') });
  await perform(recordPeriod, {
    ...asked,
    by: 'week',
    record: record('2022-01-23', '2022-01-29', { outcome: 'trained', training, model: model('v2') }),
  });
  await perform(recordPeriod, {
    ...asked,
    by: 'week',
    record: record('2022-01-30', '2022-02-05', { model: model('v2') }),
  });
}

beforeEach(async () => {
  await modelRegistry.delete(TIMELINE);
  await modelRegistry.delete(RETRAINING);
});

describe('periods', () => {
  test('follow each other without a day between', () => {
    expect(periodsFrom('2022-01-16', 'week', 2)).toEqual([
      { from: '2022-01-16', to: '2022-01-22' },
      { from: '2022-01-23', to: '2022-01-29' },
    ]);
    expect(periodsFrom('2008-01-01', 'month', 2)).toEqual([
      { from: '2008-01-01', to: '2008-01-31' },
      { from: '2008-02-01', to: '2008-02-29' },
    ]);
    expect(periodsFrom('2008-02-28', 'day', 3).map(({ from, to }) => [from, to])).toEqual([
      ['2008-02-28', '2008-02-28'],
      ['2008-02-29', '2008-02-29'],
      ['2008-03-01', '2008-03-01'],
    ]);
  });
});

describe('a backfill', () => {
  test('runs all periods that are over where nobody says how many', async () => {
    const { periods, done, first } = await plan({ from: '2022-01-16' });
    expect(periods.map(({ from }) => from)).toEqual([
      '2022-01-16',
      '2022-01-23',
      '2022-01-30',
      '2022-02-06',
      '2022-02-13',
      '2022-02-20',
    ]);
    expect({ done, first }).toEqual({ done: 0, first: true });
    // The week until 2022-03-05 is over on the day after.
    expect((await plan({ from: '2022-01-16', asOf: '2022-03-06' })).periods).toHaveLength(7);
  });

  test('goes on where the timeline ends', async () => {
    await threeWeeksDone();
    const again = await plan({ from: '2022-01-16', periods: 5 });
    expect(again).toMatchObject({ done: 3, first: false });
    expect(again.periods.map(({ from }) => from)).toEqual(['2022-02-06', '2022-02-13']);
    expect((await plan({ periods: 1 })).periods).toEqual([{ from: '2022-02-06', to: '2022-02-12' }]);
    expect((await plan({ from: '2022-01-16', periods: 3 })).periods).toEqual([]);
  });

  test.each([
    [
      { from: '2022-02-13' },
      /ends on 2022-02-05, and a period from 2022-02-13 on would leave a gap; begin on 2022-02-06/,
    ],
    [{ from: '2022-01-18' }, /has periods until 2022-02-05, which one from 2022-01-18 on is none of/],
    [{ from: '2022-02-06', by: 'month' as const }, /goes by the week, and months were asked for/],
    [{ againFrom: '2021-01-01' }, /No period of tiny that was run has the day 2021-01-01/],
  ])('that asks for %j is refused in one sentence', async (input, words) => {
    await threeWeeksDone();
    await expect(plan(input)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(words) as string,
    });
  });

  test('has a first day where there is no timeline', async () => {
    await expect(plan()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringContaining('--from') as string,
    });
  });

  test('from a week on runs that and all after it, as the week before left the champion and the record of retrainings', async () => {
    await threeWeeksDone();
    expect((await readTracker(modelRegistry))?.last_retraining_date).toBe('2022-01-23');
    const { periods, again } = await plan({ from: '2022-01-16', periods: 4, againFrom: '2022-01-25' });
    expect(periods.map(({ from }) => from)).toEqual(['2022-01-23', '2022-01-30', '2022-02-06']);
    expect(again).toEqual({ drop: periods.slice(0, 2), before: model('v1') });

    await perform(reopenTimeline, { ...asked, drop: again!.drop });
    expect((await readTimeline(modelRegistry))!.periods.map(({ from }) => from)).toEqual(['2022-01-16']);
    expect(await readTracker(modelRegistry)).toBeUndefined();
    // An attempt whose answer was lost does the same once more.
    await perform(reopenTimeline, { ...asked, drop: again!.drop });
    expect((await readTimeline(modelRegistry))!.periods).toHaveLength(1);
  });

  test('of one week alone keeps what comes after it, and the champion of that', async () => {
    await threeWeeksDone();
    expect(await plan({ againFrom: '2022-01-16', later: 'keep' })).toEqual({
      by: 'week',
      periods: [{ from: '2022-01-16', to: '2022-01-22' }],
      done: 0,
      first: true,
      again: { drop: [{ from: '2022-01-16', to: '2022-01-22' }], before: null, after: model('v2') },
    });
  });
});

describe('the timeline', () => {
  test('has a period once, however often it is taken down', async () => {
    await threeWeeksDone();
    await threeWeeksDone();
    const { by, periods } = (await readTimeline(modelRegistry))!;
    expect({ by, from: periods.map(({ from }) => from) }).toEqual({
      by: 'week',
      from: ['2022-01-16', '2022-01-23', '2022-01-30'],
    });
    expect(await readTracker(modelRegistry)).toMatchObject({
      last_retraining_date: '2022-01-23',
      model_name: TINY,
      model_version: 'v2',
      model_type: 'xgboost',
      metric: 'validation.f1_macro',
      score: 0.9,
    });
  });
});
