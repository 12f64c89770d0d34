import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { ECSClient } from '@aws-sdk/client-ecs';
import type { Dispatched, TaskUse } from '../../contracts/index.js';
import { DISPATCHER_TIMES, type DispatcherTimes } from './dispatcherTimes.js';
import { UNWANTED_REASON } from './classifyTaskExit.js';
import { OwnTasks, type TaskOwner } from './ownTasks.js';
import { TaskPoller } from './taskPoller.js';
import { TaskRun, type TaskRequest } from './taskRun.js';
import { usesOf } from './taskUse.js';
import { TokenBucket } from './tokenBucket.js';

export interface DispatcherParts {
  ecs: ECSClient;
  logs: CloudWatchLogsClient;
  times?: Partial<DispatcherTimes>;
}

/**
 * Runs stages as tasks of Amazon ECS, each launched once: a later attempt at the same activity finds the task that an
 * earlier one launched, at work or ended. One of these serves a process.
 */
export class EcsDispatcher {
  private readonly times: DispatcherTimes;
  private readonly pollers = new Map<string, TaskPoller>();
  private readonly launchBudget: TokenBucket;

  constructor(private readonly parts: DispatcherParts) {
    this.times = { ...DISPATCHER_TIMES, ...parts.times };
    this.launchBudget = new TokenBucket(this.times.launchBurst, this.times.launchesPerSecond);
  }

  /**
   * Returns the stage's output, and what its tasks took.
   * @throws PerdureError the stage's own, by its type; `TaskError`; `ComputeUnavailable`; what the store throws.
   *   Where `signal` is aborted, its reason, once the task has stopped.
   */
  run(request: TaskRequest): Promise<Dispatched<unknown>> {
    return new TaskRun(this.parts, this.times, this.launchBudget, this.pollerOf(request), request).run();
  }

  /**
   * Stops what nobody waits for any more. Returns what all the owner's tasks took that ECS still knows.
   * @throws PerdureError `ComputeUnavailable`; `TaskError` where ECS refuses
   */
  async stop(owner: TaskOwner): Promise<TaskUse[]> {
    const tasks = new OwnTasks(this.parts, this.times, this.pollerOf(owner), owner);
    const uses: TaskUse[] = [];
    await tasks.findAll(async (task) => {
      const ended = task.lastStatus === 'STOPPED' ? task : await tasks.stopUnwanted(task.taskArn!, UNWANTED_REASON);
      if (ended !== 'lost') uses.push(...usesOf(ended));
    });
    return uses;
  }

  private pollerOf({ settings: { cluster } }: TaskOwner): TaskPoller {
    const poller = this.pollers.get(cluster) ?? new TaskPoller(this.parts.ecs, cluster, this.times);
    this.pollers.set(cluster, poller);
    return poller;
  }
}
