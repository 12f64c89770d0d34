import { join } from 'node:path';
import type { FoundTool } from '../../src/platform/setup/tool.js';
import { freePort } from '../../src/platform/temporal/processes.js';
import { startServer } from './serverProcess.js';

/** Starts a real Redis server on a free port, with nothing in it. It ends with this process at the latest. */
export async function startRedis(
  { path }: FoundTool,
  folder: string,
  password = 's3cret',
): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--requirepass',
    password,
    '--dir',
    folder,
  ];
  const stop = await startServer(path, settings, { address: `127.0.0.1:${port}`, log: join(folder, 'redis.log') });
  return { url: `redis://:${password}@127.0.0.1:${port}`, stop };
}
