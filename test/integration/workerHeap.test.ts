import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { isAlive } from '../../src/platform/programs/command.js';
import { until } from '../support/until.js';

const PROGRAM = join(packageFolder(), 'dist', 'test', 'support', 'heapProcess.js');

/** Starts the program, which runs itself once more with a heap of 200 MiB and tells of it. */
async function start() {
  const program = spawn(process.execPath, [PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const [line] = (await once(program.stdout, 'data')) as [Buffer];
  return { program, told: JSON.parse(line.toString()) as { pid: number; heap: number } };
}

test('a process that nobody gave a heap gives itself one, and ends as it is told to', async () => {
  const { program, told } = await start();
  expect(told.pid).not.toBe(program.pid);
  // The young generation comes on top.
  expect(told.heap / 2 ** 20).toBeGreaterThan(199);
  expect(told.heap / 2 ** 20).toBeLessThan(300);
  expect(getHeapStatistics().heap_size_limit).toBeGreaterThan(told.heap);

  program.kill('SIGTERM');
  expect(await once(program, 'exit')).toEqual([7, null]);
  expect(isAlive(told.pid)).toBe(false);
});

test('killed, it leaves nobody behind', async () => {
  const { program, told } = await start();
  program.kill('SIGKILL');
  await until(() => !isAlive(told.pid));
});
