import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { versitygw } from '../../src/platform/setup/versitygw.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import { freePort } from '../../src/platform/temporal/processes.js';
import { startServer } from './serverProcess.js';

export interface Versitygw {
  /** Folder in which an object is the file `<bucket>/<key>`, and its metadata extended attributes of that. */
  objects: string;
  /** AWS's environment variables that lead to the server. */
  env: Record<'AWS_ENDPOINT_URL_S3' | 'AWS_REGION' | 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY', string>;
  /** Ends the server. Nothing is lost: it can be started again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

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
      // A start that fails is over by itself.
      server.stop = await startServer(path, ['--port', address, '--keep-alive', '--quiet', 'posix', objects], {
        address,
        log: join(folder, 'log'),
        env: {
          ...process.env,
          ROOT_ACCESS_KEY_ID: env.AWS_ACCESS_KEY_ID,
          ROOT_SECRET_ACCESS_KEY: env.AWS_SECRET_ACCESS_KEY,
        },
      });
    },
  };
  await server.start();
  return server;
}
