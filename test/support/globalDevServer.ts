import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startTestServer } from './testServer.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `host:port` of the dev server that a project's tests share. */
    temporalAddress: string;
  }
}

/** Starts the dev server of a project before its first test file, and ends it after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-dev-server-'));
  const server = await startTestServer(folder);
  project.provide('temporalAddress', server.target.address);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  };
}
