import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { ECSClient } from '@aws-sdk/client-ecs';
import { DISPATCHER_TIMES, type DispatcherTimes } from './dispatcherTimes.js';
import { TaskPoller } from './taskPoller.js';
import { TaskRun, type TaskRequest } from './taskRun.js';
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
   * Returns the stage's output.
   * @throws PerdureError the stage's own, by its type; `TaskError`; `ComputeUnavailable`; what the store throws.
   *   Where `signal` is aborted, its reason, once the task has stopped.
   */
  run(request: TaskRequest): Promise<unknown> {
    return new TaskRun(this.parts, this.times, this.launchBudget, this.pollerOf(request.settings.cluster), request).run();
  }

  private pollerOf(cluster: string): TaskPoller {
    const poller = this.pollers.get(cluster) ?? new TaskPoller(this.parts.ecs, cluster, this.times);
    this.pollers.set(cluster, poller);
    return poller;
  }
}
