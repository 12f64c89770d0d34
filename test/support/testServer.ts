import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { NativeConnection } from '@temporalio/worker';
import { inject, onTestFinished } from 'vitest';
import { temporalCli } from '../../src/platform/setup/temporalCli.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import { connectClient, plainTarget, type TemporalTarget } from '../../src/platform/temporal/connection.js';
import { connectWorker } from '../../src/platform/temporal/workerConnection.js';
import { startDevServer, type DevServer } from '../../src/platform/temporal/devServer.js';
import { describeLacking, ensureSearchAttributes } from '../../src/platform/temporal/searchAttributes.js';

/** A dev server on a free port with nothing in it, whose log lies in `folder`. Whoever starts it ends it. */
export async function startTestServer(folder: string): Promise<DevServer> {
  const { path } = await requireTool(temporalCli);
  return startDevServer({ executable: path, log: join(folder, 'temporal.log') });
}

/** Connections to a namespace of the test's own; they end with the test. */
export async function connectFresh() {
  const target = await freshNamespace();
  const client = await connectClient(target);
  const nativeConnection = await connectWorker(target);
  onTestFinished(async () => {
    await nativeConnection.close();
    await client.connection.close();
  });
  return { client, nativeConnection, namespace: target.namespace };
}

/** A namespace of the caller's own on the dev server that the project's tests share. */
export function freshNamespace(): Promise<TemporalTarget> {
  return namespaceWith(async (connection, namespace) => {
    const lacking = await ensureSearchAttributes(connection, namespace);
    if (lacking) throw new Error(describeLacking(lacking, namespace));
  });
}

/** Another, where `prepare` sees to what there is beside workflows. */
export async function namespaceWith(
  prepare: (connection: NativeConnection, namespace: string) => Promise<void>,
): Promise<TemporalTarget> {
  const shared = plainTarget(inject('temporalAddress'));
  const namespace = `test-${randomUUID()}`;
  const client = await connectClient(shared);
  const connection = await connectWorker(shared);
  try {
    const workflowExecutionRetentionPeriod = msToTs('1 day');
    await client.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
    await prepare(connection, namespace);
  } finally {
    await connection.close();
    await client.connection.close();
  }
  return plainTarget(shared.address, namespace);
}
