import { Worker, type WorkerOptions } from '@temporalio/worker';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stageActivity } from '../../activities/stageActivity.js';
import { TASK_QUEUES } from '../../src/contracts/index.js';
import { PerdureError } from '../../src/errors.js';
import type { StageCall } from '../../src/stages/createContext.js';
import { connectClient, connectWorker } from '../../src/temporal/connection.js';
import { freshNamespace } from '../support/testServer.js';
import { until } from '../support/until.js';
import { fakeActivities, TRAIN_XGBOOST } from '../workflow/support/fakeActivities.js';
import { failureOf, type AllWorkflows } from '../workflow/support/timeSkipping.js';
import { bundleWorkflows } from '../workflow/support/workers.js';

describe('a refit whose engine crashes', () => {
  test('is handed to the next worker by one that shuts down, and fails at the second crash', async () => {
    const { client, start } = await connect();
    let attempts = 0;
    const refit = stageActivity({ runStage: (stage, input, call) => stage(call as never, input) }, async ({ signal }: StageCall) => {
      attempts += 1;
      if (attempts === 2) await untilAborted(signal);
      throw new PerdureError('EngineCrashed', 'The engine crashed; lower max_depth.');
    });
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

/** A real server, as the test server doesn't keep what a failing activity said last. */
async function connect() {
  const target = await freshNamespace();
  const client = await connectClient(target);
  const connection = await connectWorker(target);
  onTestFinished(async () => {
    await connection.close();
    await client.connection.close();
  });
  const start = async (options: Omit<WorkerOptions, 'connection' | 'namespace'>) => {
    const worker = await Worker.create({ connection, namespace: target.namespace, ...options });
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
