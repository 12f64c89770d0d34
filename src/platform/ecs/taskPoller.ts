import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeTasksCommand, type ECSClient, type Task } from '@aws-sdk/client-ecs';
import { messageOf } from '../../errors.js';
import { callFailure } from './ecsErrors.js';

/** As many as one call of DescribeTasks takes. */
export const TASKS_A_CALL = 100;

export interface PollingIntervals {
  /** Milliseconds between two looks at a task while ECS answers freely. */
  interval: number;
  /** The most that throttling makes of it. */
  longestInterval: number;
}

/** What a watcher makes of a look at its task, `undefined` where ECS doesn't know it; a verdict ends the watch. */
export type Decide<Verdict> = (task: Task | undefined) => Verdict | undefined;

interface Watch {
  see(task: Task | undefined): void;
  fail(error: unknown): void;
}

/**
 * Looks at all tasks of a cluster that this process waits for, many a call. It looks less often where ECS throttles,
 * and by and by as often as before once it answers.
 */
export class TaskPoller {
  private readonly watches = new Map<string, Set<Watch>>();
  private pause: number;
  private looking = false;

  constructor(
    private readonly client: ECSClient,
    private readonly cluster: string,
    private readonly intervals: PollingIntervals,
  ) {
    this.pause = intervals.interval;
  }

  /** Resolves with the first verdict. Throws what ECS refuses the look with, and `signal`'s reason once it is aborted. */
  watch<Verdict>(taskArn: string, decide: Decide<Verdict>, signal: AbortSignal): Promise<Verdict> {
    return new Promise<Verdict>((resolve, reject) => {
      const settle = (outcome: () => void) => {
        signal.removeEventListener('abort', abort);
        this.forget(taskArn, watch);
        outcome();
      };
      const watch: Watch = {
        see: (task) => {
          const verdict = decide(task);
          if (verdict !== undefined) settle(() => resolve(verdict));
        },
        fail: (error) => settle(() => reject(error instanceof Error ? error : new Error(messageOf(error)))),
      };
      const abort = () => watch.fail(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort);
      this.remember(taskArn, watch);
      this.start();
    });
  }

  private remember(taskArn: string, watch: Watch): void {
    const watches = this.watches.get(taskArn) ?? new Set();
    this.watches.set(taskArn, watches.add(watch));
  }

  private forget(taskArn: string, watch: Watch): void {
    const watches = this.watches.get(taskArn);
    watches?.delete(watch);
    if (watches?.size === 0) this.watches.delete(taskArn);
  }

  private start(): void {
    if (this.looking) return;
    this.looking = true;
    void this.lookOnAndOn();
  }

  private async lookOnAndOn(): Promise<void> {
    while (this.watches.size > 0) {
      await sleep(this.pause);
      const arns = [...this.watches.keys()];
      for (let i = 0; i < arns.length; i += TASKS_A_CALL) await this.look(arns.slice(i, i + TASKS_A_CALL));
    }
    this.looking = false;
  }

  private async look(arns: string[]): Promise<void> {
    try {
      const { tasks = [] } = await this.client.send(new DescribeTasksCommand({ cluster: this.cluster, tasks: arns }));
      this.pause = Math.max(this.intervals.interval, this.pause * 0.8);
      const seen = new Map(tasks.map((task) => [task.taskArn, task]));
      for (const arn of arns) this.watchesOf(arn).forEach((watch) => watch.see(seen.get(arn)));
    } catch (error) {
      if (callFailure(error) === 'refused') {
        for (const arn of arns) this.watchesOf(arn).forEach((watch) => watch.fail(error));
      } else {
        this.pause = Math.min(this.intervals.longestInterval, this.pause * 2 * (1 + Math.random() / 4));
      }
    }
  }

  private watchesOf(arn: string): Watch[] {
    return [...(this.watches.get(arn) ?? [])];
  }
}
