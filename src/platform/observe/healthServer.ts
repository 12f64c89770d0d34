import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { Worker, WorkerStatus } from '@temporalio/worker';
import { PerdureError, messageOf } from '../../errors.js';
import { registry } from './metrics.js';

export interface HealthOptions {
  port: number;
  /** Address of the SDK's own metrics, `host:port`. */
  sdkMetrics: string;
}

/** Workflow tasks are decisions, over in milliseconds: one that makes no headway for this long never will. */
const STUCK_MS = 120_000;
const LOOK_MS = 1_000;

/**
 * Serves `/livez` (is it to be restarted?), `/readyz` (does it take work?) and `/metrics` (Prometheus, the SDK's and
 * the product's) of this process on every address of this host. One of its workers that isn't well is enough for a no.
 *
 * @returns closes the server
 * @throws PerdureError `ConfigInvalid` where the port can't be had
 */
export async function serveHealth(
  workers: Worker[],
  { port, sdkMetrics }: HealthOptions,
): Promise<() => Promise<void>> {
  const headways = workers.map((worker) => new Headway(worker));
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://worker');
    if (pathname === '/livez') answer(response, workers, (status, i) => isAlive(status) && !headways[i]?.isStuck);
    else if (pathname === '/readyz') answer(response, workers, isReady);
    else if (pathname === '/metrics')
      void metrics(sdkMetrics).then((text) =>
        response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      );
    else response.writeHead(404).end();
  });
  server.listen(port);
  await once(server, 'listening').catch((error: unknown) => {
    for (const headway of headways) headway.stop();
    throw new PerdureError(
      'ConfigInvalid',
      `The port ${port} of PERDURE_HEALTH_PORT can't be had (${messageOf(error)}); give a free one.`,
    );
  });
  return async () => {
    for (const headway of headways) headway.stop();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
}

function isAlive({ runState, workflowPollerState, activityPollerState }: WorkerStatus): boolean {
  return ![runState, workflowPollerState, activityPollerState].includes('FAILED');
}

/** A worker that drains takes no more work. */
function isReady({ runState, workflowPollerState, activityPollerState }: WorkerStatus): boolean {
  return runState === 'RUNNING' && (workflowPollerState === 'POLLING' || activityPollerState === 'POLLING');
}

/** Answers with the state of each worker, by its task queue. */
function answer(
  response: ServerResponse,
  workers: Worker[],
  isGood: (status: WorkerStatus, index: number) => boolean,
): void {
  const statuses = workers.map((worker) => worker.getStatus());
  const body = Object.fromEntries(workers.map(({ options }, i) => [options.taskQueue, statuses[i]]));
  response
    .writeHead(statuses.every(isGood) ? 200 : 503, { 'content-type': 'application/json' })
    .end(JSON.stringify(body));
}

async function metrics(sdkMetrics: string): Promise<string> {
  const sdk = await fetch(`http://${sdkMetrics}/metrics`)
    .then((response) => response.text())
    .catch(() => '');
  return `${await registry.metrics()}\n${sdk}`;
}

/** When the worker last got on with its workflow tasks. Activities are watched by Temporal, from their heartbeats. */
class Headway {
  private last = Date.now();
  private seen = '';
  private readonly looking: NodeJS.Timeout;

  constructor(private readonly worker: Worker) {
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
  }

  get isStuck(): boolean {
    this.look();
    return Date.now() - this.last > STUCK_MS;
  }

  stop(): void {
    clearInterval(this.looking);
  }

  private look(): void {
    const {
      numInFlightWorkflowActivations: inFlight,
      numCachedWorkflows,
      hasOutstandingWorkflowPoll,
    } = this.worker.getStatus();
    const now = JSON.stringify([inFlight, numCachedWorkflows, hasOutstandingWorkflowPoll]);
    if (inFlight === 0 || now !== this.seen) this.last = Date.now();
    this.seen = now;
  }
}
