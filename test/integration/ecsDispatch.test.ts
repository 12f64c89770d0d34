import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { faults } from '../support/ecs/ecsEndpoint.js';
import { COMPLETES, IDENTITY, ecsWorld } from '../support/ecs/ecsWorld.js';
import type { EcsTask } from '../support/ecs/ecsTask.js';

describe('a stage as a task', () => {
  test('runs once, and its output comes from the result that it wrote', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);

    expect(await run()).toEqual({ answer: 42 });
    expect(endpoint.tasks).toHaveLength(1);
    expect(endpoint.tasks[0]!.options.environment).toMatchObject({ ALGORITHM: 'xgboost', ENVIRONMENT: 'dev' });
  });

  test('takes nothing of the worker\'s environment along but what was named', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    await run();

    expect(Object.keys(endpoint.tasks[0]!.options.environment).sort()).toEqual(['ALGORITHM', 'ENVIRONMENT', 'PERDURE_LAUNCH', 'PERDURE_STORE']);
  });
});

// Simulated: a thousand real processes would measure this machine.
test('a thousand tasks at once, with throttling, are launched once each', { timeout: 120_000 }, async () => {
  const TASKS = 1_000;
  const { endpoint, run } = await ecsWorld(COMPLETES, { interval: 100, longestInterval: 2_000, longestBackoff: 2_000, launchesPerSecond: 1_000 });
  endpoint.usualPlan = { simulated: completes };
  const stumbles = [...Array.from({ length: 150 }, () => faults.throttling()), ...Array.from({ length: 50 }, () => faults.lostAnswer())];
  endpoint.inject('RunTask', ...stumbles);
  endpoint.limits.set('DescribeTasks', { burst: 10, perSecond: 40 });

  const numbers = Array.from({ length: TASKS }, (_, i) => i);
  const outputs = await Promise.all(numbers.map((i) => run({ identity: { ...IDENTITY, activityId: String(i) } })));

  expect(outputs).toEqual(numbers.map(() => ({ answer: 42 })));
  expect(endpoint.tasks).toHaveLength(TASKS);
  expect(endpoint.tasks.every(({ starts }) => starts === 1)).toBe(true);
  expect(new Set(endpoint.tasks.map(({ options }) => options.startedBy)).size).toBe(TASKS);
  expect(endpoint.calls.RunTask).toBe(TASKS + stumbles.length);
  // Many tasks are looked at in one call.
  expect(endpoint.calls.DescribeTasks).toBeLessThan(TASKS);
});

async function completes({ options }: EcsTask): Promise<number> {
  const file = fileURLToPath(options.command.at(-1)!);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ status: 'completed', output: { answer: 42 } }));
  return 0;
}
