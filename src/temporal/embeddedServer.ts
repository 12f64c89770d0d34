import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { PerdureError, systemCode } from '../errors.js';
import { temporalCli } from '../setup/temporalCli.js';
import { requireTool } from '../setup/tool.js';
import { plainTarget, type TemporalTarget } from './connection.js';
import { startDevServer } from './devServer.js';
import { isAlive, listens } from './processes.js';
import { SupervisedServer } from './supervisedServer.js';

/** Temporal's customary ports, so that `temporal` commands need no address where the ports are free. */
const PORT = 7233;
const UI_PORT = 8233;

const LOCK = {
  // How long something counts as held by a process that was killed.
  stale: 5_000,
  update: 1_000,
  // The holder slept or was stopped for a while, and another took over: what that one does is what counts then.
  onCompromised: () => undefined,
};

/** What the process that runs an embedded server says of it, in the state folder. */
interface ServerNote {
  address: string;
  namespace: string;
  webUi: string;
  pid: number;
}

export interface RunningStack {
  target: TemporalTarget;
  /** Address of the web UI, e.g. `http://127.0.0.1:8233`. */
  webUi: string;
  /** The process that runs it. */
  pid: number;
}

/** The embedded server that another process runs on this state folder, if any. */
export async function runningStack(stateFolder: string): Promise<RunningStack | undefined> {
  const text = await readFile(notePath(stateFolder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { address, namespace, webUi, pid } = JSON.parse(text) as ServerNote;
  // Where that process was killed its note is still there.
  return isAlive(pid) && (await listens(address)) ? { target: plainTarget(address, namespace), webUi, pid } : undefined;
}

/** A dev server that is started again when it dies, and keeps what it knows. */
export type EmbeddedServer = Pick<SupervisedServer, 'target' | 'webUi' | 'pid' | 'broken' | 'stop'>;

/**
 * Starts a dev server that keeps its workflows in the state folder: what was under way when it stopped goes on when it
 * is started again.
 *
 * @param tell called with one line whenever the server dies and is started again
 * @throws PerdureError `SetupFailed` where the CLI isn't there, `TemporalUnavailable` where the server doesn't come up
 * or another process holds the folder
 */
export async function startEmbeddedServer(stateFolder: string, tell?: (line: string) => void): Promise<EmbeddedServer> {
  const { path } = await requireTool(temporalCli);
  await mkdir(stateFolder, { recursive: true });
  const release = await hold(stateFolder);
  try {
    const options = { executable: path, database: join(stateFolder, 'temporal.db'), log: join(stateFolder, 'logs', 'temporal.log') };
    const first = await oneAtATime(() => startDevServer({ ...options, port: PORT, uiPort: UI_PORT }));
    const server = new SupervisedServer(options, first, tell);
    const { target, webUi, broken } = server;
    await writeFile(notePath(stateFolder), JSON.stringify({ address: target.address, namespace: target.namespace, webUi, pid: process.pid }, null, 2));
    const stop = async () => {
      await rm(notePath(stateFolder), { force: true });
      await server.stop();
      await release();
    };
    return { target, webUi, broken, stop, get pid() { return server.pid; } };
  } catch (error) {
    await release();
    throw error;
  }
}

function notePath(stateFolder: string): string {
  return join(stateFolder, 'temporal.json');
}

/**
 * Of two servers that start in the same moment, for whatever folders, both would find the customary ports free, and one
 * command would take the other's server for its own.
 */
async function oneAtATime<T>(start: () => Promise<T>): Promise<T> {
  const lockfilePath = join(tmpdir(), `perdure-ports-${userInfo().username}.lock`);
  const release = await lockfile.lock(tmpdir(), { ...LOCK, lockfilePath, retries: { retries: 600, factor: 1, minTimeout: 100, maxTimeout: 100 } });
  try {
    return await start();
  } finally {
    // Who was held up for longer than a lock lasts has lost it.
    await release().catch(() => undefined);
  }
}

/** Two servers on one database would each miss what the other writes. */
async function hold(stateFolder: string): Promise<() => Promise<void>> {
  try {
    return await lockfile.lock(stateFolder, { ...LOCK, lockfilePath: join(stateFolder, 'temporal.lock'), retries: { retries: 7, minTimeout: 1_000, maxTimeout: 1_000 } });
  } catch (error) {
    if (systemCode(error) !== 'ELOCKED') throw error;
    throw new PerdureError('TemporalUnavailable', `Another process runs the Temporal server of ${stateFolder}; wait until it ends, or use another folder.`);
  }
}
