import { resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import { configuredTarget, connectClient } from '../temporal/connection.js';
import { runUrl, runningStack, startStack } from '../temporal/stack.js';
import { say } from './terminal.js';

/** Where the embedded server's database, its logs and generated data lie. */
export function stateFolder(): string {
  return resolve('.perdure');
}

/** A Temporal server in use by a command. */
export interface Session {
  client: Client;
  /** Whether the server and its workers live only as long as the session. */
  embedded: boolean;
  /** The page of a run in the web UI, where it is known where that is. */
  urlOf(workflowId: string, runId: string): string | undefined;
  close(): Promise<void>;
}

/**
 * Finds a Temporal server with workers, or starts them: the configured one, else a stack that `perdure up` runs in
 * this folder, else an embedded one for as long as the session lasts. Says on stderr which.
 *
 * @param storeRoot the store that embedded workers use
 * @throws PerdureError `TemporalUnavailable` where the configured server doesn't answer, `SetupFailed`
 */
export async function openSession(storeRoot: string): Promise<Session> {
  const configured = configuredTarget();
  if (configured) {
    const client = await connectClient(configured);
    say(`Temporal: ${configured.address}, namespace ${configured.namespace}, as the environment says.`);
    return session(client, undefined, () => client.connection.close());
  }
  const running = await runningStack(stateFolder());
  if (running) {
    const client = await connectClient(running.target);
    say(`Temporal: ${running.target.address}, started by "perdure up" (process ${running.pid}).`);
    return session(client, running.webUi, () => client.connection.close());
  }
  say('Temporal: an embedded server and three workers, for this command only.');
  const stack = await startStack({ storeRoot, stateFolder: stateFolder(), tell: say });
  try {
    const client = await connectClient(stack.target);
    const close = async () => {
      await client.connection.close();
      await stack.stop();
    };
    return { ...session(client, stack.webUi, close), embedded: true };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

function session(client: Client, webUi: string | undefined, close: () => Promise<void>): Session {
  return {
    client,
    embedded: false,
    urlOf: (workflowId, runId) => webUi && runUrl(webUi, client.options.namespace, workflowId, runId),
    close,
  };
}
