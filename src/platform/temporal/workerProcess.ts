import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { Client } from '@temporalio/client';
import type { Logger } from '@temporalio/common';
import {
  Runtime,
  Worker,
  makeTelemetryFilterString,
  type NativeConnection,
  type WorkerOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { LACKING_ATTRIBUTES } from '../../contracts/index.js';
import { unsetEmpty, variables, type Variables } from '../../environment.js';
import { PerdureError, messageOf } from '../../errors.js';
import { serveHealth, type HealthOptions } from '../observe/healthServer.js';
import { createLogger } from '../observe/logger.js';
import { activityMetrics } from '../observe/metrics.js';
import { tracing, type Tracing } from '../observe/tracing.js';
import { chosenResources, formatResources, type Resources } from '../resources/resources.js';
import { configuredTarget, plainTarget } from './connection.js';
import { connectWorker } from './workerConnection.js';
import { dataConverterFrom, workflowDataConverterFrom } from './dataConverter.js';
import { activityPayloadGuard } from './payloadInterceptors.js';
import { freePort } from './processes.js';
import { describeLacking, ensureSearchAttributes } from './searchAttributes.js';
import { heapIsSet, runWithHeap } from './heap.js';
import { SHUTDOWN_FORCE_MS, SHUTDOWN_GRACE_MS, type WorkerDefinition, type WorkerMessage } from './workers.js';

/** Where a Temporal server listens when nobody says otherwise. */
const DEFAULT_ADDRESS = '127.0.0.1:7233';

/** Beyond the force time, for what comes after the worker: closing connections and engines. */
const TIDY_UP_MS = 5_000;

/** What is done of a task queue, and how much of it at once; the rest is the same for all. */
export type PolledQueue = { taskQueue: string; workflowBundle?: { codePath: string } } & Pick<
  WorkerOptions,
  'activities' | 'maxCachedWorkflows' | 'maxConcurrentWorkflowTaskExecutions' | 'maxConcurrentActivityTaskExecutions'
>;

export interface WorkerParts {
  /** The process polls all of them, each with a worker of its own. */
  queues: PolledQueue[];
  /** Something that goes on beside them with a client of its own, until the process is told to stop. */
  beside?: (client: Client, log: Logger) => { stop(): Promise<void> };
  /** Releases what the activities use. */
  close?: () => Promise<void>;
}

/**
 * Polls task queues as this process, against the configured Temporal server, until SIGTERM, SIGINT, or the end of the
 * process that forked it; then ends the process: with 0, or with 1 where a worker could not start, failed, or had to
 * abandon activities. `--size 2x4` are its resources, else as {@link chosenResources} says.
 */
export async function runWorkerProcess(
  definition: WorkerDefinition,
  makeParts: (resources: Resources) => WorkerParts | Promise<WorkerParts>,
): Promise<void> {
  unsetEmpty();
  const stop = stopRequested();
  try {
    const resources = chosenResources(
      definition.resources,
      parseArgs({ options: { size: { type: 'string' } } }).values.size,
    );
    if (!heapIsSet()) process.exit(await runWithHeap(definition.heap(resources)));
    await runWorkers(definition, resources, await makeParts(resources), stop);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${definition.taskQueue}: ${messageOf(error)}\n`);
    await tellParent({ failed: messageOf(error) });
    process.exit(1);
  }
}

async function runWorkers(
  definition: WorkerDefinition,
  resources: Resources,
  { queues, beside, close }: WorkerParts,
  stop: Promise<void>,
): Promise<void> {
  const health = await healthOptions();
  const traced = await tracing(`perdure-${definition.taskQueue}`);
  Runtime.install({
    logger: createLogger(definition.taskQueue),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }), forward: {} },
      ...(health ? { metrics: { prometheus: { bindAddress: health.sdkMetrics } } } : {}),
    },
    shutdownSignals: [],
  });
  try {
    const target = configuredTarget() ?? plainTarget(DEFAULT_ADDRESS);
    const connection = await connectWorker(target);
    try {
      const options = await Promise.all(
        queues.map((queue) => workerOptions(connection, target.namespace, resources, queue, traced)),
      );
      const workers = await Promise.all(options.map((each) => Worker.create(each)));
      const closing: (() => Promise<void>)[] = [];
      try {
        await runTogether(workers, async () => {
          // A worker that was made must run before its connection can be closed, also where this fails.
          if (health) closing.push(await serveHealth(workers, health));
          await tellParent({ ready: true });
          const besides = beside?.(
            new Client({ connection, namespace: target.namespace, dataConverter: dataConverterFrom() }),
            Runtime.instance().logger,
          );
          await stop;
          await besides?.stop();
        });
      } finally {
        // Not before: a worker that drains says so.
        for (const stopServing of closing) await stopServing();
      }
    } finally {
      await connection.close();
    }
  } finally {
    await close?.();
    await traced?.stop();
  }
}

async function workerOptions(
  connection: NativeConnection,
  namespace: string,
  resources: Resources,
  queue: PolledQueue,
  traced?: Tracing,
): Promise<WorkerOptions> {
  return {
    connection,
    namespace,
    // Histories keep it: what the work cost is reckoned from the resources.
    identity: `${queue.taskQueue} ${formatResources(resources)}@${hostname()}:${process.pid}`,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
    // Cancelling reaches an activity with its next heartbeat; by default heartbeats are held back for up to 60 s.
    maxHeartbeatThrottleInterval: '5 seconds',
    dataConverter: queue.workflowBundle ? workflowDataConverterFrom() : dataConverterFrom(),
    ...deploymentOptions(),
    // Those of workflows are in the bundle.
    interceptors: { activity: [...(traced ? [traced.activity] : []), activityMetrics, activityPayloadGuard] },
    sinks: traced?.sinks,
    ...queue,
    ...(queue.workflowBundle ? { workflowBundle: await bundleFor(connection, namespace, queue.workflowBundle) } : {}),
  };
}

/**
 * The workflows' code, which is told what search attributes the namespace lacks: a workflow that sets one that isn't
 * there gets no further.
 */
async function bundleFor(
  connection: NativeConnection,
  namespace: string,
  bundle: { codePath: string },
): Promise<WorkflowBundleOption> {
  const lacking = await ensureSearchAttributes(connection, namespace);
  if (!lacking) return bundle;
  Runtime.instance().logger.warn(describeLacking(lacking, namespace));
  // In the bundle's first line, so that its source map stays right.
  return {
    code: `globalThis.${LACKING_ATTRIBUTES} = ${JSON.stringify(lacking.names)}; ${await readFile(bundle.codePath, 'utf8')}`,
  };
}

/** Runs workers until `work` is done; where it or one of them fails, all others drain first. */
async function runTogether(workers: Worker[], work: () => Promise<void>): Promise<void> {
  const runs = workers.map((worker) => worker.run());
  try {
    await Promise.race([work(), ...runs]);
  } finally {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(runs);
  }
  await Promise.all(runs);
}

/** Name under which all workers of Perdure are versioned together. */
const DEPLOYMENT = 'perdure';

/**
 * `PERDURE_BUILD_ID` makes this process a version of the deployment `perdure`: a run stays with the version that it
 * began with, the steward goes on with the current one. Such workers get nothing to do until their version is made
 * current: `temporal worker deployment set-current-version --deployment-name perdure --build-id <id>`.
 */
function deploymentOptions(
  { PERDURE_BUILD_ID: buildId }: Variables = variables(),
): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (!buildId) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: DEPLOYMENT, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

/** `PERDURE_HEALTH_PORT` turns health checks and metrics on. The SDK serves its metrics itself, for this process alone. */
async function healthOptions(env: Variables = variables()): Promise<HealthOptions | undefined> {
  const named = env.PERDURE_HEALTH_PORT;
  if (!named) return undefined;
  const port = Number(named);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new PerdureError('ConfigInvalid', `PERDURE_HEALTH_PORT is "${named}"; expected a port such as 9600.`);
  }
  return { port, sdkMetrics: `127.0.0.1:${await freePort()}` };
}

/** Resolves when the process is told to stop, and sees to it that it ends in time. */
function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      setTimeout(() => process.exit(1), SHUTDOWN_FORCE_MS + TIDY_UP_MS).unref();
      resolve();
    };
    // More than once: where the whole group is told, the process that gave this one its heap passes the signal on as well,
    // and one that nobody listens for would end it at once.
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.once('disconnect', stop);
    // Whoever forked this process may have ended while modules were loaded, and no event tells of it any more. The
    // value is undefined where nobody forked it.
    if ((process.connected as boolean | undefined) === false) process.exit(0);
  });
}

/** Tells the process that forked this one, if one did. */
async function tellParent(message: WorkerMessage): Promise<void> {
  if (!process.connected) return;
  // A parent that is gone meanwhile is noticed by `disconnect`.
  await new Promise<void>((resolve) => process.send?.(message, () => resolve()));
}
