import {
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
  type RunTaskCommandInput,
} from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLUSTER, type EcsEndpoint } from '../support/ecs/ecsEndpoint.js';
import { untilStopped } from '../support/ecs/ecsTask.js';
import { startEcsEndpoint } from '../support/ecs/testEndpoint.js';
import { until } from '../support/until.js';

/** The endpoint of the tests answers as the API reference of Amazon ECS says that ECS does. */

const FAMILY = 'family';
const CLUSTER_ARN = `arn:aws:ecs:us-east-1:123456789012:cluster/${CLUSTER}`;

let endpoint: EcsEndpoint;
let ecs: ECSClient;

beforeEach(async () => {
  endpoint = await startEcsEndpoint({ perdure: 'exit 0' });
  endpoint.define(FAMILY);
  endpoint.define(FAMILY, { cpu: '2048' });
  endpoint.usualPlan = { simulated: untilStopped };
  ecs = new ECSClient({ maxAttempts: 1 });
});
afterEach(() => ecs.destroy());

async function runTask(input: Partial<RunTaskCommandInput> = {}) {
  const { tasks } = await ecs.send(new RunTaskCommand({ cluster: CLUSTER, taskDefinition: FAMILY, ...input }));
  return tasks![0]!;
}

describe('RunTask', () => {
  test('needs neither overrides nor a command in them', async () => {
    expect(await runTask()).toMatchObject({ overrides: { containerOverrides: [{ name: 'perdure' }] } });
    expect(
      await runTask({
        overrides: { containerOverrides: [{ name: 'perdure', environment: [{ name: 'A', value: 'b' }] }] },
      }),
    ).toMatchObject({ lastStatus: 'PROVISIONING' });
  });

  test('takes a family, a revision of it, or its ARN, and the cluster by name or ARN', async () => {
    const ofFamily = 'arn:aws:ecs:us-east-1:123456789012:task-definition/family';
    expect(await runTask()).toMatchObject({ taskDefinitionArn: `${ofFamily}:2`, cpu: '2048', group: 'family:family' });
    expect(await runTask({ taskDefinition: 'family:1', cluster: CLUSTER_ARN, group: 'mine' })).toMatchObject({
      taskDefinitionArn: `${ofFamily}:1`,
      cpu: '1024',
      group: 'mine',
    });
    expect(await runTask({ taskDefinition: `${ofFamily}:1` })).toMatchObject({ taskDefinitionArn: `${ofFamily}:1` });
    await expect(runTask({ taskDefinition: 'family:3' })).rejects.toMatchObject({
      name: 'ClientException',
      message: 'TaskDefinition not found.',
    });
    await expect(runTask({ cluster: undefined })).rejects.toMatchObject({ name: 'ClusterNotFoundException' });
  });

  test('attaches a network interface, and keeps tags for who asks for them', async () => {
    const { taskArn, attachments } = await runTask({
      networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
      tags: [{ key: 'pipeline', value: 'p' }],
    });
    expect(attachments).toMatchObject([
      { type: 'ElasticNetworkInterface', details: [{ name: 'subnetId', value: 'subnet-1' }] },
    ]);
    const described = async (include?: ['TAGS']) =>
      (await ecs.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: [taskArn!], include }))).tasks![0]!.tags;
    expect(await described()).toEqual([]);
    expect(await described(['TAGS'])).toEqual([{ key: 'pipeline', value: 'p' }]);
  });
});

test('a task that stops is DEPROVISIONING first, with the exit code of its container', async () => {
  // Long enough to be seen, however busy the machine is.
  endpoint.step = 500;
  const { taskArn } = await runTask({ overrides: { containerOverrides: [{ name: 'perdure' }] } });
  const seen = new Set<string>();
  const exitCodes = new Set<number | undefined>();
  await until(() => endpoint.tasks[0]?.status === 'RUNNING');
  await ecs.send(new StopTaskCommand({ cluster: CLUSTER, task: taskArn, reason: 'enough' }));
  while (!seen.has('STOPPED')) {
    const { tasks } = await ecs.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: [taskArn!] }));
    seen.add(tasks![0]!.lastStatus!);
    if (tasks![0]!.lastStatus === 'DEPROVISIONING') exitCodes.add(tasks![0]!.containers![0]!.exitCode);
  }
  expect([...seen]).toEqual(expect.arrayContaining(['DEPROVISIONING', 'STOPPED']));
  expect([...exitCodes]).toEqual([143]);
});

test('lists lag behind launches, and come in pages', async () => {
  const tasks = await Promise.all([runTask(), runTask(), runTask()]);
  endpoint.listLag = 60_000;
  expect(await ecs.send(new ListTasksCommand({ cluster: CLUSTER }))).toMatchObject({ taskArns: [] });
  endpoint.listLag = 0;
  const first = await ecs.send(new ListTasksCommand({ cluster: CLUSTER, maxResults: 2 }));
  expect(first.taskArns).toHaveLength(2);
  const second = await ecs.send(new ListTasksCommand({ cluster: CLUSTER, maxResults: 2, nextToken: first.nextToken }));
  expect([...first.taskArns!, ...second.taskArns!].sort()).toEqual(tasks.map(({ taskArn }) => taskArn).sort());
  expect(second.nextToken).toBeUndefined();
});
