import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { onTestFinished } from 'vitest';
import { connectClient, type TemporalTarget } from '../../src/platform/temporal/connection.js';
import { startStack, type Stack } from '../../src/platform/temporal/stack.js';
import { temporaryFolder } from './temporaryFolder.js';
import { freshNamespace } from './testServer.js';

export interface TestStack {
  client: Client;
  stack: Stack;
  storeRoot: string;
  /** Where the workers' logs lie. */
  logFolder: string;
  /** Lines that the stack told: workers that died. */
  told: string[];
}

type WhenDone = (stop: () => void | Promise<void>) => void;

/**
 * The three workers as processes of `dist/`, in a namespace of their own and with the store given, or one of their own.
 * They end with the test, or when `whenDone` says: `afterAll` at the top of a file.
 */
export async function startTestStack(whenDone: WhenDone = onTestFinished, givenStore?: string): Promise<TestStack> {
  return startOn(await freshNamespace(), whenDone, givenStore);
}

/** The same with a server of their own, which keeps a database file. */
export function startEmbeddedTestStack(whenDone: WhenDone = onTestFinished, givenStore?: string): Promise<TestStack> {
  return startOn(undefined, whenDone, givenStore);
}

async function startOn(
  target: TemporalTarget | undefined,
  whenDone: WhenDone,
  givenStore: string | undefined,
): Promise<TestStack> {
  const folder = temporaryFolder(whenDone);
  const storeRoot = givenStore ?? join(folder, 'store');
  const told: string[] = [];
  const stack = await startStack({ storeRoot, stateFolder: folder, target, tell: (line) => told.push(line) });
  whenDone(() => stack.stop());
  const client = await connectClient(stack.target);
  whenDone(() => client.connection.close());
  return { client, stack, storeRoot, logFolder: join(folder, 'logs'), told };
}
