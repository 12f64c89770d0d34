import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { TaskError } from '../src/platform/ecs/taskEnd.js';
import type { HeartbeatDetails } from '../src/contracts/index.js';
import { PerdureError, messageOf } from '../src/errors.js';
import type { Stage } from '../src/stages/context.js';
import type { RunStage, StageCall } from '../src/stages/createContext.js';

/** What activities need of the worker they run in. */
export interface ActivityDependencies {
  runStage: RunStage;
}

/** A tenth of the workflows' heartbeat timeout, so that one slow beat is no lost worker. */
const HEARTBEAT_INTERVAL_MS = 3_000;

/** The machine may have been short of memory for a moment: worth one more try. Two crashes are the work's own fault. */
const ENGINE_CRASHES_ALLOWED = 1;

/**
 * Attempts that may end through the work itself: it failed, took too long, or its worker died with it. The workflows'
 * retry policy allows three times as many, for those that a store that is away or a worker that has to stop ended.
 */
const OWN_ATTEMPTS = 5;

/** How long cancelled work may take to end; its slot is free after that. */
const CANCELLATION_GRACE_MS = 10_000;

/** The worker that was told to stop takes no more work, so there is nothing to wait for. */
const HANDED_ON_AFTER = '1 millisecond';

/** The stage as an activity. */
export function stageActivity<Input, Output>(
  { runStage }: ActivityDependencies,
  stage: Stage<Input, Output>,
): (input: Input) => Promise<Output> {
  return asActivity((input, call) => runStage(stage, input, call));
}

/** Work as an activity: with heartbeats, cancellation, and its errors as Temporal's. */
export function asActivity<Input, Output>(
  work: (input: Input, call: StageCall) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current();
    const before = context.info.heartbeatDetails as HeartbeatDetails | undefined;
    // `progress` isn't carried over: the stage tells at once where it goes on.
    const details: HeartbeatDetails = {
      engineCrashes: before?.engineCrashes ?? 0,
      excused: before?.excused ?? 0,
      checkpoint: before?.checkpoint,
    };
    const beat = () => context.heartbeat({ ...details });
    // A worker that dies says nothing of it: the attempts that nobody excused are counted by those that come after.
    const ownAttempts = context.info.attempt - details.excused;
    if (isLimited(context) && ownAttempts > OWN_ATTEMPTS) throw workersLost(context);

    beat();
    const beats = setInterval(beat, HEARTBEAT_INTERVAL_MS);
    const patience = endOfPatience(context.cancellationSignal);
    try {
      const result = work(input, {
        signal: context.cancellationSignal,
        report: (news) => {
          details.progress = news;
        },
        checkpoint: details.checkpoint,
        saveCheckpoint: (checkpoint) => {
          details.checkpoint = checkpoint;
          beat();
        },
      });
      return await Promise.race([result, patience.over]);
    } catch (error) {
      const stopped = isStopping(context);
      if (context.cancellationSignal.aborted && !stopped) throw cancelled(context);
      const excused = stopped || isType(error, 'StoreUnavailable');
      if (excused) details.excused += 1;
      else if (isType(error, 'EngineCrashed')) details.engineCrashes += 1;
      beat();
      if (stopped) throw workerStopped();
      const spent = !excused && isLimited(context) && ownAttempts >= OWN_ATTEMPTS;
      throw asFailure(error, spent || details.engineCrashes > ENGINE_CRASHES_ALLOWED);
    } finally {
      clearInterval(beats);
      patience.forget();
    }
  };
}

/**
 * A promise that is rejected some time after the signal is aborted, so that work that waits for a read or a call which
 * never returns doesn't keep its slot.
 */
function endOfPatience(signal: AbortSignal): { over: Promise<never>; forget: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const over = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(new Error('The work went on after it was cancelled.')), CANCELLATION_GRACE_MS);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  const forget = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return { over, forget };
}

/** What may be tried for ever never gives up by itself. */
function isLimited({ info }: Context): boolean {
  return (info.retryPolicy?.maximumAttempts ?? 0) > 0;
}

function cancelled({ cancellationSignal }: Context): CancelledFailure {
  const { reason } = cancellationSignal as { reason: unknown };
  return reason instanceof CancelledFailure ? reason : new CancelledFailure(messageOf(reason));
}

/** Whether the worker was told to stop, and its grace is over. */
export function isStopping({ cancellationDetails }: Context): boolean {
  return cancellationDetails?.workerShutdown ?? false;
}

/** Hands the activity on to another worker. */
export function workerStopped(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'WorkerStopped',
    message: 'The worker was told to stop; another one goes on.',
    nextRetryDelay: HANDED_ON_AFTER,
  });
}

function workersLost({ info }: Context): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `${info.activityType} lost its worker again and again; look into the log of the workers for what ends them.`,
    'WorkerLost',
  );
}

function isType(error: unknown, type: PerdureError['type']): boolean {
  return error instanceof PerdureError && error.type === type;
}

function asFailure(error: unknown, final: boolean): ApplicationFailure {
  const [type, retryable] = error instanceof PerdureError ? [error.type, error.retryable] : [nameOf(error), true];
  const details = error instanceof TaskError ? [error.end] : undefined;
  return ApplicationFailure.create({ type, message: messageOf(error), nonRetryable: final || !retryable, details });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}
