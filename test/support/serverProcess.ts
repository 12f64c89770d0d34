import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeExit, hasExited, listens, spawnBound, stopProcess } from '../../src/platform/temporal/processes.js';

const STOP_PATIENCE_MS = 2_000;
const POLL_MS = 20;

/**
 * Starts a server and waits until it listens at `address`; throws where it ends before. It ends with this process at the
 * latest.
 * @returns ends it
 */
export async function startServer(
  path: string,
  args: string[],
  { address, log, env = process.env }: { address: string; log: string; env?: NodeJS.ProcessEnv },
): Promise<() => Promise<void>> {
  const child = spawnBound(path, args, log, env);
  while (!hasExited(child) && !(await listens(address))) await sleep(POLL_MS);
  if (hasExited(child)) throw new Error(`${basename(path)} ${describeExit(child)}; see ${log}.`);
  return () => stopProcess(child, STOP_PATIENCE_MS);
}
