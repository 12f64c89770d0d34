/**
 * Records a history of every branch: `npm run record-histories`; with `-- steward`, of those whose names begin so.
 * Stored histories stand for runs that are under way somewhere, so record only what is about to be deployed, and only
 * when a change of the workflows is meant to break with them.
 */
import { writeFile } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { packageFolder } from '../../src/package.js';
import { STEWARD, stewardIdOf, TASK_QUEUES, type WorkflowInput } from '../../src/contracts/index.js';
import { temporalCli } from '../../src/platform/setup/temporalCli.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import { ensureSearchAttributes } from '../../src/platform/temporal/searchAttributes.js';
import { until } from '../support/until.js';
import { fakeActivities } from '../workflow/support/fakeActivities.js';
import { bundleWorkflows, withWorkers } from '../workflow/support/workers.js';
import { BRANCHES, type Branch } from './branches.js';
import { historyFile } from './histories.js';

const [only = ''] = process.argv.slice(2);
const { path } = await requireTool(temporalCli);
const bundle = await bundleWorkflows();
const env = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'existing-path', path } },
  client: { identity: 'test' },
});
try {
  await ensureSearchAttributes(env.connection, 'default');
  for (const [name, branch] of Object.entries(BRANCHES)) {
    if (!name.startsWith(only)) continue;
    await writeFile(historyFile(name), await record(env, bundle, name, branch));
    process.stdout.write(`${name}\n`);
  }
} finally {
  await env.teardown();
}

async function record(
  env: TestWorkflowEnvironment,
  bundle: WorkflowBundleWithSourceMap,
  name: string,
  branch: Branch,
): Promise<string> {
  const { workflow, input, changes, meanwhile, ends } = branch;
  const { activities, calls } = fakeActivities(changes);
  return withWorkers(env, bundle, activities, async () => {
    const options = { args: [input], taskQueue: TASK_QUEUES.orchestrator, workflowId: branch.workflowId ?? name };
    if (branch.stewarded) await startPausedSteward(env.client, branch);
    const handle = branch.scheduled
      ? await startBySchedule(env.client, workflow, options)
      : await env.client.workflow.start(workflow, options);
    await meanwhile?.(handle, calls);
    await handle.result().catch(() => undefined);
    const { status } = await handle.describe();
    if (status.name !== ends) throw new Error(`${name} ended ${status.name}, expected ${ends}`);
    const firstRun = env.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
    // Stack traces name files by where the checkout lies.
    return `${historyToJSON(await firstRun.fetchHistory()).replaceAll(packageFolder(), '')}\n`;
  });
}

async function startPausedSteward(client: Client, { input }: Branch): Promise<void> {
  const { pipeline } = input as WorkflowInput;
  const steward = await client.workflow.start('steward', {
    args: [{ pipeline }],
    taskQueue: TASK_QUEUES.orchestrator,
    workflowId: stewardIdOf(pipeline),
  });
  await steward.executeUpdate(STEWARD.updates.pause, { args: [{ by: 'ana' }] });
}

/** Lets a schedule start the run, at once. */
async function startBySchedule(
  client: Client,
  workflowType: string,
  options: { args: object[]; taskQueue: string; workflowId: string },
) {
  const schedule = await client.schedule.create({
    scheduleId: options.workflowId,
    spec: {},
    action: { type: 'startWorkflow', workflowType, ...options },
  });
  await schedule.trigger();
  const started = async () => (await schedule.describe()).info.recentActions[0]?.action.workflow;
  await until(async () => (await started()) !== undefined);
  const { workflowId, firstExecutionRunId } = (await started())!;
  return Object.assign(client.workflow.getHandle(workflowId, firstExecutionRunId), { firstExecutionRunId });
}
