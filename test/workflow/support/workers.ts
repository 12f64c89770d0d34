import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker, type NativeConnection, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { packageFolder } from '../../../src/config/load.js';
import { TASK_QUEUES } from '../../../src/contracts/index.js';

// Failures that a test provokes are no news.
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger, telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } } });

/** A server under test. */
export interface Server {
  client: Client;
  nativeConnection: NativeConnection;
  namespace?: string;
}

/** Bundles the workflows as they stand in the sources, or a module of this package in their place, with what production bundles with them. */
export function bundleWorkflows(entry = 'workflows/index.ts'): Promise<WorkflowBundleWithSourceMap> {
  const workflowInterceptorModules = [join(packageFolder(), 'src/temporal/workflowPayloadGuard.ts')];
  return bundleWorkflowCode({ workflowsPath: join(packageFolder(), entry), workflowInterceptorModules, logger });
}

/** Runs `work` beside the three workers, all in this process, with the given activities. */
export async function withWorkers<Result>(
  { nativeConnection: connection, namespace }: Server,
  workflowBundle: WorkflowBundleWithSourceMap,
  activities: object,
  work: () => Promise<Result>,
): Promise<Result> {
  // Histories hold who did what: a name that doesn't differ from machine to machine.
  const shared = { connection, namespace, identity: 'test' };
  const workers = [
    await Worker.create({ ...shared, workflowBundle, activities, taskQueue: TASK_QUEUES.orchestrator }),
    await Worker.create({ ...shared, activities, taskQueue: TASK_QUEUES.dataProcessing }),
    await Worker.create({ ...shared, activities, taskQueue: TASK_QUEUES.modelTraining }),
  ];
  const running = workers.map((worker) => worker.run());
  try {
    return await work();
  } finally {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  }
}
