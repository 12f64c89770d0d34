import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeTasksCommand, ListTasksCommand, RunTaskCommand, StopTaskCommand, type Task } from '@aws-sdk/client-ecs';
import type { StageInput } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { readJson, writeJson } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';
import type { DispatcherParts } from './ecsDispatcher.js';
import type { DispatcherTimes } from './dispatcherTimes.js';
import { callFailure, computeUnavailable, isShortage, reasonOf, said } from './ecsErrors.js';
import { folderOf, inputKeyOf, launchOf, resultKeyOf, startedByOf, type TaskIdentity } from './identity.js';
import { START_DEADLINE_REASON, OUR_REASON, judge, sideCarFailures } from './judge.js';
import { launchRequest, positionOf, providersOf } from './launchRequest.js';
import { LogTail, streamOf } from './logTail.js';
import type { TaskInput, TaskPosition, TaskResult } from './taskDocuments.js';
import { RESULT_MISSING, TASK_LOST, TaskError, launchConflict, launchRefused, noCapacity, type TaskEnd } from './taskEnd.js';
import type { TaskPoller } from './taskPoller.js';
import type { TaskSettings } from './taskSettings.js';
import type { TokenBucket } from './tokenBucket.js';

/** Calls without an answer, before somebody else's retry takes over. */
const UNANSWERED_ALLOWED = 5;

export interface TaskRequest {
  /** Name of the stage. */
  stage: string;
  input: StageInput;
  identity: TaskIdentity;
  settings: TaskSettings;
  /** Where input and result lie; the task reaches it by the same addresses. */
  store: ObjectStore;
  /** Environment variables for the container: never a secret, as everybody may read who may describe tasks. */
  environment: Record<string, string>;
  /** Whether an earlier attempt may have launched the task. */
  retried: boolean;
  /** What an earlier attempt told last. */
  position?: TaskPosition;
  /** Tells where the launching stands, for the attempt that may come after this one. */
  remember: (position: TaskPosition) => void;
  signal: AbortSignal;
  /** Asked once `signal` is aborted: whether the task goes on, for another attempt to find. */
  leaveRunning: () => boolean;
  warn: (message: string) => void;
}

/** How a launch ended: with the stage's own result, or otherwise. */
type LaunchOutcome = { result: TaskResult } | { end: TaskEnd; nextProvider?: boolean };

const FIRST: TaskPosition = { launch: 1, failures: 0, provider: 0, larger: false };

/** One stage on its way, over as many launches as it takes. */
export class TaskRun {
  constructor(
    private readonly parts: DispatcherParts,
    private readonly times: DispatcherTimes,
    private readonly launchBudget: TokenBucket,
    private readonly poller: TaskPoller,
    private readonly request: TaskRequest,
  ) {}

  async run(): Promise<unknown> {
    const { request } = this;
    let position = request.retried ? await this.findPosition() : FIRST;
    if (!position.taskArn) {
      await writeJson(request.store, inputKeyOf(request.identity), { stage: request.stage, input: request.input } satisfies TaskInput);
    }
    for (;;) {
      const outcome = await this.launchAndFollow(position);
      if ('result' in outcome && outcome.result.status === 'completed') return outcome.result.output;
      const next = nextPosition(position, outcome, request.settings);
      if (!next) throw failureOf(request.stage, outcome);
      request.warn(`${request.stage}: launch ${position.launch} ended as ${nameOf(outcome)}; launching again`);
      if (next.failures > position.failures) await this.pause(next.failures);
      position = next;
    }
  }

  private async launchAndFollow(position: TaskPosition): Promise<LaunchOutcome> {
    const known = position.taskArn;
    // An ended task may be forgotten by ECS; what it came to is not.
    if (!known && this.request.retried) {
      const result = await this.readResult(position);
      if (result) return { result };
    }
    let taskArn = known;
    try {
      if (!taskArn) {
        this.request.remember(position);
        const launched = await this.launch(position);
        if (typeof launched !== 'string') return launched;
        taskArn = launched;
        this.request.remember({ ...position, taskArn });
      }
      this.request.signal.throwIfAborted();
      return await this.follow(position, taskArn);
    } catch (error) {
      if (this.request.signal.aborted && taskArn && !this.request.leaveRunning()) await this.stopForGood(taskArn);
      throw error;
    }
  }

  /** The place that an earlier attempt had reached. */
  private async findPosition(): Promise<TaskPosition> {
    const { position, store, identity } = this.request;
    if (position?.taskArn) return position;
    const found = await this.findTasks();
    const newest = found.sort((a, b) => b.launch - a.launch)[0];
    if (newest) return newest;
    let launch = position?.launch ?? 0;
    for await (const { key } of store.list(folderOf(identity))) launch = Math.max(launch, launchOf(key) ?? 0);
    return { ...(position ?? FIRST), launch: Math.max(launch, 1) };
  }

  /** Every task of this request that ECS still knows. */
  private async findTasks(): Promise<TaskPosition[]> {
    const { settings, identity } = this.request;
    const { cluster } = settings;
    const startedBy = startedByOf(identity);
    const arns: string[] = [];
    for (const desiredStatus of ['RUNNING', 'STOPPED'] as const) {
      const { taskArns = [] } = await this.calling(() => this.parts.ecs.send(new ListTasksCommand({ cluster, startedBy, desiredStatus })));
      arns.push(...taskArns);
    }
    if (arns.length === 0) return [];
    const { tasks = [] } = await this.calling(() => this.parts.ecs.send(new DescribeTasksCommand({ cluster, tasks: arns.slice(0, 100) })));
    return tasks.flatMap((task) => positionOf(task) ?? []);
  }

  /** Returns the task's ARN; how it ended where there is none. Asks again with the same token until ECS says yes or no. */
  private async launch(position: TaskPosition): Promise<string | LaunchOutcome> {
    const { signal, settings, retried } = this.request;
    if (retried) {
      const found = await this.findLaunch(position);
      if (found) return found;
    }
    const began = Date.now();
    let unanswered = 0;
    let refusals = 0;
    for (let tries = 1; ; tries++) {
      await this.launchBudget.take(signal);
      const answer = await this.tryLaunch(position);
      if ('taskArn' in answer) return answer.taskArn;
      if ('end' in answer) return answer;
      if (answer.failed === 'ambiguous' && ++unanswered > 1) {
        const found = await this.findLaunch(position);
        if (found) return found;
        if (unanswered > UNANSWERED_ALLOWED) throw computeUnavailable(answer.error);
      }
      if (answer.failed === 'capacity') {
        const found = await this.findLaunch(position);
        if (found) return found;
        if (position.provider + 1 < providersOf(settings).length) return { end: noCapacity(answer.reason), nextProvider: true };
        const { attempts, minutes } = settings.no_capacity;
        if (++refusals >= attempts || Date.now() - began > minutes * 60_000) return { end: { ...noCapacity(answer.reason), retryable: false } };
      }
      await this.pause(tries);
    }
  }

  private async tryLaunch(position: TaskPosition): Promise<{ taskArn: string } | { end: TaskEnd } | { failed: 'capacity'; reason: string } | { failed: 'throttled' | 'ambiguous'; error: unknown }> {
    try {
      // Not cut short by the signal: a task that was launched has to be known, to be stopped.
      const { tasks = [], failures = [] } = await this.parts.ecs.send(new RunTaskCommand(launchRequest(this.request, position)));
      const taskArn = tasks[0]?.taskArn;
      if (taskArn) return { taskArn };
      const reason = reasonOf(failures);
      if (isShortage(failures)) return { failed: 'capacity', reason };
      return { end: launchRefused(reason) };
    } catch (error) {
      const failed = callFailure(error);
      if (failed === 'throttled' || failed === 'ambiguous') return { failed, error };
      if (failed === 'conflict') return { end: launchConflict(error) };
      return { end: launchRefused(said(error)) };
    }
  }

  private async findLaunch({ launch }: TaskPosition): Promise<string | undefined> {
    return (await this.findTasks()).find((found) => found.launch === launch)?.taskArn;
  }

  /** Waits for the end of a launched task. Bounded by the signal alone. */
  private async follow(position: TaskPosition, taskArn: string): Promise<LaunchOutcome> {
    const { signal, settings } = this.request;
    const since = Date.now();
    let seen = false;
    const verdict = await this.watching(taskArn, signal, (task) => {
      if (!task) return !seen && Date.now() - since < this.times.unknownAtFirst ? undefined : 'lost';
      seen = true;
      if (task.lastStatus === 'STOPPED') return task;
      const waited = Date.now() - (task.createdAt?.getTime() ?? since);
      return !task.startedAt && waited > settings.start_deadline_minutes * 60_000 ? 'late' : undefined;
    });
    const stopped = verdict === 'late' ? await this.stop(taskArn, START_DEADLINE_REASON) : verdict;
    if (stopped === 'lost') return this.lost(position, taskArn);
    return this.ended(position, stopped);
  }

  private async ended(position: TaskPosition, task: Task): Promise<LaunchOutcome> {
    const { settings, warn, stage } = this.request;
    for (const failure of sideCarFailures(task, settings.container)) warn(`${stage}: the side-car ${failure} beside ${task.taskArn}`);
    const judgement = judge(task, settings.container);
    const exited = !judgement || judgement.kind === 'ContainerFailed';
    const result = exited ? await this.readResult(position) : undefined;
    if (result && (!judgement || result.status === 'failed')) return { result };
    const lastLogLines = await this.lastLogLines(task.taskArn!);
    return { end: { ...(judgement ?? RESULT_MISSING), lastLogLines, taskArn: task.taskArn } };
  }

  /** ECS forgets a stopped task after an hour or so. */
  private async lost(position: TaskPosition, taskArn: string): Promise<LaunchOutcome> {
    const result = await this.readResult(position);
    return result ? { result } : { end: { ...TASK_LOST, lastLogLines: await this.lastLogLines(taskArn), taskArn } };
  }

  /** Stops a task and waits until it has stopped. */
  private async stop(task: string, reason: string): Promise<Task | 'lost'> {
    const { cluster } = this.request.settings;
    await this.calling(() => this.parts.ecs.send(new StopTaskCommand({ cluster, task, reason })));
    const patience = AbortSignal.timeout(this.times.stopPatience);
    return this.watching(task, patience, (seen) => (seen ? (seen.lastStatus === 'STOPPED' ? seen : undefined) : 'lost'));
  }

  /** Whoever cancelled hears of that, whatever becomes of the task. */
  private async stopForGood(taskArn: string): Promise<void> {
    const { warn, stage } = this.request;
    try {
      await this.stop(taskArn, `${OUR_REASON}its result is no longer wanted`);
      const lines = await this.lastLogLines(taskArn);
      warn(`${stage} was stopped as ${taskArn}${lines.length > 0 ? `; its last words: ${lines.join(' | ')}` : ''}`);
    } catch (error) {
      warn(`${stage} may still run as ${taskArn}, as it could not be stopped (${said(error)}); stop it in the ECS console.`);
    }
  }

  private async watching<Verdict>(taskArn: string, signal: AbortSignal, decide: (task: Task | undefined) => Verdict | undefined): Promise<Verdict> {
    try {
      return await this.poller.watch(taskArn, decide, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new TaskError(this.request.stage, { ...launchRefused(said(error)), taskArn });
    }
  }

  private async lastLogLines(taskArn: string): Promise<string[]> {
    const { logs, container } = this.request.settings;
    if (!logs) return [];
    const place = { group: logs.group, stream: streamOf(logs.stream_prefix, container, taskArn) };
    const tail = new LogTail(this.parts.logs, place, this.request.warn);
    await tail.read();
    await sleep(this.times.logsSettle);
    await tail.read();
    return tail.lines;
  }

  private readResult({ launch }: TaskPosition): Promise<TaskResult | undefined> {
    return readJson<TaskResult>(this.request.store, resultKeyOf(this.request.identity, launch));
  }

  /** A call that may be repeated. Throws `ComputeUnavailable`, or a refusal as {@link TaskError}. */
  private async calling<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await call();
      } catch (error) {
        if (callFailure(error) === 'refused') throw new TaskError(this.request.stage, launchRefused(said(error)));
        if (tries > UNANSWERED_ALLOWED) throw computeUnavailable(error);
        await sleep(this.backoff(tries));
      }
    }
  }

  private async pause(tries: number): Promise<void> {
    await sleep(this.backoff(tries), undefined, { signal: this.request.signal });
  }

  /** Half of it is by chance, so that a thousand that were refused together don't come again together. */
  private backoff(tries: number): number {
    const { backoff, longestBackoff } = this.times;
    return Math.min(longestBackoff, backoff * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
  }
}

/** What to launch after an end that isn't the last; `undefined` where it is. */
function nextPosition(position: TaskPosition, outcome: LaunchOutcome, settings: TaskSettings): TaskPosition | undefined {
  const { launch, failures, larger, provider } = position;
  const next = { launch: launch + 1, failures, provider, larger };
  const nextProvider = Math.min(provider + 1, providersOf(settings).length - 1);
  if ('result' in outcome) return counted(outcome.result.status === 'failed' && outcome.result.error.retryable);
  const { kind, retryable } = outcome.end;
  if (outcome.nextProvider) return { ...next, provider: nextProvider };
  // What AWS takes away is not the stage's fault.
  if (kind === 'SpotInterrupted') return { ...next, provider: nextProvider };
  if (kind === 'OutOfMemory') return settings.larger && !larger ? { ...next, larger: true } : undefined;
  return counted(retryable);

  function counted(again: boolean): TaskPosition | undefined {
    return again && failures + 1 < settings.attempts ? { ...next, failures: failures + 1 } : undefined;
  }
}

function failureOf(stage: string, outcome: LaunchOutcome): PerdureError {
  if ('end' in outcome) return new TaskError(stage, outcome.end);
  const { type, message } = outcome.result.status === 'failed' ? outcome.result.error : { type: 'ResultMissing', message: 'The task failed.' };
  return new PerdureError(type as PerdureError['type'], message);
}

function nameOf(outcome: LaunchOutcome): string {
  if ('end' in outcome) return `${outcome.end.kind} (${outcome.end.reason})`;
  return outcome.result.status === 'failed' ? outcome.result.error.type : 'completed';
}
