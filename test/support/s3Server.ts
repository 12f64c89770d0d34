import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { onTestFinished, vi } from 'vitest';
import { versitygw } from '../../src/setup/versitygw.js';
import { requireTool } from '../../src/setup/tool.js';
import { createS3Client } from '../../src/storage/s3Client.js';
import { describeExit, freePort, hasExited, listens, spawnBound, stopProcess } from '../../src/temporal/processes.js';
import { temporaryFolder } from './temporaryFolder.js';
import { until } from './until.js';

export interface S3Server {
  /** Folder in which an object is the file `<bucket>/<key>`, and its metadata extended attributes of that. */
  folder: string;
  createBucket(name: string): Promise<void>;
  /** Ends the server; it can be started again where it was. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const STOP_PATIENCE_MS = 2_000;

/**
 * A real S3 server on a free port, with nothing in it, to which AWS's environment variables lead. It ends with the test, or when `whenDone` says: `afterAll` at
 * the top of a file; and with this process in any case.
 */
export async function startS3Server(whenDone: (stop: () => void | Promise<void>) => void = onTestFinished): Promise<S3Server> {
  const { path } = await requireTool(versitygw);
  const root = temporaryFolder(whenDone);
  const folder = join(root, 'objects');
  await mkdir(folder);
  const address = `127.0.0.1:${await freePort()}`;
  const credentials = { user: 'test', password: 'test-secret' };
  vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://${address}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.user);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.password);
  whenDone(() => void vi.unstubAllEnvs());
  const args = ['--port', address, '--keep-alive', '--quiet', 'posix', folder];
  let stop = async () => {};
  const start = async () => {
    const server = spawnBound(path, args, join(root, 'log'), {
      ...process.env,
      ROOT_ACCESS_KEY_ID: credentials.user,
      ROOT_SECRET_ACCESS_KEY: credentials.password,
    });
    stop = () => stopProcess(server, STOP_PATIENCE_MS);
    await until(() => hasExited(server) || listens(address));
    if (hasExited(server)) throw new Error(`versitygw ${describeExit(server)}; see its log in ${root}.`);
  };
  whenDone(() => stop());
  await start();
  return {
    folder,
    start,
    stop: () => stop(),
    async createBucket(name) {
      const client = createS3Client();
      await client.send(new CreateBucketCommand({ Bucket: name }));
      client.destroy();
    },
  };
}
