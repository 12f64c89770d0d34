import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { stewardIdOf, TASK_QUEUES } from '../../src/contracts/index.js';
import { startTestStack } from '../support/testStack.js';
import { until } from '../support/until.js';

afterAll(() => {
  delete process.env.PERDURE_BUILD_ID;
});

test('versioned workers take work once their version is current: runs are pinned, the steward and the watch over an outage move on', async () => {
  process.env.PERDURE_BUILD_ID = 'build-1';
  const { client } = await startTestStack();
  const { namespace } = client.options;
  await until(async () => {
    const made = client.workflowService.setWorkerDeploymentCurrentVersion({
      namespace,
      deploymentName: 'perdure',
      buildId: 'build-1',
      identity: 'test',
    });
    return made.then(
      () => true,
      () => false,
    );
  });

  const run = await startWorkflow(client, 'modelInference', { pipeline: 'nowhere' });
  await expect(run.result()).rejects.toThrow();
  const outage = client.workflow.getHandle('nowhere-inference-outage');
  expect(await versionOf(run)).toEqual({ behavior: 1, buildId: 'build-1' });
  // The child is told its parent's behavior until its own first task is done.
  await until(async () => (await versionOf(outage)).behavior === 2);
  expect(await versionOf(outage)).toEqual({ behavior: 2, buildId: 'build-1' });
  await outage.terminate();

  const workflowId = stewardIdOf('nowhere');
  const steward = await client.workflow.start('steward', {
    args: [{ pipeline: 'nowhere' }],
    taskQueue: TASK_QUEUES.orchestrator,
    workflowId,
  });
  await until(async () => (await versionOf(steward)).behavior !== 0);
  expect(await versionOf(steward)).toEqual({ behavior: 2, buildId: 'build-1' });
  await steward.terminate();

  async function versionOf(handle: WorkflowHandle) {
    const { raw } = await handle.describe();
    const info = raw.workflowExecutionInfo?.versioningInfo;
    return { behavior: info?.behavior ?? 0, buildId: info?.deploymentVersion?.buildId };
  }
});
