import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FoundTool } from '../../src/platform/setup/tool.js';
import {
  describeExit,
  freePort,
  hasExited,
  listens,
  spawnBound,
  stopProcess,
} from '../../src/platform/temporal/processes.js';

const STOP_PATIENCE_MS = 2_000;
const POLL_MS = 20;

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
  const log = join(folder, 'redis.log');
  const child = spawnBound(path, settings, log, process.env);
  while (!hasExited(child) && !(await listens(`127.0.0.1:${port}`))) await sleep(POLL_MS);
  if (hasExited(child)) throw new Error(`redis-server ${describeExit(child)}; see ${log}.`);
  return { url: `redis://:${password}@127.0.0.1:${port}`, stop: () => stopProcess(child, STOP_PATIENCE_MS) };
}
