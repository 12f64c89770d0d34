import type { Client } from '@temporalio/client';
import type { Logger } from '@temporalio/common';
import proto from '@temporalio/proto';
import { Gauge } from 'prom-client';
import { TASK_QUEUES } from '../../contracts/index.js';
import { messageOf } from '../../errors.js';
import { registry } from '../observe/metrics.js';
import { untilStopped, type Repeated } from './untilStopped.js';
import type { WorkerName } from './workers.js';

const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;

/** The queues that each worker's process polls, and for what. */
const POLLED: Record<WorkerName, { taskQueueType: number; names: string[] }> = {
  orchestrator: { taskQueueType: TASK_QUEUE_TYPE_WORKFLOW, names: [TASK_QUEUES.orchestrator] },
  dataProcessing: {
    taskQueueType: TASK_QUEUE_TYPE_ACTIVITY,
    names: [TASK_QUEUES.dataProcessing, TASK_QUEUES.operations, TASK_QUEUES.dispatch],
  },
  modelTraining: { taskQueueType: TASK_QUEUE_TYPE_ACTIVITY, names: [TASK_QUEUES.modelTraining] },
};

const WORKER_NAMES = Object.keys(POLLED) as WorkerName[];

/** One log line: how many tasks wait for a worker. A deployment makes a metric of its fields, and scales by it. */
export interface BacklogLine {
  backlogOf: WorkerName;
  tasks: number;
}

/** Often enough for scaling by the minute. */
const EVERY_MS = 60_000;

const gauge = new Gauge({
  name: 'perdure_backlog_tasks',
  help: 'Tasks that wait in the queues of a worker, as last looked at',
  labelNames: ['worker'],
  registers: [registry],
});

/**
 * How many tasks wait in the queues that a worker polls, as Temporal counts them; those at work are none of them.
 * `undefined` where the server doesn't say.
 */
export async function backlogOf(client: Client, worker: WorkerName): Promise<number | undefined> {
  const { taskQueueType, names } = POLLED[worker];
  const { namespace } = client.options;
  const answers = await Promise.all(
    names.map((name) =>
      client.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType, reportStats: true }),
    ),
  );
  const counts = answers.map(({ stats }) => stats?.approximateBacklogCount);
  return counts.some((count) => count == null)
    ? undefined
    : counts.reduce<number>((sum, count) => sum + Number(count), 0);
}

/** Logs the backlog of each worker, again and again until it is stopped. */
export function publishBacklogs(client: Client, log: Pick<Logger, 'info' | 'warn'>, everyMs = EVERY_MS): Repeated {
  const look = async () => {
    for (const worker of WORKER_NAMES) {
      const tasks = await backlogOf(client, worker);
      if (tasks === undefined) continue;
      gauge.set({ worker }, tasks);
      const line: BacklogLine = { backlogOf: worker, tasks };
      log.info('Backlog', { ...line });
    }
  };
  return untilStopped(look, everyMs, (error) => {
    gauge.reset();
    log.warn('How many tasks wait can not be told now', { reason: messageOf(error) });
  });
}
