import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { stopProcess } from '../../src/platform/temporal/processes.js';
import type { BucketPlace } from './buckets.js';
import { temporaryFolder } from './temporaryFolder.js';

const SCRIPT = join(packageFolder(), 'dist', 'test', 'support', 'storeProcess.js');

export interface StoreProcessResult<Result> {
  result: Result;
  /** Bytes. */
  peakMemory: number;
}

/** Uses a bucket from another process, whose heap may be limited, to its end. */
export async function inStoreProcess<Result>(
  place: BucketPlace,
  [what, ...args]: [string, ...string[]],
  options: { heapMebibytes?: number } = {},
): Promise<StoreProcessResult<Result>> {
  const limits = options.heapMebibytes ? [`--max-old-space-size=${options.heapMebibytes}`] : [];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...limits,
    SCRIPT,
    JSON.stringify(place),
    temporaryFolder(),
    what,
    ...args,
  ]);
  return JSON.parse(stdout) as StoreProcessResult<Result>;
}

/** The same without waiting for its end; the test ends it. */
export function startStoreProcess(place: BucketPlace, [what, ...args]: [string, ...string[]]): ChildProcess {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(place), temporaryFolder(), what, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => stopProcess(child, 0));
  return child;
}
