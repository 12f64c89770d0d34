import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { configuredTarget, connectClient, type TemporalTarget } from '../temporal/connection.js';
import { startEmbeddedServer } from '../temporal/embeddedServer.js';
import { runUrl, runningStack, startStack } from '../temporal/stack.js';
import { stateFolder } from './stateFolder.js';
import { requireStore } from './storeCheck.js';
import { say } from './terminal.js';

/** A Temporal server in use by a command. */
export interface Session {
  client: Client;
  /** Whether the server and its workers live only as long as the session. */
  embedded: boolean;
  /** Rejects when an embedded server or its workers can't go on. Never resolves. */
  broken: Promise<never>;
  /** The page of a run in the web UI, where it is known where that is. */
  urlOf(workflowId: string, runId: string): string | undefined;
  close(): Promise<void>;
}

/**
 * Finds a Temporal server with workers, or starts them: the configured one, else a stack that `perdure up` runs in
 * this folder, else an embedded one for as long as the session lasts. Says on stderr which.
 *
 * @param storeRoot the store that embedded workers use
 * @param pipeline the one that they are to work on
 * @throws PerdureError `TemporalUnavailable` where the configured server doesn't answer, `SetupFailed`; what embedded
 *   workers could not do with the store
 */
export async function openSession(storeRoot: string, pipeline: string): Promise<Session> {
  const served = await openServed();
  if (served) return served;
  await requireStore(storeRoot, [pipeline]);
  say('Temporal: an embedded server and three workers, for this command only.');
  const stack = await startStack({ storeRoot, stateFolder: stateFolder(), tell: say });
  return withOwnServer(stack.target, stack.webUi, stack.broken, () => stack.stop());
}

/**
 * A server that knows of past runs, without workers: as {@link openSession}, but `undefined` where no run was ever
 * made here.
 */
export async function openHistory(): Promise<Session | undefined> {
  const served = await openServed();
  if (served) return served;
  return existsSync(join(stateFolder(), 'temporal.db')) ? ownServer() : undefined;
}

/** A server without workers, for what it keeps itself: as {@link openSession}, also where no run was ever made here. */
export async function openServer(): Promise<Session> {
  return (await openServed()) ?? ownServer();
}

async function ownServer(): Promise<Session> {
  const server = await startEmbeddedServer(stateFolder(), say);
  return withOwnServer(server.target, server.webUi, server.broken, () => server.stop());
}

/** A session on a server that is there already, with workers; `undefined` where none is. */
export async function openServed(): Promise<Session | undefined> {
  const configured = configuredTarget();
  if (configured) {
    const client = await connectClient(configured);
    say(`Temporal: ${configured.address}, namespace ${configured.namespace}, as the environment says.`);
    return session(client, undefined, () => client.connection.close());
  }
  const running = await runningStack(stateFolder());
  if (!running) return undefined;
  const client = await connectClient(running.target);
  say(`Temporal: ${running.target.address}, which process ${running.pid} runs in this folder.`);
  return session(client, running.webUi, () => client.connection.close());
}

/** A session on a server that ends with it. */
async function withOwnServer(target: TemporalTarget, webUi: string | undefined, broken: Promise<never>, stop: () => Promise<void>): Promise<Session> {
  try {
    const client = await connectClient(target);
    const close = async () => {
      await client.connection.close();
      await stop();
    };
    return { ...session(client, webUi, close), embedded: true, broken };
  } catch (error) {
    await stop();
    throw error;
  }
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
