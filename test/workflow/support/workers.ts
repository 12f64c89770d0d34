import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type LogEntry,
  type NativeConnection,
  type WorkflowBundleOption,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { packageFolder } from '../../../src/package.js';
import { TASK_QUEUES } from '../../../src/contracts/index.js';
import { dataConverterFrom, workflowDataConverterFrom } from '../../../src/platform/temporal/dataConverter.js';

/** The lines of runs that failed, as the workers of this process logged them. */
export const failedRuns: LogEntry[] = [];

// Failures that a test provokes are no news.
const logger = new DefaultLogger('ERROR', (entry) => {
  if (entry.message === 'The run failed') failedRuns.push(entry);
  else
    process.stderr.write(
      `${entry.level} ${entry.message} ${JSON.stringify(entry.meta, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`,
    );
});
Runtime.install({
  logger,
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});

/** A server under test. */
export interface Server {
  client: Client;
  nativeConnection: NativeConnection;
  namespace?: string;
}

/** Bundles the workflows as they stand in the sources, or a module of this package in their place, with what production bundles with them. */
export function bundleWorkflows(entry = 'workflows/index.ts'): Promise<WorkflowBundleWithSourceMap> {
  const workflowInterceptorModules = [
    'src/platform/temporal/workflowMessages.ts',
    'workflows/support/interceptors.ts',
    'src/platform/temporal/workflowPayloadGuard.ts',
  ].map((file) => join(packageFolder(), file));
  return bundleWorkflowCode({ workflowsPath: join(packageFolder(), entry), workflowInterceptorModules, logger });
}

/**
 * Runs a worker per task queue, all in this process, with the given activities; returns what stops them.
 * @param env of the workers' data converter
 */
export async function startWorkers(
  { nativeConnection: connection, namespace }: Server,
  workflowBundle: WorkflowBundleOption,
  activities: object,
  env: NodeJS.ProcessEnv = {},
): Promise<() => Promise<void>> {
  // Histories hold who did what: a name that doesn't differ from machine to machine.
  // Cancelling reaches an activity with its next heartbeat, which by default is held back for up to 24 s.
  const shared = {
    connection,
    namespace,
    identity: 'test',
    maxHeartbeatThrottleInterval: '1 second',
    dataConverter: dataConverterFrom(env),
  } as const;
  const workers = [
    await Worker.create({
      ...shared,
      workflowBundle,
      dataConverter: workflowDataConverterFrom(env),
      taskQueue: TASK_QUEUES.orchestrator,
    }),
    await Worker.create({ ...shared, activities, taskQueue: TASK_QUEUES.operations }),
    await Worker.create({ ...shared, activities, taskQueue: TASK_QUEUES.dispatch }),
    await Worker.create({ ...shared, activities, taskQueue: TASK_QUEUES.dataProcessing }),
    await Worker.create({ ...shared, activities, taskQueue: TASK_QUEUES.modelTraining }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
  };
}

/** Runs `work` beside the workers. */
export async function withWorkers<Result>(
  server: Server,
  workflowBundle: WorkflowBundleOption,
  activities: object,
  work: () => Promise<Result>,
): Promise<Result> {
  const stop = await startWorkers(server, workflowBundle, activities);
  try {
    return await work();
  } finally {
    await stop();
  }
}
