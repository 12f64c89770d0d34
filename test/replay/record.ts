/**
 * Records a history of every branch: `npm run record-histories`; with `-- steward`, of those whose names begin so.
 * Stored histories stand for runs that are under way somewhere, so record only what is about to be deployed, and only
 * when a change of the workflows is meant to break with them.
 */
import { writeFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { packageFolder } from '../../src/config/load.js';
import { TASK_QUEUES } from '../../src/contracts/index.js';
import { temporalCli } from '../../src/setup/temporalCli.js';
import { requireTool } from '../../src/setup/tool.js';
import { ensureSearchAttributes } from '../../src/temporal/searchAttributes.js';
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

async function record(env: TestWorkflowEnvironment, bundle: WorkflowBundleWithSourceMap, name: string, branch: Branch): Promise<string> {
  const { workflow, input, changes, meanwhile, ends } = branch;
  const { activities, calls } = fakeActivities(changes);
  return withWorkers(env, bundle, activities, async () => {
    const handle = await env.client.workflow.start(workflow, { args: [input], taskQueue: TASK_QUEUES.orchestrator, workflowId: branch.workflowId ?? name });
    await meanwhile?.(handle, calls);
    await handle.result().catch(() => undefined);
    const { status } = await handle.describe();
    if (status.name !== ends) throw new Error(`${name} ended ${status.name}, expected ${ends}`);
    const firstRun = env.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
    // Stack traces name files by where the checkout lies.
    return `${historyToJSON(await firstRun.fetchHistory()).replaceAll(packageFolder(), '')}\n`;
  });
}
