import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { afterAll, expect, test } from 'vitest';
import type { PhaseCost } from '../../src/cli/phaseCosts.js';
import { startWorkflow } from '../../src/client.js';
import { perdure } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';

const PRICES = { currency: 'EUR', per_vcpu_hour: 36, per_gb_hour: 3.6 };

const world = await createTinyWorld(tinyEngines());
afterAll(() => world.close());
await world.writeGold(MONTHS);
world.configure((config) => Object.assign(config, { prices: PRICES }));
const stack = await startTestStack(afterAll, world.storeRoot);

test('what phases cost is the time that the histories have for each worker, by its resources and the prices', async () => {
  const training = await startWorkflow(stack.client, 'modelTraining', { pipeline: TINY, asOf: AFTER_ALL });
  await training.result();
  const inference = await startWorkflow(stack.client, 'modelInference', { pipeline: TINY, asOf: AFTER_ALL });
  await inference.result();
  await until(async () => (await stack.client.workflow.count('ExecutionStatus = "Completed"')).count >= 4);

  const { costs, prices } = (await status('--json')) as { costs: PhaseCost[]; prices: unknown };
  expect(prices).toEqual(PRICES);
  expect(costs.map(({ phase, runs }) => [phase, runs])).toEqual([
    ['training', 1],
    ['inference', 1],
  ]);

  const own = await worked(stack.client, `WorkflowType = "modelTraining" OR WorkflowType = "trainAlgorithm"`);
  const expected: Record<string, { vcpus: number; gb: number }> = {
    'model-training': { vcpus: 2, gb: 4 },
    'data-processing': { vcpus: 1, gb: 2 },
  };
  expect(costs[0]!.workers.map(({ worker }) => worker).sort()).toEqual(Object.keys(expected).sort());
  for (const { worker, vcpus, gb, activities, busy_seconds, vcpu_hours, gb_hours, cost } of costs[0]!.workers) {
    expect({ vcpus, gb }).toEqual(expected[worker]);
    expect(activities).toBe(own[worker]!.activities);
    expect(busy_seconds).toBeCloseTo(own[worker]!.seconds, 2);
    expect(vcpu_hours).toBeCloseTo((busy_seconds * vcpus) / 3600, 9);
    expect(gb_hours).toBeCloseTo((busy_seconds * gb) / 3600, 9);
    // 0.01 a vCPU-second and 0.001 a GB-second.
    expect(cost).toBeCloseTo(busy_seconds * (vcpus * 0.01 + gb * 0.001), 9);
  }
  for (const total of ['vcpu_hours', 'gb_hours', 'cost'] as const) {
    expect(costs[0]![total]).toBeCloseTo(
      costs[0]!.workers.reduce((sum, worker) => sum + worker[total]!, 0),
      9,
    );
  }
});

test('people get a table, with money only where the config has prices', async () => {
  const { stdout } = await asked('--cost');
  expect(stdout).toMatch(/^phase +runs +worker +size +at work +vCPU-hours +GB-hours +EUR$/m);
  // How long it took depends on the machine: from 10 s on there are no tenths.
  expect(stdout).toMatch(/^training +1 +model-training +2 vCPU, 4 GB +(\d+ min )?\d+(\.\d)? s( +\d+\.\d{4}){3}$/m);
  expect(stdout).toMatch(/^together( +\d+\.\d{4}){3}$/m);

  world.configure(() => {});
  const { stdout: unpriced } = await asked('--cost');
  expect(unpriced).toMatch(/^together( +\d+\.\d{4}){2}$/m);
  expect(unpriced).not.toContain('EUR');
  expect((await asked()).stdout).not.toContain('vCPU');
});

function asked(...options: string[]) {
  const { address, namespace } = stack.stack.target;
  const env = {
    PERDURE_CONF: process.env.PERDURE_CONF,
    PERDURE_STORE: stack.storeRoot,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
  };
  return perdure(temporaryFolder(), ['status', TINY, ...options], env);
}

async function status(...options: string[]): Promise<unknown> {
  const { stdout } = await asked('--cost', ...options);
  return (JSON.parse(stdout) as { pipelines: Record<string, unknown> }).pipelines[TINY];
}

/** How long the workers were at work, counted millisecond by millisecond. */
async function worked(client: Client, query: string): Promise<Record<string, { activities: number; seconds: number }>> {
  const milliseconds: Record<string, Set<number>> = {};
  const activities: Record<string, number> = {};
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const { activityTaskCompletedEventAttributes: completed, eventTime } of events ?? []) {
      if (!completed) continue;
      const start = events!.find(({ eventId }) => String(eventId) === String(completed.startedEventId))!;
      const worker = start
        .activityTaskStartedEventAttributes!.identity!.replace('operations', 'data-processing')
        .split(' ')[0]!;
      activities[worker] = (activities[worker] ?? 0) + 1;
      milliseconds[worker] ??= new Set();
      for (let at = tsToMs(start.eventTime); at < tsToMs(eventTime); at++) milliseconds[worker].add(Math.round(at));
    }
  }
  return Object.fromEntries(
    Object.entries(milliseconds).map(([worker, set]) => [
      worker,
      { activities: activities[worker]!, seconds: set.size / 1000 },
    ]),
  );
}
