import type { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.js';
import { gridCell, MAX_EVALUATIONS } from '../../src/contracts/index.js';
import {
  CANDIDATES,
  CRASH,
  FOLDS,
  STOPPED,
  TRAIN_XGBOOST as input,
  evaluateExcept,
  planRace,
  planStudy,
  scoreOf,
  untilCancelled,
} from './support/fakeActivities.js';
import { TimeSkipping } from './support/timeSkipping.js';

const server = new TimeSkipping();

const HOUR = 3600;

describe('search', () => {
  test('evaluates every candidate on every fold once, and registers the best', async () => {
    const { result, calls } = await server.run('trainAlgorithm', input);

    const best = mean(Array.from({ length: FOLDS }, (_, fold) => scoreOf(CANDIDATES - 1, fold)));
    expect(result).toMatchObject({
      status: 'completed',
      best_params: { max_depth: CANDIDATES },
      search: {
        candidates: CANDIDATES,
        failed: 0,
        foldsEvaluated: CANDIDATES * FOLDS,
        foldsPlanned: CANDIDATES * FOLDS,
      },
    });
    expect(result.cv_score).toBeCloseTo(best, 12);
    expect(calls.evaluateCandidate.map(({ candidate }) => candidate.index).sort()).toEqual([0, 1, 2, 3]);
    expect(calls.refit.map(({ params }) => params)).toEqual([{ max_depth: CANDIDATES }]);
    expect(calls.registerModel[0]).toMatchObject({ plan: { cells: [0, 1, 2, 3] }, dropped: [] });
    expect(calls.discardVersion).toEqual([]);
  });

  test('with racing, a candidate that cannot win is spared the later folds', async () => {
    const { result, calls } = await server.run('trainAlgorithm', input, { planSearch: planRace });

    expect(calls.evaluateCandidate.filter(({ folds }) => folds[0] === 0)).toHaveLength(4);
    expect(
      calls.evaluateCandidate
        .filter(({ folds }) => folds[0] === 1)
        .map(({ candidate }) => candidate.index)
        .sort(),
    ).toEqual([2, 3]);
    expect(
      calls.evaluateCandidate.filter(({ folds }) => folds[0] === 2).map(({ candidate }) => candidate.index),
    ).toEqual([3]);
    expect(result).toMatchObject({
      best_params: { max_depth: 4 },
      search: { failed: 0, foldsEvaluated: 4 + 2 + 3, foldsPlanned: 20 },
    });
    expect(calls.selectCandidates.map(({ candidates, folds, cvFolds }) => ({ candidates, folds, cvFolds }))).toEqual([
      { candidates: [0, 1, 2, 3], folds: [0], cvFolds: 5 },
      { candidates: [2, 3], folds: [0, 1], cvFolds: 5 },
      { candidates: [3], folds: [0, 1, 2, 3, 4], cvFolds: 5 },
    ]);
    expect(calls.registerModel[0]!.dropped).toEqual([
      { reason: 'It could not win any more once 1 of 5 folds were scored.', folds: 1, candidates: [0, 1] },
      { reason: 'It could not win any more once 2 of 5 folds were scored.', folds: 2, candidates: [2] },
    ]);
  });

  test('a candidate that fails is recorded with its reason, and the search goes on', async () => {
    const { result, calls } = await server.run('trainAlgorithm', input, { evaluateCandidate: evaluateExcept(3) });

    expect(result).toMatchObject({
      best_params: { max_depth: 3 },
      search: { candidates: 4, failed: 1, foldsEvaluated: 15 },
    });
    expect(calls.registerModel[0]!.dropped).toEqual([{ reason: CRASH, folds: 0, candidates: [3] }]);
  });

  test('fails when every candidate failed, and discards the version', async () => {
    const { failure, calls } = await server.fail('trainAlgorithm', input, {
      evaluateCandidate: evaluateExcept(0, 1, 2, 3),
    });

    expect(failure).toEqual({
      type: 'AllCandidatesFailed',
      message: `Every candidate of xgboost failed; the first one: ${CRASH}`,
    });
    expect(calls.discardVersion).toEqual([{ pipeline: 'readmission', run: input.run, algorithm: 'xgboost' }]);
    expect(calls.refit).toEqual([]);
  });
});

describe('a study', () => {
  test('asks after each round for the next, and says which failed', async () => {
    const { result, calls } = await server.run('trainAlgorithm', input, {
      planSearch: planStudy,
      evaluateCandidate: (asked) =>
        asked.candidate.index === 3
          ? Promise.resolve({ index: 3, scores: [0.5], seconds: 0.1, pruned: true })
          : evaluateExcept(1)(asked),
    });

    expect(calls.suggestCandidates.map(({ round, failed }) => ({ round, failed }))).toEqual([
      { round: 0, failed: [] },
      { round: 1, failed: [1] },
      { round: 2, failed: [] },
    ]);
    expect(
      calls.evaluateCandidate
        .map(({ candidate, folds, limits }) => [candidate.index, folds, limits?.[0]] as const)
        // Those of a round come in any order.
        .sort(([one], [other]) => one - other),
    ).toEqual([
      [0, [0, 1, 2, 3, 4], null],
      [1, [0, 1, 2, 3, 4], null],
      [2, [0, 1, 2, 3, 4], 0.61],
      [3, [0, 1, 2, 3, 4], 0.61],
    ]);
    expect(calls.selectCandidates).toEqual([]);
    expect(result).toMatchObject({
      best_params: { learning_rate: 0.1 },
      cv_score: 0.602,
      search: { candidates: 4, failed: 1, foldsEvaluated: 5 + 5 + 1, foldsPlanned: 50, stopped: STOPPED },
    });
    expect(calls.registerModel[0]!.dropped).toEqual([
      { reason: CRASH, folds: 0, candidates: [1] },
      {
        reason:
          'It was pruned once 1 of 5 folds were scored: its mean was below the median of the candidates before it.',
        folds: 1,
        candidates: [3],
      },
    ]);
  });
});

describe('the most candidates that the config allows', () => {
  test('pass through Temporal, and leave room in the history', { timeout: 240_000 }, async () => {
    // Boosters have thirteen parameters; the grid has more cells than 32 bits can count.
    const names = Array.from({ length: 13 }, (_, i) => `a_parameter_of_the_booster_${i}`);
    const grid = Object.fromEntries(
      names.map((name) => [name, Array.from({ length: 15 }, (_, value) => value / 1000 + 0.1)]),
    );
    const cells = Array.from({ length: MAX_EVALUATIONS }, (_, i) => 15 ** 13 - 1 - i);
    const order = cells.map((_, index) => index);
    const planSearch = () => Promise.resolve({ grid, cells, order, rungs: [[0, 1, 2, 3, 4]] });
    const failsOften = evaluateExcept(...order.filter((index) => index % 2 === 0));

    const events = await server.during(
      'trainAlgorithm',
      input,
      { planSearch, evaluateCandidate: failsOften },
      async ({ handle, calls }) => {
        const result = await handle.result();
        expect(result.search).toMatchObject({ candidates: MAX_EVALUATIONS, failed: MAX_EVALUATIONS / 2 });
        expect(result.best_params).toEqual(gridCell(grid, cells[MAX_EVALUATIONS - 1]!));
        expect(calls.registerModel[0]!.dropped).toEqual([
          { reason: CRASH, folds: 0, candidates: order.filter((index) => index % 2 === 0) },
        ]);
        return (await handle.describe()).historyLength;
      },
    );
    // Temporal ends a workflow at 51,200 events.
    expect(events).toBeLessThan(51_200);
  });
});

describe('time budget', () => {
  test('ends a training when its hours are over, and discards the version', async () => {
    const selectCandidates = () =>
      Promise.reject(
        ApplicationFailure.create({
          message: 'The store is away.',
          type: 'StoreUnavailable',
          nextRetryDelay: '3 hours',
        }),
      );
    const { lasted, failure, calls } = await server.fail('trainAlgorithm', input, { selectCandidates });

    expect(failure).toEqual({
      type: 'TrainingTimedOut',
      message:
        'Training xgboost was not finished when its 2 h were over (searching hyperparameters, 4 of 4 candidates done); ' +
        'raise its timeout_hours, lower n_iter_search, or add training workers.',
    });
    expect(lasted).toBeGreaterThanOrEqual(2 * HOUR);
    expect(lasted).toBeLessThan(2.1 * HOUR);
    expect(calls.discardVersion).toHaveLength(1);
  });
});

describe('as a task of its own', () => {
  const onEcs = { ...input, compute: 'ecs' as const };
  const stopped = { pipeline: 'readmission', run: input.run, stage: 'trainAlgorithm', activityId: expect.any(String) };

  test('a failure leaves no task behind, and is told as it is', async () => {
    const trainAlgorithm = () =>
      Promise.reject(ApplicationFailure.nonRetryable('trainAlgorithm failed: there is no room for it.', 'NoCapacity'));
    const { failure, calls } = await server.fail('trainAlgorithm', onEcs, { trainAlgorithm });

    expect(failure).toEqual({ type: 'NoCapacity', message: 'trainAlgorithm failed: there is no room for it.' });
    expect(calls.stopTasks).toEqual([stopped]);
    expect(calls.discardVersion).toHaveLength(1);
  });

  test('a cancelled one tidies up only once no task can write any more', async () => {
    let tidied = 0;
    const stopTasks = async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(tidied).toBe(0);
      return { tasks: [] };
    };
    const discardVersion = () => Promise.resolve(void (tidied += 1));
    const error = await server.during(
      'trainAlgorithm',
      onEcs,
      { trainAlgorithm: untilCancelled, stopTasks, discardVersion },
      async ({ handle, calls }) => {
        await until(() => calls.trainAlgorithm.length > 0);
        await handle.cancel();
        return handle.result().catch((reason: unknown) => reason);
      },
    );

    expect((error as WorkflowFailedError).cause?.name).toBe('CancelledFailure');
    expect(tidied).toBe(1);
  });
});

describe('retries', () => {
  test('an activity that fails for a moment is tried again', async () => {
    let attempts = 0;
    const refit = async () => {
      attempts += 1;
      if (attempts < 3) throw new Error('the store hiccups');
      return Promise.resolve({ uri: 'file:///store/object', checksum: 'c0ffee', algorithm: 'xgboost', version: 'v1' });
    };
    const { result } = await server.run('trainAlgorithm', input, { refit });

    expect(result.status).toBe('completed');
    expect(attempts).toBe(3);
  });

  test('an activity that always fails ends the run after fifteen attempts, within three minutes', async () => {
    const refit = () =>
      Promise.reject(ApplicationFailure.retryable('The store is away; start it.', 'StoreUnavailable'));
    const { lasted, failure, calls } = await server.fail('trainAlgorithm', input, { refit });

    expect(failure).toEqual({ type: 'StoreUnavailable', message: 'The store is away; start it.' });
    expect(calls.refit).toHaveLength(15);
    expect(lasted).toBeGreaterThan(120);
    expect(lasted).toBeLessThan(180);
  });
});

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
