import { setTimeout as sleep } from 'node:timers/promises';
import { RunTaskCommand, type Task } from '@aws-sdk/client-ecs';
import type { Dispatched, StageInput, TaskUse } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import type { ObjectStore } from '../storage/objectStore.js';
import type { DispatcherParts } from './ecsDispatcher.js';
import type { DispatcherTimes } from './dispatcherTimes.js';
import { callFailure, computeUnavailable, isShortage, reasonOf, said } from './ecsErrors.js';
import { folderOf, inputKeyOf, launchOf, resultKeyOf } from './identity.js';
import {
  REPLACED_REASON,
  START_DEADLINE_REASON,
  UNWANTED_REASON,
  classifyTaskExit,
  sideCarFailures,
} from './classifyTaskExit.js';
import { launchRequest, positionOf, providersOf } from './launchRequest.js';
import { OwnTasks, UNANSWERED_ALLOWED, backoff, type TaskOwner } from './ownTasks.js';
import { taskInput, taskResult, type TaskPosition, type TaskResult } from './taskDocuments.js';
import {
  RESULT_MISSING,
  TASK_LOST,
  TaskError,
  launchConflict,
  launchRefused,
  noCapacity,
  type TaskEnd,
} from './taskEnd.js';
import type { TaskPoller } from './taskPoller.js';
import type { TaskSettings } from './taskSettings.js';
import { usesOf } from './taskUse.js';
import type { TokenBucket } from './tokenBucket.js';

export interface TaskRequest extends TaskOwner {
  input: StageInput;
  /** Where input and result lie; the task reaches it by the same addresses. */
  store: ObjectStore;
  /** Environment variables for the container: never a secret, as everybody may read who may describe tasks. */
  environment: Record<string, string>;
  /** Whether an earlier attempt may have launched the task. */
  retried: boolean;
  /** What an earlier attempt told last. */
  position?: TaskPosition;
  /** What the tasks took that ended in earlier attempts. */
  uses?: TaskUse[];
  /** Tells where the launching stands and what ended tasks took, for the attempt that may come after this one. */
  remember: (position: TaskPosition, uses: TaskUse[]) => void;
  signal: AbortSignal;
  /** Asked once `signal` is aborted: whether the task goes on, for another attempt to find. */
  leaveRunning: () => boolean | Promise<boolean>;
}

/** How a launch ended: with the stage's own result, or otherwise. */
type LaunchOutcome = { result: TaskResult } | { end: TaskEnd; nextProvider?: boolean };

const FIRST: TaskPosition = { launch: 1, failures: 0, provider: 0, larger: false };

/** One stage on its way, over as many launches as it takes. */
export class TaskRun {
  private readonly tasks: OwnTasks;
  private readonly uses: TaskUse[];
  /** A launch that ECS was asked for and gave no clear answer to: its task may run. */
  private unsure: TaskPosition | undefined;

  constructor(
    private readonly parts: DispatcherParts,
    private readonly times: DispatcherTimes,
    private readonly launchBudget: TokenBucket,
    poller: TaskPoller,
    private readonly request: TaskRequest,
  ) {
    this.tasks = new OwnTasks(parts, times, poller, request);
    this.uses = [...(request.uses ?? [])];
  }

  async run(): Promise<Dispatched<unknown>> {
    const { request } = this;
    let position = request.retried ? await this.findPosition() : FIRST;
    if (!position.taskArn) {
      await taskInput.write(request.store, inputKeyOf(request.identity), {
        stage: request.stage,
        input: request.input,
      });
    }
    for (;;) {
      const outcome = await this.launchAndFollow(position);
      if ('result' in outcome && outcome.result.status === 'completed')
        return { output: outcome.result.output, tasks: this.uses };
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
        this.request.remember(position, [...this.uses]);
        const launched = await this.launch(position);
        if (typeof launched !== 'string') return launched;
        taskArn = launched;
        this.request.remember({ ...position, taskArn }, [...this.uses]);
      }
      this.request.signal.throwIfAborted();
      return await this.follow(position, taskArn);
    } catch (error) {
      if (this.request.signal.aborted && (taskArn || this.unsure) && !(await this.request.leaveRunning()))
        await this.stopForGood(taskArn);
      throw error;
    }
  }

  /** Where an earlier attempt had got to. */
  private async findPosition(): Promise<TaskPosition> {
    const { position, store, identity } = this.request;
    if (position?.taskArn) return position;
    const found = await this.findLaunches();
    const newest = found.sort((a, b) => b.position.launch - a.position.launch)[0];
    if (newest) {
      if (!position) this.uses.push(...found.slice(1).flatMap(({ task }) => usesOf(task)));
      return newest.position;
    }
    let launch = position?.launch ?? 0;
    for await (const { key } of store.list(folderOf(identity))) launch = Math.max(launch, launchOf(key) ?? 0);
    return { ...(position ?? FIRST), launch: Math.max(launch, 1) };
  }

  /** Every launch of this request that ECS still knows. */
  private async findLaunches(): Promise<{ task: Task; position: TaskPosition }[]> {
    const tasks = await this.tasks.find();
    return tasks.flatMap((task) => {
      const position = positionOf(task);
      return position ? [{ task, position }] : [];
    });
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
        if (position.provider + 1 < providersOf(settings).length)
          return { end: noCapacity(answer.reason), nextProvider: true };
        const { attempts, minutes } = settings.no_capacity;
        if (++refusals >= attempts || Date.now() - began > minutes * 60_000)
          return { end: { ...noCapacity(answer.reason), retryable: false } };
      }
      await this.pause(tries);
    }
  }

  private async tryLaunch(
    position: TaskPosition,
  ): Promise<
    | { taskArn: string }
    | { end: TaskEnd }
    | { failed: 'capacity'; reason: string }
    | { failed: 'throttled' | 'ambiguous'; error: unknown }
  > {
    this.unsure = position;
    try {
      // Not cut short by the signal: a task that was launched has to be known, to be stopped.
      const { tasks = [], failures = [] } = await this.parts.ecs.send(
        new RunTaskCommand(launchRequest(this.request, position)),
      );
      const taskArn = tasks[0]?.taskArn;
      if (taskArn) return this.sure({ taskArn });
      const reason = reasonOf(failures);
      if (isShortage(failures)) return { failed: 'capacity', reason };
      return this.sure({ end: launchRefused(reason) });
    } catch (error) {
      const failed = callFailure(error);
      if (failed === 'ambiguous') return { failed, error };
      if (failed === 'throttled') return this.sure({ failed, error });
      if (failed !== 'conflict') return this.sure({ end: launchRefused(said(error)) });
      // The token is this launch's alone: another worker, of another revision, was faster, and its task counts.
      const [launched] = (error as { resourceIds?: string[] }).resourceIds ?? [];
      return this.sure(launched ? { taskArn: launched } : { end: launchConflict(error) });
    }
  }

  private sure<Answer>(answer: Answer): Answer {
    this.unsure = undefined;
    return answer;
  }

  /**
   * The task of a launch whose answer got lost; `undefined` where there is none. ECS answers a request that carries the
   * same token with the same task, and one that never reached it is stopped before its image is there.
   */
  private async learnTask(position: TaskPosition): Promise<string | undefined> {
    for (let tries = 1; ; tries++) {
      const found = await this.findLaunch(position);
      if (found) return found;
      const answer = await this.tryLaunch(position);
      if ('taskArn' in answer) return answer.taskArn;
      if ('end' in answer || (answer.failed === 'capacity' && tries >= UNANSWERED_ALLOWED)) return undefined;
      if (answer.failed !== 'capacity' && tries > UNANSWERED_ALLOWED) throw computeUnavailable(answer.error);
      await sleep(backoff(this.times, tries));
    }
  }

  private async findLaunch({ launch }: TaskPosition): Promise<string | undefined> {
    return (await this.findLaunches()).find(({ position }) => position.launch === launch)?.position.taskArn;
  }

  /** Waits for the end of a launched task. Bounded by the signal alone. */
  private async follow(position: TaskPosition, taskArn: string): Promise<LaunchOutcome> {
    const { signal, settings } = this.request;
    const since = Date.now();
    const look = (task: Task): Task | 'late' | undefined => {
      if (task.lastStatus === 'STOPPED') return task;
      const waited = Date.now() - (task.createdAt?.getTime() ?? since);
      return !task.startedAt && waited > settings.start_deadline_minutes * 60_000 ? 'late' : undefined;
    };
    const verdict = await this.tasks.watch(taskArn, look, signal);
    const stopped = verdict === 'late' ? await this.tasks.stop(taskArn, START_DEADLINE_REASON) : verdict;
    if (stopped === 'lost') return this.lost(position, taskArn);
    return this.ended(position, stopped);
  }

  private async ended(position: TaskPosition, task: Task): Promise<LaunchOutcome> {
    const { settings, warn, stage } = this.request;
    this.uses.push(...usesOf(task));
    for (const failure of sideCarFailures(task, settings.container))
      warn(`${stage}: the side-car ${failure} beside ${task.taskArn}`);
    // Written as the last act, and whole or not at all: however its container ended after that, the work is done.
    const result = await this.readResult(position);
    if (result) return { result };
    const exit = classifyTaskExit(task, settings.container);
    const lastLogLines = await this.tasks.lastLogLines(task.taskArn!);
    return { end: { ...(exit ?? RESULT_MISSING), lastLogLines, taskArn: task.taskArn } };
  }

  /** ECS forgets a stopped task after an hour or so. One that it shows no more may run all the same, so it is stopped first. */
  private async lost(position: TaskPosition, taskArn: string): Promise<LaunchOutcome> {
    const before = await this.readResult(position);
    if (before) return { result: before };
    const stopped = await this.tasks.stop(taskArn, REPLACED_REASON);
    if (stopped !== 'lost') this.uses.push(...usesOf(stopped));
    const result = await this.readResult(position);
    return result
      ? { result }
      : { end: { ...TASK_LOST, lastLogLines: await this.tasks.lastLogLines(taskArn), taskArn } };
  }

  /** Whoever cancelled hears of that, whatever becomes of the task. */
  private async stopForGood(known: string | undefined): Promise<void> {
    const { warn, stage } = this.request;
    let taskArn = known;
    try {
      taskArn ??= await this.learnTask(this.unsure!);
      if (taskArn) await this.tasks.stopUnwanted(taskArn, UNWANTED_REASON);
    } catch (error) {
      warn(
        `${stage} may still run as ${taskArn ?? 'a task of ECS'}, as it could not be stopped (${said(error)}); stop it in the ECS console.`,
      );
    }
  }

  private readResult({ launch }: TaskPosition): Promise<TaskResult | undefined> {
    return taskResult.read(this.request.store, resultKeyOf(this.request.identity, launch));
  }

  private async pause(tries: number): Promise<void> {
    await sleep(backoff(this.times, tries), undefined, { signal: this.request.signal });
  }
}

/** What to launch after an end that isn't the last; `undefined` where it is. */
function nextPosition(
  position: TaskPosition,
  outcome: LaunchOutcome,
  settings: TaskSettings,
): TaskPosition | undefined {
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
  const { type, message } =
    outcome.result.status === 'failed' ? outcome.result.error : { type: 'ResultMissing', message: 'The task failed.' };
  return new PerdureError(type as PerdureError['type'], message);
}

function nameOf(outcome: LaunchOutcome): string {
  if ('end' in outcome) return `${outcome.end.kind} (${outcome.end.reason})`;
  return outcome.result.status === 'failed' ? outcome.result.error.type : 'completed';
}
