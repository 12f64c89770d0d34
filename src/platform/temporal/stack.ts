import { join } from 'node:path';
import type { Resources } from '../resources/resources.js';
import type { TemporalTarget } from './connection.js';
import { startEmbeddedServer, type EmbeddedServer } from './embeddedServer.js';
import type { Tell } from './stateFiles.js';
import { SupervisedWorker } from './supervisedWorker.js';
import { WORKERS, type WorkerName } from './workers.js';

export { joinOrStart, notePath, runningStack, type EmbeddedServer, type RunningStack } from './embeddedServer.js';

export interface StackOptions {
  /** Root folder of the object store that the workers use. */
  storeRoot: string;
  /** Folder for the server's database and the logs, e.g. `.perdure`. */
  stateFolder: string;
  /** The server to use; an embedded dev server is started where neither this nor `server` is given. */
  target?: TemporalTarget;
  /** An embedded server that was started already, which ends with the stack. */
  server?: EmbeddedServer;
  /** Resources of workers in place of their standard ones. */
  resources?: Partial<Record<WorkerName, Resources>>;
  /** Called with one line whenever a worker or the embedded server dies and is started again. */
  tell?: Tell;
}

/** A Temporal server (embedded, or somebody's) and the three workers. */
export interface Stack {
  target: TemporalTarget;
  /** Address of the web UI of the embedded server. */
  webUi?: string;
  /** The embedded server, where there is one. */
  server?: EmbeddedServer;
  workers: Record<WorkerName, SupervisedWorker>;
  /** Rejects when the stack can't go on: the embedded server or a worker died too often. Never resolves. */
  broken: Promise<never>;
  /** Stops the workers, then the embedded server. Returns when every process is gone. */
  stop(): Promise<void>;
}

/**
 * Starts the three workers, and an embedded Temporal server where no other is given. All of them end when this process
 * does, also when it is killed; workflows under way go on with the next stack on the same state folder.
 *
 * @throws PerdureError `TemporalUnavailable`, `WorkerFailed`, or `SetupFailed` where a tool or the build is missing
 */
export async function startStack({
  storeRoot,
  stateFolder,
  target: given,
  server: started,
  resources = {},
  tell,
}: StackOptions): Promise<Stack> {
  const server = started ?? (given ? undefined : await startEmbeddedServer(stateFolder, { store: storeRoot, tell }));
  const target = given ?? server!.target;
  const supervision = { target, storeRoot, logFolder: join(stateFolder, 'logs'), webUi: server?.webUi, tell };
  const supervised = (name: WorkerName) =>
    new SupervisedWorker({ ...WORKERS[name], resources: resources[name] ?? WORKERS[name].resources }, supervision);
  const workers = {
    orchestrator: supervised('orchestrator'),
    dataProcessing: supervised('dataProcessing'),
    modelTraining: supervised('modelTraining'),
  };
  const all = Object.values(workers);
  const stop = async () => {
    await Promise.all(all.map((worker) => worker.stop()));
    await server?.stop();
  };
  try {
    await Promise.all(all.map((worker) => worker.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const broken = Promise.race([...all.map((worker) => worker.broken), ...(server ? [server.broken] : [])]);
  broken.catch(() => undefined);
  return { target, webUi: server?.webUi, server, workers, broken, stop };
}

/** Address of a run's page in the web UI. */
export function runUrl(webUi: string, namespace: string, workflowId: string, runId: string): string {
  return `${webUi}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
}
