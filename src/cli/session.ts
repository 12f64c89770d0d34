import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { configuredTarget, connectClient, type TemporalTarget } from '../platform/temporal/connection.js';
import { PerdureError } from '../errors.js';
import { isAlive } from '../platform/programs/command.js';
import { databasePath } from '../platform/temporal/serverDatabase.js';
import {
  joinOrStart,
  notePath,
  runUrl,
  runningStack,
  startStack,
  type RunningStack,
} from '../platform/temporal/stack.js';
import { refuseOtherStore } from './openRuns.js';
import { stateFolder } from './stateFolder.js';
import { requireStore } from './storeCheck.js';
import { say } from './terminal.js';

/** A Temporal server in use by a command. */
export interface Session {
  client: Client;
  /** Whether the server and its workers live only as long as the session. */
  embedded: boolean;
  /** The process of this folder that runs the server, where it is another than this one. */
  servedBy?: number;
  /** The store that the workers use, where that is known. */
  store?: string;
  /** Rejects when an embedded server or its workers can't go on. Never resolves. */
  broken: Promise<never>;
  /** The page of a run in the web UI, where it is known where that is. */
  urlOf(workflowId: string, runId: string): string | undefined;
  close(): Promise<void>;
}

/**
 * Finds a Temporal server with workers, or starts them: the configured one, else a stack that another process runs or
 * starts in this folder, else an embedded one for as long as the session lasts. Says on stderr which.
 *
 * @param storeRoot the store that embedded workers use
 * @param pipeline the one that they are to work on
 * @throws PerdureError `TemporalUnavailable` where the configured server doesn't answer, `SetupFailed`; what embedded
 *   workers could not do with the store
 */
export async function openSession(storeRoot: string, pipeline: string): Promise<Session> {
  const configured = await openConfigured();
  if (configured) return configured;
  const running = await runningStack(stateFolder(), say);
  if (running?.store !== undefined) {
    const served = await servedSession(running).catch(async (error: unknown) => {
      if (await runningStack(stateFolder())) throw error;
      // It has just ended.
    });
    if (served) return served;
  }
  await requireStore(storeRoot, [pipeline]);
  const found = await joinOrStart(stateFolder(), { store: storeRoot, tell: say });
  if (!('stop' in found)) return servedSession(found);
  return startingWith(found, async () => {
    await refuseOtherStore(found.target, storeRoot);
    say('Temporal: an embedded server and three workers, for this command only.');
    const stack = await startStack({ storeRoot, stateFolder: stateFolder(), server: found, tell: say });
    return { ...(await withOwnServer(stack.target, stack.webUi, stack.broken, () => stack.stop())), store: storeRoot };
  });
}

/**
 * A server that knows of past runs, without workers: as {@link openSession}, but `undefined` where no run was ever
 * made here.
 */
export async function openHistory(): Promise<Session | undefined> {
  const served = await openServed();
  if (served) return served;
  return existsSync(databasePath(stateFolder())) ? ownServer() : undefined;
}

/** A server without workers, for what it keeps itself: as {@link openSession}, also where no run was ever made here. */
export async function openServer(): Promise<Session> {
  return (await openServed()) ?? ownServer();
}

async function ownServer(): Promise<Session> {
  const found = await joinOrStart(stateFolder(), { tell: say });
  if (!('stop' in found)) return servedSession(found);
  return startingWith(found, () => withOwnServer(found.target, found.webUi, found.broken, () => found.stop()));
}

/** A session on a server that is there already, with workers; `undefined` where none is. */
export async function openServed(): Promise<Session | undefined> {
  const configured = await openConfigured();
  if (configured) return configured;
  const running = await runningStack(stateFolder(), say);
  return running && servedSession(running);
}

async function openConfigured(): Promise<Session | undefined> {
  const configured = configuredTarget();
  if (!configured) return undefined;
  const client = await connectClient(configured);
  say(`Temporal: ${configured.address}, namespace ${configured.namespace}, as the environment says.`);
  return session(client, undefined, () => client.connection.close());
}

async function servedSession({ target, webUi, pid, store }: RunningStack): Promise<Session> {
  const client = await connectClient(target);
  say(`Temporal: ${target.address}, which process ${pid} runs in this folder.`);
  const served = { ...session(client, webUi, () => client.connection.close()), servedBy: pid, store };
  return { ...served, ...watched(served) };
}

const WATCH_MS = 2_000;

/** Breaks when the process that runs the server has ended or is about to. */
function watched(served: Session): Pick<Session, 'broken' | 'close'> {
  let timer: NodeJS.Timeout | undefined;
  const broken = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      hasEnded(served).then(
        (ended) =>
          ended &&
          reject(
            new PerdureError(
              'TemporalUnavailable',
              `Process ${served.servedBy}, which ran the Temporal server here, has ended; run the same command again, and it goes on.`,
            ),
          ),
        () => undefined,
      );
    }, WATCH_MS);
  });
  broken.catch(() => undefined);
  const close = async () => {
    clearInterval(timer);
    await served.close();
  };
  return { broken, close };
}

/** How long a note that was damaged takes to be back. */
const NOTE_PATIENCE_MS = 1_500;

/** Whether the server was another process's, which has ended or is about to. */
export async function hasEnded({ servedBy }: Session): Promise<boolean> {
  if (servedBy === undefined) return false;
  if (!isAlive(servedBy)) return true;
  const isNoted = () => existsSync(notePath(stateFolder()));
  if (isNoted()) return false;
  await sleep(NOTE_PATIENCE_MS);
  return !isNoted();
}

/** Does what follows on the start of a server, which ends where that fails. */
async function startingWith<Result>(server: { stop(): Promise<void> }, next: () => Promise<Result>): Promise<Result> {
  try {
    return await next();
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** A session on a server that ends with it. */
async function withOwnServer(
  target: TemporalTarget,
  webUi: string | undefined,
  broken: Promise<never>,
  stop: () => Promise<void>,
): Promise<Session> {
  return startingWith({ stop }, async () => {
    const client = await connectClient(target);
    const close = async () => {
      await client.connection.close();
      await stop();
    };
    return { ...session(client, webUi, close), embedded: true, broken };
  });
}

const NEVER = new Promise<never>(() => undefined);

function session(client: Client, webUi: string | undefined, close: () => Promise<void>): Session {
  return {
    client,
    embedded: false,
    broken: NEVER,
    urlOf: (workflowId, runId) => webUi && runUrl(webUi, client.options.namespace, workflowId, runId),
    close,
  };
}
