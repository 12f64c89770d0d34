import { Worker, type WorkerOptions } from '@temporalio/worker';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stageActivity } from '../../activities/stageActivity.js';
import { TASK_QUEUES } from '../../src/contracts/index.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { PerdureError } from '../../src/errors.js';
import { createRunStage, type StageCall } from '../../src/stages/createContext.js';
import { evaluateCandidate } from '../../src/stages/evaluateCandidate.js';
import { preprocess } from '../../src/stages/preprocess.js';
import { connectFresh } from '../support/testServer.js';
import { searchRecord } from '../../src/stages/searchRecord.js';
import { AFTER_ALL, createTinyWorld, MONTHS, runRef, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';
import { fakeActivities, TRAIN_XGBOOST } from '../workflow/support/fakeActivities.js';
import { failureOf, type AllWorkflows } from '../workflow/support/timeSkipping.js';
import { bundleWorkflows } from '../workflow/support/workers.js';

describe('a refit whose engine crashes', () => {
  test('is handed to the next worker by one that shuts down, and fails at the second crash', async () => {
    const { client, start } = await connect();
    let attempts = 0;
    const refit = stageActivity(
      { runStage: (stage, input, call) => stage(call as never, input) },
      async ({ signal }: StageCall) => {
        attempts += 1;
        if (attempts === 2) await untilAborted(signal);
        throw new PerdureError('EngineCrashed', 'The engine crashed; lower max_depth.');
      },
    );
    const activities = { ...fakeActivities().activities, refit };
    const orchestrator = await start({ workflowBundle: await bundleWorkflows(), taskQueue: TASK_QUEUES.orchestrator });
    const operations = await start({ activities, taskQueue: TASK_QUEUES.operations });
    const first = await start({ activities, taskQueue: TASK_QUEUES.modelTraining, shutdownGraceTime: 100 });

    const handle = await client.workflow.start<AllWorkflows['trainAlgorithm']>('trainAlgorithm', {
      args: [TRAIN_XGBOOST],
      taskQueue: TASK_QUEUES.orchestrator,
      workflowId: 'training-xgboost',
    });
    await until(() => attempts === 2);
    await first.stop();
    const second = await start({ activities, taskQueue: TASK_QUEUES.modelTraining });
    const failure = await failureOf(handle);
    await Promise.all([orchestrator, operations, second].map((worker) => worker.stop()));

    expect(failure).toEqual({ type: 'EngineCrashed', message: 'The engine crashed; lower max_depth.' });
    expect(attempts).toBe(3);
  });
});

describe('a candidate whose worker is told to stop', () => {
  test('goes on elsewhere with the folds that are finished', async () => {
    const engines = tinyEngines();
    onTestFinished(() => engines.close());
    const world = await createTinyWorld(engines);
    onTestFinished(() => world.close());
    await world.writeGold(MONTHS);
    const { client, start } = await connect();
    const training = {
      ...TRAIN_XGBOOST,
      pipeline: TINY,
      dataset: await world.perform(preprocess, { pipeline: TINY, run: runRef('drained'), asOf: AFTER_ALL }),
    };
    const params = { max_depth: 2, n_estimators: 20, learning_rate: 0.3, scale_pos_weight: 1 };
    const folds = [0, 1, 2];

    const asked: number[][] = [];
    const recording: EnginePool = {
      ...engines,
      evaluate: (request, signal, onFold) => {
        asked.push(request.folds);
        return engines.evaluate(request, signal, onFold);
      },
    };
    let stuck = false;
    const sticking: EnginePool = {
      ...recording,
      async evaluate(request, signal, onFold) {
        await recording.evaluate({ ...request, folds: request.folds.slice(0, 2) }, signal, onFold);
        stuck = true;
        return untilAborted(signal);
      },
    };
    let scores: number[] = [];
    const activitiesWith = (pool: EnginePool) => ({
      ...fakeActivities({
        planSearch: () =>
          Promise.resolve({
            grid: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, [value]])),
            cells: [0],
            order: [0],
            rungs: [folds],
          }),
        selectCandidates: async ({ folds }) => {
          const [found] = await searchRecord(world.stores.datamart, training).readAll([{ index: 0, folds }]);
          scores = found!.map(({ score }) => score);
          return { survivors: [0], score: 0.6 };
        },
      }).activities,
      evaluateCandidate: stageActivity(
        {
          runStage: createRunStage({
            storeRoot: world.storeRoot,
            engines: pool,
            resources: { cpus: 1, memory: 2 ** 30 },
          }),
        },
        evaluateCandidate,
      ),
    });
    const orchestrator = await start({ workflowBundle: await bundleWorkflows(), taskQueue: TASK_QUEUES.orchestrator });
    const operations = await start({ activities: activitiesWith(engines), taskQueue: TASK_QUEUES.operations });
    const first = await start({
      activities: activitiesWith(sticking),
      taskQueue: TASK_QUEUES.modelTraining,
      shutdownGraceTime: 100,
    });

    const handle = await client.workflow.start<AllWorkflows['trainAlgorithm']>('trainAlgorithm', {
      args: [training],
      taskQueue: TASK_QUEUES.orchestrator,
      workflowId: 'drained-xgboost',
    });
    await until(() => stuck);
    await first.stop();
    const second = await start({ activities: activitiesWith(recording), taskQueue: TASK_QUEUES.modelTraining });
    const { status } = await handle.result();
    await Promise.all([orchestrator, operations, second].map((worker) => worker.stop()));

    expect(status).toBe('completed');
    expect(asked).toEqual([[0, 1], [2]]);
    const { run, dataset } = training;
    const undisturbed = await world.perform(evaluateCandidate, {
      pipeline: TINY,
      run,
      algorithm: 'xgboost',
      dataset,
      candidate: { index: 0, params },
      folds,
    });
    expect(scores).toEqual(undisturbed.scores);
  });
});

/** A real server, as the test server doesn't keep what a failing activity said last. */
async function connect() {
  const { client, nativeConnection: connection, namespace } = await connectFresh();
  const start = async (options: Omit<WorkerOptions, 'connection' | 'namespace'>) => {
    const worker = await Worker.create({ connection, namespace, ...options });
    const running = worker.run();
    const stop = async () => {
      worker.shutdown();
      await running;
    };
    return { stop };
  };
  return { client, start };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}
