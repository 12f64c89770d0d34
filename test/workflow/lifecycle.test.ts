import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import type { RunProgress } from '../../src/contracts/index.js';
import { until } from '../support/until.js';
import { TASK_QUEUES } from '../../src/contracts/index.js';
import { fakeActivities, nothingToRefine, onEcs, skipping } from './support/fakeActivities.js';
import { TimeSkipping } from './support/timeSkipping.js';
import { failedRuns } from './support/workers.js';

const server = new TimeSkipping();
const input = { pipeline: 'readmission', asOf: '2008-12-31' };
const { activities: goingWell } = fakeActivities();
/** What the web UI shows of a run. */
const details = (run: Pick<WorkflowHandle, 'query'>) =>
  run.query<{ currentDetails: string }>('__temporal_workflow_metadata').then(({ currentDetails }) => currentDetails);

describe('lifecycle', () => {
  test('processes, trains, predicts and monitors, in this order, at the same moment', async () => {
    const order: string[] = [];
    const { result, calls } = await server.run(
      'lifecycle',
      { ...input, source: '/data/raw.csv', algorithms: ['xgboost'] },
      {
        gold: (asked) => noting('processing', goingWell.gold(asked)),
        promoteBest: (asked) => noting('training', goingWell.promoteBest(asked)),
        predict: (asked) => noting('inference', goingWell.predict(asked)),
        writeReport: (asked) => noting('monitoring', goingWell.writeReport(asked)),
      },
    );

    expect([...new Set(order)]).toEqual(['processing', 'training', 'inference', 'monitoring']);
    expect(result).toMatchObject({
      processing: { status: 'completed', rows: 20_000, partitions: 25 },
      training: { status: 'completed', champion: { algorithm: 'xgboost' } },
      inference: { status: 'completed', rows: 9_882 },
      monitoring: { status: 'completed', retrain: false },
    });
    expect(calls.bronze[0]).toMatchObject({ source: '/data/raw.csv', asOf: '2008-12-31' });
    expect(calls.checkModelConfig[0]).toMatchObject({ algorithms: ['xgboost'] });
    for (const { asOf } of [...calls.preprocess, ...calls.predict, ...calls.detectDrift])
      expect(asOf).toBe('2008-12-31');

    async function noting<Result>(step: string, result: Promise<Result>): Promise<Result> {
      order.push(step);
      return result;
    }
  });

  test('that is over says how it ended, and shows no failed event for the want of a steward', async () => {
    await server.during(
      'lifecycle',
      input,
      { findNewRows: skipping('Every row is predicted.') },
      async ({ handle, env }) => {
        await handle.result();
        const child = (name: string) => env.client.workflow.getHandle(`${handle.workflowId}-${name}`);
        expect([await details(handle), await details(child('inference'))]).toEqual([
          'completed',
          'skipped: Every row is predicted.',
        ]);
        for (const run of [handle, child('training')]) {
          const { events } = await run.fetchHistory();
          expect(events!.filter(({ signalExternalWorkflowExecutionFailedEventAttributes: failed }) => failed)).toEqual(
            [],
          );
        }
      },
    );
  });

  test('that failed is one line at ERROR per run, with its ids', async () => {
    const predict = () => Promise.reject(ApplicationFailure.nonRetryable('The store is full; make room.', 'StoreFull'));
    const { workflowId, runId } = await server.during('lifecycle', input, { predict }, async ({ handle }) => {
      await handle.result().catch(() => undefined);
      expect(await details(handle)).toBe('failed: The store is full; make room.');
      return { workflowId: handle.workflowId, runId: (await handle.describe()).runId };
    });
    const lines = failedRuns.filter(({ meta }) => String(meta?.workflowId).startsWith(workflowId));
    expect(
      lines.map(({ level, meta }) => ({
        level,
        workflowId: meta?.workflowId as unknown,
        errorType: meta?.errorType as unknown,
        reason: meta?.reason as unknown,
        pipeline: meta?.pipeline as unknown,
      })),
    ).toEqual(
      [`${workflowId}-inference`, workflowId].map((id) => ({
        level: 'ERROR',
        workflowId: id,
        errorType: 'StoreFull',
        reason: 'The store is full; make room.',
        pipeline: 'readmission',
      })),
    );
    expect(lines.at(-1)?.meta?.runId).toBe(runId);
  });

  test('what runs elsewhere is waited for where waiting holds up nothing', async () => {
    const { result, histories } = await server.during(
      'lifecycle',
      { ...input, algorithms: ['xgboost'] },
      onEcs,
      async ({ handle, env }) => {
        const result = await handle.result();
        const runs = ['processing', 'training', 'training-xgboost', 'inference', 'monitoring'].map((name) =>
          env.client.workflow.getHandle(`${handle.workflowId}-${name}`),
        );
        return { result, histories: await Promise.all(runs.map((run) => run.fetchHistory())) };
      },
    );

    const scheduled = histories.flatMap(({ events }) =>
      events!.flatMap(({ activityTaskScheduledEventAttributes: asked }) => asked ?? []),
    );
    const dispatched = scheduled
      .filter(({ taskQueue }) => taskQueue!.name === TASK_QUEUES.dispatch)
      .map(({ activityType }) => activityType!.name);
    const stages = [
      'bronze',
      'detectDrift',
      'gold',
      'measurePerformance',
      'predict',
      'preprocess',
      'silver',
      'trainAlgorithm',
    ];
    expect([...new Set(dispatched)].sort()).toEqual(stages);
    const here = scheduled.filter(
      ({ taskQueue, activityType }) => taskQueue!.name !== TASK_QUEUES.dispatch && stages.includes(activityType!.name!),
    );
    // Workers only check by a dry run whether there is work for a task.
    const looks = here.map(({ activityType, input: asked }) => [
      activityType!.name,
      (JSON.parse(Buffer.from(asked!.payloads![0]!.data!).toString()) as { dryRun?: boolean }).dryRun,
    ]);
    expect(looks).toEqual([
      ['bronze', true],
      ['silver', true],
      ['gold', true],
    ]);
    expect(result).toMatchObject({
      processing: { rows: 20_000 },
      training: { status: 'completed' },
      inference: { rows: 9_882 },
      monitoring: { status: 'completed' },
    });
  });

  test('a skipped step does not hold up the next', async () => {
    const skipped = { status: 'skipped', reason: 'There is nothing to do.' };
    const { result } = await server.run('lifecycle', input, {
      ...nothingToRefine(),
      checkSufficientTrainingData: skipping(skipped.reason),
      findNewRows: skipping(skipped.reason),
    });

    expect(result).toMatchObject({
      processing: { status: 'skipped' },
      training: skipped,
      inference: { ...skipped, rows: 0 },
      monitoring: { status: 'completed' },
    });
  });

  test('a failed step ends it with the reason of that step', async () => {
    const bronze = () =>
      Promise.reject(ApplicationFailure.nonRetryable('raw.csv has no column "age"; correct the file.', 'InputInvalid'));
    const { failure, calls } = await server.fail('lifecycle', input, { bronze });

    expect(failure).toEqual({ type: 'InputInvalid', message: 'raw.csv has no column "age"; correct the file.' });
    expect(calls.checkModelConfig).toEqual([]);
  });

  test('tells how far it and its children are', async () => {
    const seen = await server.during('lifecycle', input, {}, async ({ handle, env }) => {
      await handle.result();
      const ids = [handle.workflowId, `${handle.workflowId}-training`, `${handle.workflowId}-training-xgboost`];
      return Promise.all(ids.map((id) => env.client.workflow.getHandle(id).query<RunProgress>('progress')));
    });

    expect(seen).toMatchObject([
      {
        step: 'monitoring',
        children: {},
        ended: { processing: 'completed', training: 'completed', inference: 'completed', monitoring: 'completed' },
      },
      {
        step: 'choosing the champion',
        ended: { logistic_regression: 'completed', random_forest: 'completed', xgboost: 'completed' },
      },
      { step: 'registering the version', best: { params: { max_depth: 4 } } },
    ]);
  });

  test('names the children at work, and the candidates done so far', async () => {
    let release = () => {};
    const go = new Promise<void>((resolve) => (release = resolve));
    const seen = await server.during(
      'lifecycle',
      { ...input, algorithms: ['xgboost'] },
      {
        evaluateCandidate: async (asked) => {
          if (asked.candidate.index > 0) await go;
          return goingWell.evaluateCandidate(asked);
        },
      },
      async ({ handle, env, calls }) => {
        const id = handle.workflowId;
        const progressOf = (of: string) => env.client.workflow.getHandle(of).query<RunProgress>('progress');
        await until(() => calls.evaluateCandidate.length === 4);
        await until(async () => (await progressOf(`${id}-training-xgboost`)).progress?.done === 1);
        const progress = await Promise.all([id, `${id}-training`, `${id}-training-xgboost`].map(progressOf));
        release();
        await handle.result();
        return { id, progress };
      },
    );

    expect(seen.progress).toEqual([
      { step: 'training models', children: { training: `${seen.id}-training` }, ended: { processing: 'completed' } },
      {
        step: 'training xgboost',
        progress: { what: 'algorithms', done: 0, total: 1 },
        children: { xgboost: `${seen.id}-training-xgboost` },
        ended: {},
      },
      {
        step: 'searching hyperparameters',
        progress: { what: 'candidates', done: 1, total: 4 },
        children: {},
        ended: {},
        best: { params: { max_depth: 1 }, cv_score: expect.closeTo(0.602, 12) as number },
      },
    ]);
  });
});
