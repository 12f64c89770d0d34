import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeTasksCommand, ListTasksCommand, StopTaskCommand, type Task } from '@aws-sdk/client-ecs';
import type { TaskStageName } from '../contracts/index.js';
import type { DispatcherParts } from './ecsDispatcher.js';
import type { DispatcherTimes } from './dispatcherTimes.js';
import { callFailure, computeUnavailable, said } from './ecsErrors.js';
import { startedByOf, type TaskIdentity } from './identity.js';
import { LogTail, streamOf } from './logTail.js';
import { TaskError, launchRefused } from './taskEnd.js';
import type { Decide, TaskPoller } from './taskPoller.js';
import type { TaskSettings } from './taskSettings.js';

/** Calls without an answer, before somebody else's retry takes over. */
export const UNANSWERED_ALLOWED = 5;

/** Whose tasks they are. */
export interface TaskOwner {
  stage: TaskStageName;
  identity: TaskIdentity;
  settings: TaskSettings;
  warn: (message: string) => void;
}

/** The tasks that one activity launched, over all its attempts: what ECS is asked about them, again where it stumbles. */
export class OwnTasks {
  constructor(
    private readonly parts: DispatcherParts,
    private readonly times: DispatcherTimes,
    private readonly poller: TaskPoller,
    private readonly owner: TaskOwner,
  ) {}

  /** All that ECS still knows, at work or ended. Throws `ComputeUnavailable`, or a refusal as {@link TaskError}. */
  async find(): Promise<Task[]> {
    const { cluster } = this.owner.settings;
    const startedBy = startedByOf(this.owner.identity);
    const arns: string[] = [];
    for (const desiredStatus of ['RUNNING', 'STOPPED'] as const) {
      const { taskArns = [] } = await this.calling(() => this.parts.ecs.send(new ListTasksCommand({ cluster, startedBy, desiredStatus })));
      arns.push(...taskArns);
    }
    if (arns.length === 0) return [];
    const { tasks = [] } = await this.calling(() => this.parts.ecs.send(new DescribeTasksCommand({ cluster, tasks: arns.slice(0, 100) })));
    return tasks;
  }

  /** Looks at a task until `decide` has a verdict. Throws `signal`'s reason, or a refusal as {@link TaskError}. */
  async watch<Verdict>(taskArn: string, decide: Decide<Verdict>, signal: AbortSignal): Promise<Verdict> {
    try {
      return await this.poller.watch(taskArn, decide, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new TaskError(this.owner.stage, { ...launchRefused(said(error)), taskArn });
    }
  }

  /** Stops a task and waits until it has stopped. */
  async stop(task: string, reason: string): Promise<Task | 'lost'> {
    const { cluster } = this.owner.settings;
    await this.calling(() => this.parts.ecs.send(new StopTaskCommand({ cluster, task, reason })));
    const patience = AbortSignal.timeout(this.times.stopPatience);
    return this.watch(task, (seen) => (seen ? (seen.lastStatus === 'STOPPED' ? seen : undefined) : 'lost'), patience);
  }

  /** The same, and tells what the task said last. */
  async stopUnwanted(task: string, reason: string): Promise<Task | 'lost'> {
    const stopped = await this.stop(task, reason);
    const lines = await this.lastLogLines(task);
    this.owner.warn(`${this.owner.stage} was stopped as ${task}${lines.length > 0 ? `; its last words: ${lines.join(' | ')}` : ''}`);
    return stopped;
  }

  async lastLogLines(taskArn: string): Promise<string[]> {
    const { logs, container } = this.owner.settings;
    if (!logs) return [];
    const place = { group: logs.group, stream: streamOf(logs.stream_prefix, container, taskArn) };
    const tail = new LogTail(this.parts.logs, place, this.owner.warn);
    await tail.read();
    await sleep(this.times.logsSettle);
    await tail.read();
    return tail.lines;
  }

  /** A call that may be repeated. */
  private async calling<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await call();
      } catch (error) {
        if (callFailure(error) === 'refused') throw new TaskError(this.owner.stage, launchRefused(said(error)));
        if (tries > UNANSWERED_ALLOWED) throw computeUnavailable(error);
        await sleep(backoff(this.times, tries));
      }
    }
  }
}

/** Milliseconds before a further try. Half of it is by chance, so that a thousand that were refused together don't come again together. */
export function backoff({ backoff: first, longestBackoff }: DispatcherTimes, tries: number): number {
  return Math.min(longestBackoff, first * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
}
