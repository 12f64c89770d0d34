import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeTasksCommand,
  ListTasksCommand,
  StopTaskCommand,
  type DesiredStatus,
  type Task,
} from '@aws-sdk/client-ecs';
import type { TaskStageName } from '../../contracts/index.js';
import type { DispatcherParts } from './ecsDispatcher.js';
import type { DispatcherTimes } from './dispatcherTimes.js';
import { callFailure, computeUnavailable, isTaskUnknown, said } from './ecsErrors.js';
import { startedByOf, type TaskIdentity } from './identity.js';
import { LogTail, streamOf } from './logTail.js';
import { TaskError, launchRefused } from './taskEnd.js';
import { TASKS_A_CALL, type TaskPoller } from './taskPoller.js';
import type { TaskSettings } from './taskSettings.js';

/** Calls without an answer, before somebody else's retry takes over. */
export const UNANSWERED_ALLOWED = 5;

/** One look is not the truth: ECS's answers lag behind what it has done. */
const LOOKS = 3;

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

  /** All that ECS lists now, at work or ended. Throws `ComputeUnavailable`, or a refusal as {@link TaskError}. */
  async find(): Promise<Task[]> {
    const { cluster } = this.owner.settings;
    const arns = new Set<string>();
    for (const desiredStatus of ['RUNNING', 'STOPPED'] as const)
      for (const arn of await this.list(desiredStatus)) arns.add(arn);
    const found: Task[] = [];
    for (const tasks of inPieces([...arns], TASKS_A_CALL)) {
      const answer = await this.calling(() => this.parts.ecs.send(new DescribeTasksCommand({ cluster, tasks })));
      found.push(...(answer.tasks ?? []));
    }
    return found;
  }

  /** The same over several looks, as a list may lack what was launched a moment ago; `meet` hears of each task once. */
  async findAll(meet: (task: Task) => Promise<void>): Promise<void> {
    const met = new Set<string>();
    for (let look = 0; look < LOOKS; look++) {
      if (look > 0) await sleep(this.times.listAgain * 2 ** (look - 1));
      const news = (await this.find()).filter(({ taskArn }) => !met.has(taskArn!));
      for (const { taskArn } of news) met.add(taskArn!);
      await Promise.all(news.map(meet));
    }
  }

  private async list(desiredStatus: DesiredStatus): Promise<string[]> {
    const { cluster } = this.owner.settings;
    const startedBy = startedByOf(this.owner.identity);
    const arns: string[] = [];
    let nextToken: string | undefined;
    do {
      const answer = await this.calling(() =>
        this.parts.ecs.send(new ListTasksCommand({ cluster, startedBy, desiredStatus, nextToken })),
      );
      arns.push(...(answer.taskArns ?? []));
      ({ nextToken } = answer);
    } while (nextToken);
    return arns;
  }

  /**
   * Looks at a task until `decide` has a verdict. A task is lost only once ECS hasn't known it at several looks, for as
   * long as its answers may lag. Throws `signal`'s reason, or a refusal as {@link TaskError}.
   */
  async watch<Verdict>(
    taskArn: string,
    decide: (task: Task) => Verdict | undefined,
    signal: AbortSignal,
  ): Promise<Verdict | 'lost'> {
    let missing: { since: number; looks: number } | undefined;
    const look = (task: Task | undefined): Verdict | 'lost' | undefined => {
      if (task) {
        missing = undefined;
        return decide(task);
      }
      missing ??= { since: Date.now(), looks: 0 };
      missing.looks += 1;
      return missing.looks >= LOOKS && Date.now() - missing.since >= this.times.unknownPatience ? 'lost' : undefined;
    };
    try {
      return await this.poller.watch<Verdict | 'lost'>(taskArn, look, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new TaskError(this.owner.stage, { ...launchRefused(said(error)), taskArn });
    }
  }

  /** Stops a task and waits until it has stopped; `lost` where ECS doesn't know it. */
  async stop(task: string, reason: string): Promise<Task | 'lost'> {
    const { cluster } = this.owner.settings;
    const known = await this.calling(() =>
      this.parts.ecs.send(new StopTaskCommand({ cluster, task, reason })).catch((error: unknown) => {
        if (isTaskUnknown(error)) return undefined;
        throw error;
      }),
    );
    if (!known) return 'lost';
    const patience = AbortSignal.timeout(this.times.stopPatience);
    return this.watch(task, (seen) => (seen.lastStatus === 'STOPPED' ? seen : undefined), patience);
  }

  /** The same, and tells what the task said last. */
  async stopUnwanted(task: string, reason: string): Promise<Task | 'lost'> {
    const stopped = await this.stop(task, reason);
    const lines = await this.lastLogLines(task);
    this.owner.warn(
      `${this.owner.stage} was stopped as ${task}${lines.length > 0 ? `; its last words: ${lines.join(' | ')}` : ''}`,
    );
    return stopped;
  }

  async lastLogLines(taskArn: string): Promise<string[]> {
    const { logs, container } = this.owner.settings;
    if (!logs) return [];
    const log = { group: logs.group, stream: streamOf(logs.stream_prefix, container, taskArn) };
    const tail = new LogTail(this.parts.logs, log, this.owner.warn);
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

function* inPieces<T>(items: T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

/** Milliseconds before a further try. Half of it is by chance, so that a thousand that were refused together don't come again together. */
export function backoff({ backoff: first, longestBackoff }: DispatcherTimes, tries: number): number {
  return Math.min(longestBackoff, first * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
}
