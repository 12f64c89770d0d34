import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { FEATURES_READY_SIGNAL, type Activities, type Check, type RunProgress } from '../../src/contracts/index.js';
import { until } from '../support/until.js';
import {
  ALGORITHMS,
  CHAMPION,
  fakeActivities,
  held,
  refitExcept,
  refusing,
  skipping,
  testsFailing,
  untilCancelled,
} from './support/fakeActivities.js';
import { TimeSkipping } from './support/timeSkipping.js';

const server = new TimeSkipping();
const input = { pipeline: 'readmission' };

describe('prerequisites', () => {
  const reason = 'There is nothing of the kind; do something about it.';

  test.each<[keyof Activities, keyof Activities]>([
    ['checkModelConfig', 'checkGoldDataExists'],
    ['checkGoldDataExists', 'checkSufficientTrainingData'],
    ['checkSufficientTrainingData', 'preprocess'],
  ])('%s ends the run as skipped, with its reason, before %s', async (check, next) => {
    const { result, calls } = await server.run('modelTraining', input, { [check]: skipping(reason) });

    expect(result).toEqual({ status: 'skipped', reason });
    expect(calls[check]).toHaveLength(1);
    expect(calls[next]).toEqual([]);
  });

  test('a check that could not look is a failure, not a skip', async () => {
    const checkGoldDataExists = () =>
      Promise.reject(ApplicationFailure.nonRetryable('The manifest is torn; delete it.', 'ObjectCorrupt'));
    const { failure } = await server.fail('modelTraining', input, { checkGoldDataExists });

    expect(failure).toEqual({ type: 'ObjectCorrupt', message: 'The manifest is torn; delete it.' });
  });
});

describe('what did not change since the newest versions', () => {
  const versions = (...algorithms: string[]) =>
    algorithms.map((algorithm) => ({ algorithm, version: 'v20010101_000000_before00' }));

  test('is not trained, and before anything is preprocessed the run ends as skipped with that reason', async () => {
    const { result, calls } = await server.run(
      'modelTraining',
      { ...input, asOf: '2008-12-31' },
      { findUnchanged: () => Promise.resolve({ unchanged: versions(...ALGORITHMS) }) },
    );

    expect(result).toMatchObject({
      status: 'skipped',
      reason: expect.stringContaining(
        'Nothing changed since version v20010101_000000_before00 of logistic_regression, random_forest, xgboost',
      ) as string,
    });
    expect(calls.findUnchanged).toMatchObject([{ asOf: '2008-12-31', algorithms: ALGORITHMS }]);
    expect(calls.preprocess).toEqual([]);
    expect(calls.sendAlerts).toEqual([]);
  });

  test('stands beside what is trained, when the champion is chosen', async () => {
    const unchanged = versions('logistic_regression', 'xgboost');
    const { result, calls } = await server.run('modelTraining', input, {
      findUnchanged: () => Promise.resolve({ unchanged }),
    });

    expect(result).toMatchObject({ status: 'completed', unchanged });
    expect(calls.registerModel.map(({ algorithm }) => algorithm)).toEqual(['random_forest']);
    expect(calls.promoteBest).toMatchObject([{ trained: [{ algorithm: 'random_forest' }], unchanged }]);
  });

  test('is trained where it is asked for again, and nobody looks', async () => {
    const { result, calls } = await server.run(
      'modelTraining',
      { ...input, again: true },
      { findUnchanged: () => Promise.resolve({ unchanged: versions(...ALGORITHMS) }) },
    );

    expect(result).toMatchObject({ status: 'completed' });
    expect(calls.findUnchanged).toEqual([]);
    expect(calls.registerModel.map(({ algorithm }) => algorithm).sort()).toEqual(ALGORITHMS);
  });
});

describe('training', () => {
  test('registers every algorithm and chooses among them', async () => {
    const { result, calls } = await server.run('modelTraining', input);

    expect(result).toMatchObject({
      status: 'completed',
      champion: { algorithm: 'logistic_regression' },
      comparison: { metric: 'oot.roc_auc' },
      dataset: { id: 'train_data_1' },
    });
    expect(calls.preprocess).toHaveLength(1);
    expect(calls.registerModel.map(({ algorithm }) => algorithm).sort()).toEqual(ALGORITHMS);
    expect(calls.promoteBest[0]!.trained.map(({ algorithm }) => algorithm)).toEqual(ALGORITHMS);
    expect(calls.discardVersion).toEqual([]);
  });

  test('tests the best before the champion is chosen, and tells who did not pass', async () => {
    const { result, calls } = await server.run('modelTraining', input, {
      testModel: testsFailing,
      promoteBest: refusing,
    });

    expect(calls.testModel[0]!.trained.map(({ algorithm }) => algorithm)).toEqual(ALGORITHMS);
    expect(calls.promoteBest).toMatchObject([
      { tested: { challenger: { algorithm: 'logistic_regression' }, tests: [{ test: 'size_mb', passed: false }] } },
    ]);
    expect(result).toMatchObject({ status: 'completed', champion: CHAMPION, tests: { passed: false } });
    expect(calls.sendAlerts.flat().map(({ condition }) => condition)).toContain('model_tests_failed');
  });

  test('is written to MLflow where the pipeline has it so; a failure to write changes nothing else', async () => {
    const whole = await server.run('modelTraining', input);
    expect(whole.calls.trackTraining).toEqual([]);
    const promoteBest: Activities['promoteBest'] = async (asked) => ({
      ...(await fakeActivities().activities.promoteBest(asked)),
      track: true,
    });
    const trackTraining = () =>
      Promise.reject(ApplicationFailure.nonRetryable('The store is away.', 'StoreUnavailable'));
    const { result, calls } = await server.run('modelTraining', input, { promoteBest, trackTraining });
    expect(calls.trackTraining).toMatchObject([{ pipeline: 'readmission' }]);
    expect(result).toEqual({ ...whole.result, tracking: { status: 'waits', reason: 'The store is away.' } });
  });

  test('trains the algorithms that are asked for', async () => {
    const { result } = await server.run('modelTraining', { ...input, algorithms: ['xgboost'] });

    expect(result).toMatchObject({ status: 'completed', algorithms: { xgboost: { status: 'completed' } } });
  });

  test('an algorithm that fails leaves the others registered and says why', async () => {
    const refit = refitExcept('random_forest');
    const { result, calls } = await server.run('modelTraining', input, { refit });

    expect(result).toMatchObject({
      status: 'partial',
      algorithms: {
        logistic_regression: { status: 'completed' },
        random_forest: {
          status: 'failed',
          type: 'EngineFailed',
          reason: 'The library refused random_forest; lower max_depth.',
        },
        xgboost: { status: 'completed' },
      },
    });
    expect(calls.promoteBest[0]!.trained.map(({ algorithm }) => algorithm)).toEqual(['logistic_regression', 'xgboost']);
    expect(calls.discardVersion.map(({ algorithm }) => algorithm)).toEqual(['random_forest']);
  });

  describe('an algorithm that may be left out', () => {
    const MISSING = 'The packages of the script xgboost are not installed; run `perdure setup readmission`.';
    const optional: Activities['checkModelConfig'] = async (asked) => {
      const plan = await fakeActivities().activities.checkModelConfig(asked);
      if (plan.status !== 'ready') return plan;
      return {
        ...plan,
        algorithms: plan.algorithms.map((planned) =>
          planned.name === 'xgboost' ? { ...planned, optional: true } : planned,
        ),
      };
    };
    const lacking =
      (type: string, ...names: string[]): Activities['evaluateCandidate'] =>
      (asked) =>
        names.includes(asked.algorithm)
          ? Promise.reject(ApplicationFailure.nonRetryable(MISSING, type))
          : fakeActivities().activities.evaluateCandidate(asked);

    test('is, where what trains it is not there, and the run is complete with the reason', async () => {
      const changes = { checkModelConfig: optional, evaluateCandidate: lacking('EngineMissing', 'xgboost') };
      await server.during('modelTraining', input, changes, async ({ handle, calls }) => {
        expect(await handle.result()).toMatchObject({
          status: 'completed',
          algorithms: { random_forest: { status: 'completed' }, xgboost: { status: 'skipped', reason: MISSING } },
        });
        expect(calls.promoteBest).toMatchObject([{ leftOut: { xgboost: MISSING } }]);
        expect((await handle.query<RunProgress>('progress')).ended).toEqual({
          logistic_regression: 'completed',
          random_forest: 'completed',
          xgboost: 'skipped',
        });
      });
    });

    test('is not, where it fails otherwise, nor is one that may not', async () => {
      const { result } = await server.run('modelTraining', input, {
        checkModelConfig: optional,
        evaluateCandidate: lacking('EngineFailed', 'xgboost'),
      });
      expect(result).toMatchObject({ status: 'partial', algorithms: { xgboost: { status: 'failed' } } });
      const other = await server.run('modelTraining', input, {
        checkModelConfig: optional,
        evaluateCandidate: lacking('EngineMissing', 'random_forest'),
      });
      expect(other.result).toMatchObject({
        status: 'partial',
        algorithms: { random_forest: { status: 'failed', type: 'EngineMissing', reason: MISSING } },
      });
    });

    test('fails the run with the others, where none could be trained', async () => {
      const { failure } = await server.fail('modelTraining', input, {
        checkModelConfig: optional,
        evaluateCandidate: lacking('EngineMissing', ...ALGORITHMS),
      });
      expect(failure.type).toBe('AllAlgorithmsFailed');
      expect(failure.message).toContain(`xgboost: ${MISSING}`);
    });
  });

  test('fails with the reason of each algorithm when all of them failed', async () => {
    const refit = refitExcept(...ALGORITHMS);
    const { failure, calls } = await server.fail('modelTraining', input, { refit });

    expect(failure.type).toBe('AllAlgorithmsFailed');
    for (const name of ALGORITHMS)
      expect(failure.message).toContain(`${name}: The library refused ${name}; lower max_depth.`);
    expect(calls.promoteBest).toEqual([]);
  });

  describe('waits for its features where the config has it so', () => {
    const LACKS = 'The feature store and the label store are empty: run data processing first.';
    const waiting =
      (pollSeconds: number): Activities['checkModelConfig'] =>
      async (asked) => {
        const plan = await fakeActivities().activities.checkModelConfig(asked);
        return plan.status === 'ready' ? { ...plan, wait: { timeoutSeconds: 7_200, pollSeconds } } : plan;
      };
    const readyAfter = (looks: number) => {
      let left = looks;
      return (): Promise<Check> =>
        Promise.resolve(left-- > 0 ? { status: 'skipped', reason: LACKS } : { status: 'ready' });
    };

    test('and looks into the store from time to time', async () => {
      const { result, calls } = await server.run('modelTraining', input, {
        checkModelConfig: waiting(1_800),
        checkGoldDataExists: readyAfter(3),
      });
      expect(result).toMatchObject({ status: 'completed' });
      expect(calls.checkGoldDataExists).toHaveLength(4);
    });

    test('and at once when it is signalled', async () => {
      const activities = { checkModelConfig: waiting(7_200), checkGoldDataExists: readyAfter(1) };
      const { looks, result } = await server.during('modelTraining', input, activities, async ({ handle, calls }) => {
        await until(() => calls.checkGoldDataExists.length === 1);
        await handle.signal(FEATURES_READY_SIGNAL);
        await until(() => calls.checkGoldDataExists.length === 2);
        return { looks: calls.checkGoldDataExists.length, result: await handle.result() };
      });
      expect({ looks, status: (result as { status: string }).status }).toEqual({ looks: 2, status: 'completed' });
    });

    test('and fails with what lacks when its time is over', async () => {
      const { failure, calls } = await server.fail('modelTraining', input, {
        checkModelConfig: waiting(1_800),
        checkGoldDataExists: readyAfter(100),
      });
      expect(failure).toMatchObject({
        type: 'FeaturesNotReady',
        message: `The features did not come within 120 minutes. ${LACKS}`,
      });
      expect(calls.preprocess).toEqual([]);
    });
  });

  test('fails with what the gate refused where the config has it so, which is told, and once', async () => {
    const refusal = 'xgboost v1 did not pass the promotion gate: minimum roc_auc is 0.6100, and must be >= 0.65.';
    const promoteBest: Activities['promoteBest'] = async (asked) => ({ ...(await refusing(asked)), refusal });
    const { failure, calls } = await server.fail('modelTraining', input, { promoteBest });

    expect(failure).toMatchObject({ type: 'PromotionRefused', message: refusal });
    expect(calls.sendAlerts.flat()).toMatchObject([{ condition: 'training_failed', training: { reason: refusal } }]);
  });

  test('starts again where a schedule has it so, all of them having failed', async () => {
    const retry = { maximumAttempts: 4, initialInterval: '5 minutes', backoffCoefficient: 1 } as const;
    const runs = new Set<string>();
    const refusing = refitExcept(...ALGORITHMS);
    const result = await server.during(
      'modelTraining',
      input,
      {
        refit: (asked) => {
          runs.add(asked.run.runId);
          return (runs.size <= 2 ? refusing : refitExcept())(asked);
        },
      },
      ({ handle }) => handle.result(),
      retry,
    );
    expect(result).toMatchObject({ status: 'completed' });
    expect(runs.size).toBe(3);
  });

  test('when it is cancelled while the champion moves, it ends as what it did, and tells people', async () => {
    const { activities, release } = held('promoteBest');
    const { result, told } = await server.during('modelTraining', input, activities, async ({ handle, calls }) => {
      await until(() => calls.promoteBest.length === 1);
      await handle.cancel();
      release();
      return { result: await handle.result(), told: calls.sendAlerts.flat().map(({ condition }) => condition) };
    });

    expect(result).toMatchObject({ status: 'completed', champion: { algorithm: 'logistic_regression' } });
    expect(told).toEqual(['training_completed', 'training_failed', 'model_deployed']);
  });

  test('when it is cancelled, every child cleans up before it ends', async () => {
    const cancelled = await server.during(
      'modelTraining',
      input,
      { evaluateCandidate: untilCancelled },
      async ({ handle, calls }) => {
        await until(() => calls.evaluateCandidate.length === 12);
        await handle.cancel();
        const error: unknown = await handle.result().catch((reason: unknown) => reason);
        return { error, discarded: calls.discardVersion.map(({ algorithm }) => algorithm).sort(), refits: calls.refit };
      },
    );

    expect(cancelled.error).toBeInstanceOf(WorkflowFailedError);
    expect((cancelled.error as WorkflowFailedError).cause?.name).toBe('CancelledFailure');
    expect(cancelled.discarded).toEqual(ALGORITHMS);
    expect(cancelled.refits).toEqual([]);
  });
});
