import type { ChildProcess } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEARCH_ATTRIBUTES } from '../../contracts/index.js';
import { PerdureError, messageOf } from '../../errors.js';
import { connectClient, plainTarget, type TemporalTarget } from './connection.js';
import { describeExit, freePort, hasExited, listens, spawnBound, stopProcess } from './processes.js';

export interface DevServerOptions {
  /** Path of the `temporal` executable. */
  executable: string;
  /** Port of the front end; another where it is taken. @default a free one */
  port?: number;
  /** Port of the web UI; another where it is taken, a free one for 0. @default no web UI */
  uiPort?: number;
  /** SQLite file that keeps workflows between runs. @default in memory */
  database?: string;
  /** File that gets the server's own words. */
  log: string;
  /** Called before each attempt to start it: one that was killed may have left something behind. */
  prepare?: () => Promise<void>;
}

export interface DevServer {
  target: TemporalTarget;
  /** Address of the web UI, e.g. `http://127.0.0.1:8233`. */
  webUi?: string;
  process: ChildProcess;
  /** Ends the server: asks it, then insists. Returns when the process is gone. */
  stop(): Promise<void>;
}

const IP = '127.0.0.1';
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** How often a server that is killed before it serves, or whose port was taken meanwhile, is started. */
const START_ATTEMPTS = 3;

const STOP_PATIENCE_MS = 5_000;

/**
 * The dev server has one history shard, and each of its queues asks for tasks 20 times a second at most: once a burst
 * of 40 is spent every dispatch waits some 43 ms. Measured, 13 empty activities: 1.15 s with 20, .20 s with 2000.
 */
const POLL_RATES = ['transfer', 'timer', 'visibility'].map((queue) => `history.${queue}ProcessorMaxPollRPS=2000`);

/**
 * A task queue has four partitions by default, and a worker that takes one activity at a time asks only one of them:
 * what waits in another waits seconds, although the worker is idle. One partition is also first come, first served.
 */
const PARTITIONS = ['Read', 'Write'].map((kind) => `matching.numTaskqueue${kind}Partitions=1`);

/** For a database file; the default journal waits for the disk at each of many small transactions. */
const SQLITE_PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

/**
 * Starts Temporal's development server and waits until it serves. The server ends with this process, however that
 * ends; on Windows a process that is killed leaves its server behind.
 *
 * @throws PerdureError `TemporalUnavailable` where it doesn't come up.
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort(options.port);
    const uiPort = options.uiPort === undefined ? undefined : await freePort(options.uiPort);
    const target = plainTarget(`${IP}:${port}`);
    await options.prepare?.();
    const logged = await sizeOf(options.log);
    const server = spawnBound(options.executable, serverArguments(options, port, uiPort), options.log);
    const stop = () => stopProcess(server, STOP_PATIENCE_MS);
    const fault = await untilServing(server, target);
    if (fault === undefined)
      return { target, webUi: uiPort === undefined ? undefined : `http://${IP}:${uiPort}`, process: server, stop };
    const wasKilled = server.signalCode !== null;
    await stop();
    const said = (await readFile(options.log).catch(() => Buffer.alloc(0))).subarray(logged).toString().trim();
    // Another program may take a port between the look for a free one and the server's own start.
    const lostPort = said.includes('address already in use');
    if ((wasKilled || lostPort) && attempt < START_ATTEMPTS) continue;
    const words = said.split('\n').at(-1);
    throw new PerdureError(
      'TemporalUnavailable',
      `The embedded Temporal server ${fault}${words ? ` ("${words}")` : ''}; see ${options.log} and run "perdure doctor".`,
    );
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function serverArguments({ database }: DevServerOptions, port: number, uiPort: number | undefined): string[] {
  return [
    ['server', 'start-dev', '--ip', IP, '--port', String(port), '--log-level', 'error'],
    uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)],
    [...POLL_RATES, ...PARTITIONS].flatMap((setting) => ['--dynamic-config-value', setting]),
    Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    database ? ['--db-filename', database, ...SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma])] : [],
  ].flat();
}

/** Waits until the server serves, and returns `undefined`; else what became of it, as a predicate. */
async function untilServing(server: ChildProcess, target: TemporalTarget): Promise<string | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let failure: unknown;
  server.once('error', (error) => (failure = error));
  while (!hasExited(server) && failure === undefined && Date.now() < deadline) {
    // A client that is refused once waits a second before it tries again; so it isn't made before somebody listens.
    if (await listens(target.address)) {
      const client = await connectClient(target).catch(() => undefined);
      await client?.connection.close();
      if (client) return undefined;
    }
    await sleep(POLL_MS);
  }
  if (failure !== undefined) return messageOf(failure);
  return hasExited(server) ? describeExit(server) : `did not answer within ${START_TIMEOUT_MS / 1000} s`;
}
