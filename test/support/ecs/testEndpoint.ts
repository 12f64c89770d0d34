import { onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../temporaryFolder.js';
import { serveEcs, type EcsEndpoint } from './ecsEndpoint.js';

export interface EndpointOptions {
  /** What the image's `perdure` is: a shell script's text. */
  perdure: string;
  /** Environment that a task definition would give. */
  environment?: NodeJS.ProcessEnv;
  whenDone?: (stop: () => void | Promise<void>) => void;
}

/** Starts an endpoint to which AWS's environment variables lead. It ends with the test, or when `whenDone` says. */
export async function startEcsEndpoint({
  perdure,
  environment,
  whenDone = onTestFinished,
}: EndpointOptions): Promise<EcsEndpoint> {
  const { endpoint, env, close } = await serveEcs(temporaryFolder(whenDone), perdure, environment);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  whenDone(async () => {
    vi.unstubAllEnvs();
    await close();
  });
  return endpoint;
}
