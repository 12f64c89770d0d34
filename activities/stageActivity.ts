import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { HeartbeatDetails, Progress } from '../src/contracts/index.js';
import { PerdureError, messageOf } from '../src/errors.js';
import type { Stage } from '../src/stages/context.js';
import type { RunStage } from '../src/stages/createContext.js';

/** What activities need of the worker they run in. */
export interface ActivityDependencies {
  runStage: RunStage;
}

/** A tenth of the workflows' heartbeat timeout, so that one slow beat is no lost worker. */
const HEARTBEAT_INTERVAL_MS = 3_000;

/** The machine may have been short of memory for a moment: worth one more try. Two crashes are the work's own fault. */
const ENGINE_CRASHES_ALLOWED = 1;

/** The stage as an activity: with heartbeats, cancellation, and its errors as Temporal's. */
export function stageActivity<Input, Output>(
  { runStage }: ActivityDependencies,
  stage: Stage<Input, Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current();
    const before = context.info.heartbeatDetails as HeartbeatDetails | undefined;
    let engineCrashes = before?.engineCrashes ?? 0;
    let progress: Progress | undefined;
    const beat = () => context.heartbeat({ progress, engineCrashes } satisfies HeartbeatDetails);

    beat();
    const beats = setInterval(beat, HEARTBEAT_INTERVAL_MS);
    try {
      return await runStage(stage, input, {
        signal: context.cancellationSignal,
        report: (news) => {
          progress = news;
        },
      });
    } catch (error) {
      if (context.cancellationSignal.aborted) throw cancelled(context);
      if (isEngineCrash(error)) {
        engineCrashes += 1;
        beat();
      }
      throw asFailure(error, engineCrashes > ENGINE_CRASHES_ALLOWED);
    } finally {
      clearInterval(beats);
    }
  };
}

function cancelled({ cancellationSignal }: Context): CancelledFailure {
  const { reason } = cancellationSignal as { reason: unknown };
  return reason instanceof CancelledFailure ? reason : new CancelledFailure(messageOf(reason));
}

function isEngineCrash(error: unknown): boolean {
  return error instanceof PerdureError && error.type === 'EngineCrashed';
}

function asFailure(error: unknown, final: boolean): ApplicationFailure {
  const [type, retryable] = error instanceof PerdureError ? [error.type, error.retryable] : [nameOf(error), true];
  return ApplicationFailure.create({ type, message: messageOf(error), nonRetryable: final || !retryable });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}
