import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { z } from 'zod';
import { PerdureError, messageOf, systemCode } from '../../errors.js';
import { temporalCli } from '../setup/temporalCli.js';
import { requireTool } from '../setup/tool.js';
import { plainTarget, type TemporalTarget } from './connection.js';
import type { DevServer } from './devServer.js';
import { isAlive } from '../programs/command.js';
import { isFree, listens } from './processes.js';
import { databasePath, logPath, startOnDatabase } from './serverDatabase.js';
import { document, type DocumentOf } from '../storage/documents.js';
import { readState, requireStateFolder, stateText, writeState, type Tell } from './stateFiles.js';
import { SupervisedServer } from './supervisedServer.js';
import { CUSTOMARY_PORTS } from './workers.js';

/** How long the server of a command that was killed may still hold the ports. */
const PORT_PATIENCE_MS = 6_000;

/** How long another command may take to start its server here, or to stop it. */
const TURN_PATIENCE_MS = 60_000;
const TURN_POLL_MS = 200;

/** How often the note is looked at, which others may have damaged. */
const NOTE_CHECK_MS = 1_000;

const LOCK = {
  // How long something counts as held by a process that was killed.
  stale: 5_000,
  update: 1_000,
  // The holder slept or was stopped for a while, and another took over: what that one does is what counts then.
  onCompromised: () => undefined,
};

/** What the process that runs an embedded server says of it, in the state folder. */
const serverNote = document({
  name: 'note of an embedded server',
  schema: z.strictObject({
    address: z.string(),
    namespace: z.string(),
    webUi: z.string(),
    pid: z.number(),
    store: z.string().optional(),
  }),
});
type ServerNote = DocumentOf<typeof serverNote>;

const PORT = z.number().int().min(1).max(65_535);
/** Ports of the server and its web UI, as the state folder remembers them. */
const serverPorts = document({
  name: 'ports of an embedded server',
  schema: z.strictObject({ port: PORT, ui_port: PORT }),
});
type ServerPorts = DocumentOf<typeof serverPorts>;

export interface RunningStack {
  target: TemporalTarget;
  /** Address of the web UI, e.g. `http://127.0.0.1:8233`. */
  webUi: string;
  /** The process that runs it. */
  pid: number;
  /** The store that its workers use; `undefined` where it has none. */
  store?: string;
}

/** The embedded server that another process runs on this state folder, if any. */
export async function runningStack(
  stateFolder: string,
  tell: Tell = () => undefined,
): Promise<RunningStack | undefined> {
  const note = await readState(notePath(stateFolder), serverNote, tell);
  if (!note) return undefined;
  const { address, namespace, webUi, pid, store } = note;
  // Where that process was killed its note is still there.
  return isAlive(pid) && (await listens(address))
    ? { target: plainTarget(address, namespace), webUi, pid, store }
    : undefined;
}

/** A dev server that is started again when it dies, and keeps what it knows. */
export type EmbeddedServer = Pick<SupervisedServer, 'target' | 'webUi' | 'pid' | 'broken' | 'stop'>;

export interface EmbeddedServerOptions {
  /** Ports that it must have; those that it had last in this folder, or others that are free, where not given. */
  port?: number;
  uiPort?: number;
  /** The store that its workers are to use, for others to know. */
  store?: string;
  /** Called with one line whenever the server dies and is started again, or a broken file is set aside. */
  tell?: Tell;
}

/**
 * Starts a dev server that keeps its workflows in the state folder: what was under way when it stopped goes on when it
 * is started again. Where another process is about to stop its server here, waits for that.
 *
 * @throws PerdureError `SetupFailed` where the CLI or the folder isn't there, `TemporalUnavailable` where the server
 * doesn't come up or another process has one here
 */
export async function startEmbeddedServer(
  stateFolder: string,
  options: EmbeddedServerOptions = {},
): Promise<EmbeddedServer> {
  const found = await joinOrStart(stateFolder, options);
  if ('stop' in found) return found;
  throw new PerdureError(
    'TemporalUnavailable',
    `Process ${found.pid} runs the Temporal server of ${stateFolder}; wait until it ends, or use another folder.`,
  );
}

/**
 * As {@link startEmbeddedServer}; where another process runs a server here, or is starting one, that one instead. With
 * a `store`, only a server that has workers will do: others are there for seconds, and their end is waited for.
 */
export async function joinOrStart(
  stateFolder: string,
  options: EmbeddedServerOptions = {},
): Promise<RunningStack | EmbeddedServer> {
  const { path } = await requireTool(temporalCli);
  const { tell = () => undefined } = options;
  await requireStateFolder(stateFolder);
  const turn = await takeTurn(stateFolder, options.store !== undefined, tell);
  if ('running' in turn) return turn.running;
  const { release } = turn;
  try {
    const file = { executable: path, database: databasePath(stateFolder), log: logPath(stateFolder) };
    const first = await oneAtATime(async () => startOnPorts(stateFolder, options, file, tell));
    const server = new SupervisedServer(file, first, tell);
    const { target, webUi, broken } = server;
    const note: ServerNote = {
      address: target.address,
      namespace: target.namespace,
      webUi: webUi ?? '',
      pid: process.pid,
      store: options.store,
    };
    const forget = await keepNote(notePath(stateFolder), note);
    const stop = async () => {
      await forget();
      await server.stop();
      // Who was held up for longer than a lock lasts has lost it.
      await release().catch(() => undefined);
    };
    return {
      target,
      webUi,
      broken,
      stop,
      get pid() {
        return server.pid;
      },
    };
  } catch (error) {
    await release().catch(() => undefined);
    throw error;
  }
}

/** Starts the server on the ports that are asked for, else on those of last time, and remembers them. */
async function startOnPorts(
  stateFolder: string,
  asked: EmbeddedServerOptions,
  file: { executable: string; database: string; log: string },
  tell: Tell,
): Promise<DevServer> {
  const path = join(stateFolder, 'ports.json');
  const remembered = await readState(path, serverPorts, tell);
  const wanted = { ...CUSTOMARY_PORTS, ...remembered };
  // A note that nobody stands by is that of a process that was killed, whose server may still be ending.
  const isEnding = remembered !== undefined && existsSync(notePath(stateFolder));
  const port = await choosePort('--port', asked.port, wanted.port, isEnding);
  const uiPort = await choosePort('--ui-port', asked.uiPort, wanted.ui_port, isEnding);
  const server = await startOnDatabase({ ...file, port, uiPort }, tell);
  const ports: ServerPorts = { port: portOf(server.target.address), ui_port: portOf(server.webUi!) };
  if (remembered && (ports.port !== remembered.port || ports.ui_port !== remembered.ui_port)) {
    tell(
      `The Temporal server of this folder had the ports ${remembered.port} and ${remembered.ui_port}; it has ${ports.port} and ${ports.ui_port} from now on.`,
    );
  }
  if (ports.port !== remembered?.port || ports.ui_port !== remembered.ui_port)
    await writeState(path, serverPorts, ports);
  return server;
}

/** The port that is asked for, or the preferred one, which need not be free. */
async function choosePort(
  flag: string,
  asked: number | undefined,
  preferred: number,
  isEnding: boolean,
): Promise<number> {
  if (asked === undefined) {
    if (isEnding) await isFreeWithin(preferred, PORT_PATIENCE_MS);
    return preferred;
  }
  if (await isFreeWithin(asked, PORT_PATIENCE_MS)) return asked;
  throw new PerdureError(
    'TemporalUnavailable',
    `Another program has port ${asked} of 127.0.0.1; end it, or give another ${flag}.`,
  );
}

async function isFreeWithin(port: number, patience: number): Promise<boolean> {
  for (const deadline = Date.now() + patience; ; await sleep(TURN_POLL_MS)) {
    if (await isFree(port)) return true;
    if (Date.now() >= deadline) return false;
  }
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

/** Writes the note, and again where something happens to it, until it is forgotten. */
async function keepNote(path: string, note: ServerNote): Promise<() => Promise<void>> {
  await writeState(path, serverNote, note);
  const text = stateText(serverNote, note);
  let checking = Promise.resolve();
  const timer = setInterval(() => {
    checking = checking
      .then(async () => {
        if ((await readFile(path, 'utf8').catch(() => '')) !== text) await writeState(path, serverNote, note);
      })
      // A full disk is told of by whatever else is written.
      .catch(() => undefined);
  }, NOTE_CHECK_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await checking;
    await rm(path, { force: true });
  };
}

/** The file in which the process that runs a folder's server says so, from its start until it stops it. */
export function notePath(stateFolder: string): string {
  return join(stateFolder, 'temporal.json');
}

/**
 * Of two servers that start in the same moment, for whatever folders, both would find the customary ports free, and one
 * command would take the other's server for its own.
 */
async function oneAtATime<T>(start: () => Promise<T>): Promise<T> {
  const lockfilePath = join(tmpdir(), `perdure-ports-${userInfo().username}.lock`);
  const retries = { retries: 600, factor: 1, minTimeout: 100, maxTimeout: 100 };
  const release = await lockfile.lock(tmpdir(), { ...LOCK, lockfilePath, retries }).catch((error: unknown) => {
    throw lockRefused(lockfilePath, error);
  });
  try {
    return await start();
  } finally {
    // Who was held up for longer than a lock lasts has lost it.
    await release().catch(() => undefined);
  }
}

function lockRefused(path: string, error: unknown): PerdureError {
  return new PerdureError(
    'SetupFailed',
    `The lock ${path} can't be taken (${messageOf(error)}); delete it while no command of Perdure runs.`,
    { cause: error },
  );
}

/**
 * The right to run the folder's server: two on one database would each miss what the other writes. Where another
 * process starts one, waits for that one; where it stops one, for its end.
 */
async function takeTurn(
  stateFolder: string,
  withWorkers: boolean,
  tell: Tell,
): Promise<{ running: RunningStack } | { release: () => Promise<void> }> {
  const lockfilePath = join(stateFolder, 'temporal.lock');
  for (const deadline = Date.now() + TURN_PATIENCE_MS; ; await sleep(TURN_POLL_MS)) {
    const running = await runningStack(stateFolder, tell);
    if (running && (running.store !== undefined || !withWorkers)) return { running };
    try {
      return { release: await lockfile.lock(stateFolder, { ...LOCK, lockfilePath }) };
    } catch (error) {
      if (systemCode(error) !== 'ELOCKED') throw lockRefused(lockfilePath, error);
    }
    if (Date.now() >= deadline) {
      throw new PerdureError(
        'TemporalUnavailable',
        `Another process runs the Temporal server of ${stateFolder}; wait until it ends, or use another folder.`,
      );
    }
  }
}
