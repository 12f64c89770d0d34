import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { versitygw } from '../../src/platform/setup/versitygw.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import {
  describeExit,
  freePort,
  hasExited,
  listens,
  spawnBound,
  stopProcess,
} from '../../src/platform/temporal/processes.js';

export interface Versitygw {
  /** Folder in which an object is the file `<bucket>/<key>`, and its metadata extended attributes of that. */
  objects: string;
  /** AWS's environment variables that lead to the server. */
  env: Record<'AWS_ENDPOINT_URL_S3' | 'AWS_REGION' | 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY', string>;
  /** Ends the server. Nothing is lost: it can be started again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const STOP_PATIENCE_MS = 2_000;
const POLL_MS = 20;

/** Starts a real S3 server on a free port, with nothing in it, below `folder`. It ends with this process at the latest. */
export async function startVersitygw(folder: string, secret = 'test-secret'): Promise<Versitygw> {
  const { path } = await requireTool(versitygw);
  const objects = join(folder, 'objects');
  await mkdir(objects);
  const address = `127.0.0.1:${await freePort()}`;
  const env = {
    AWS_ENDPOINT_URL_S3: `http://${address}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: secret,
  };
  const server: Versitygw = {
    objects,
    env,
    stop: () => Promise.resolve(),
    async start() {
      const child = spawnBound(
        path,
        ['--port', address, '--keep-alive', '--quiet', 'posix', objects],
        join(folder, 'log'),
        {
          ...process.env,
          ROOT_ACCESS_KEY_ID: env.AWS_ACCESS_KEY_ID,
          ROOT_SECRET_ACCESS_KEY: env.AWS_SECRET_ACCESS_KEY,
        },
      );
      server.stop = () => stopProcess(child, STOP_PATIENCE_MS);
      while (!hasExited(child) && !(await listens(address))) await sleep(POLL_MS);
      if (hasExited(child)) throw new Error(`versitygw ${describeExit(child)}; see ${join(folder, 'log')}.`);
    },
  };
  await server.start();
  return server;
}
