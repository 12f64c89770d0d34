import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DescribeTasksCommand, ECSClient, RunTaskCommand } from '@aws-sdk/client-ecs';
import { createDispatcher } from '../src/platform/ecs/createDispatcher.js';
import { taskResult } from '../src/platform/ecs/taskDocuments.js';
import { FolderStore } from '../src/platform/storage/folderStore.js';
import { CLUSTER, serveEcs } from '../test/support/ecs/ecsEndpoint.js';
import type { EcsTask } from '../test/support/ecs/ecsTask.js';
import { FAMILY, SETTINGS } from '../test/support/ecs/taskSettings.js';
import type { Section } from './section.js';

const LAUNCHES = 100;

/** What our own code costs beside ECS: CPU of a task from request to result, over that of the two bare calls. */
export const ecsLaunch: Section = {
  title: `ECS: ${LAUNCHES} launches one after the other, on an endpoint in this process that takes no time to run them`,
  async run(_pipeline, folder, tell) {
    const { endpoint, env, close } = await serveEcs(folder, 'exit 0');
    Object.assign(process.env, env);
    endpoint.define(FAMILY);
    endpoint.usualPlan = { simulated: answer };
    try {
      tell('bare calls');
      const bare = await cpuOf(bareLaunch);
      tell('the dispatcher');
      const store = new FolderStore(join(folder, 'datamart'));
      const dispatcher = await createDispatcher({ interval: 50, launchesPerSecond: 1_000 });
      const ours = await cpuOf((i) =>
        dispatcher.run({
          stage: 'trainAlgorithm',
          input: { pipeline: 'bench', run: { workflowId: 'w', runId: 'r', startedAt: '2002-01-01T00:00:00Z' } },
          identity: { workflowId: 'w', runId: 'r', activityId: String(i) },
          settings: SETTINGS,
          store,
          environment: {},
          retried: false,
          remember: () => {},
          signal: new AbortController().signal,
          leaveRunning: () => false,
          warn: () => {},
        }),
      );
      return [
        `RunTask and DescribeTasks alone  ${bare.toFixed(2).padStart(8)} ms of CPU a launch`,
        `the dispatcher                   ${ours.toFixed(2).padStart(8)} ms, with input and result in a folder`,
        `our own code                     ${(ours - bare).toFixed(2).padStart(8)} ms`,
      ];
    } finally {
      await close();
    }
  },
};

async function bareLaunch(i: number): Promise<void> {
  const client = (bareClient ??= new ECSClient({ maxAttempts: 1 }));
  const containerOverrides = [{ name: 'perdure', command: ['perdure'], environment: [] }];
  const request = {
    cluster: CLUSTER,
    taskDefinition: FAMILY,
    clientToken: `bare-${i}`,
    startedBy: `bare-${i}`,
    overrides: { containerOverrides },
  };
  const { tasks = [] } = await client.send(new RunTaskCommand(request));
  await client.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: [tasks[0]!.taskArn!] }));
}
let bareClient: ECSClient | undefined;

/** Milliseconds of CPU a call, after some that warm up. */
async function cpuOf(call: (i: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 10; i++) await call(-1 - i);
  const before = process.cpuUsage();
  for (let i = 0; i < LAUNCHES; i++) await call(i);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / LAUNCHES;
}

async function answer({ options }: EcsTask): Promise<number> {
  const address = options.command.at(-1)!;
  if (!address.startsWith('file:')) return 0;
  const file = fileURLToPath(address);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, taskResult.serialize({ status: 'completed', output: null }));
  return 0;
}
