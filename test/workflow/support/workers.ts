import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker, type NativeConnection, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { TASK_QUEUES } from '../../../src/contracts/index.js';

// Failures that a test provokes are no news.
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger, telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } } });

/** A server under test. */
export interface Server {
  client: Client;
  nativeConnection: NativeConnection;
}

/** The workflows as they stand in the sources. */
export function bundleWorkflows(entry = '../../../workflows/index.ts'): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL(entry, import.meta.url)), logger });
}

/** Runs `work` beside the three workers, all in this process, the sized ones with the given activities. */
export async function withWorkers<Result>(
  { nativeConnection: connection }: Server,
  workflowBundle: WorkflowBundleWithSourceMap,
  activities: object,
  work: () => Promise<Result>,
): Promise<Result> {
  const workers = [
    await Worker.create({ connection, workflowBundle, taskQueue: TASK_QUEUES.orchestrator }),
    await Worker.create({ connection, activities, taskQueue: TASK_QUEUES.dataProcessing }),
    await Worker.create({ connection, activities, taskQueue: TASK_QUEUES.modelTraining }),
  ];
  const running = workers.map((worker) => worker.run());
  try {
    return await work();
  } finally {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  }
}
