import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  log,
  TimeoutFailure,
  type ActivityInterfaceFor,
  type ActivityOptions,
} from '@temporalio/workflow';
import {
  TASK_QUEUES,
  type Dispatched,
  type StageInput,
  type TaskStageName,
  type TaskStages,
} from '../../src/contracts/index.js';
import { activities, activityProxy, HEARTBEAT_TIMEOUT, RETRY } from './activityProxies.js';
import { failureOf } from './failures.js';

const DAY_SECONDS = 24 * 3600;

/** A stage that was waited for elsewhere, whichever it is. */
type Wait = ActivityInterfaceFor<{ wait(input: StageInput): Promise<Dispatched<unknown>> }>['wait'];

/**
 * Stages as tasks of their own, while a worker waits for each. What ends otherwise than well, or is cancelled, leaves
 * no task behind: the attempt that waits stops it, and where its worker died, `stopTasks` does. Only then the workflow
 * goes on, so that nobody tidies up under a task that still writes.
 *
 * @param limitSeconds all launches of a stage together, as one attempt at the activity sees them
 */
export function dispatchedWithin(limitSeconds: number): ActivityInterfaceFor<TaskStages> {
  const options: ActivityOptions = {
    taskQueue: TASK_QUEUES.dispatch,
    startToCloseTimeout: `${limitSeconds} seconds`,
    // Beyond that, the wait for a worker.
    scheduleToCloseTimeout: `${limitSeconds + DAY_SECONDS} seconds`,
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    // A task that is out of time once is not waited for again; where its worker is lost, it is.
    retry: { ...RETRY, nonRetryableErrorTypes: ['TemporalTimeout:StartToClose'] },
  };
  const dispatched = (stage: TaskStageName) => {
    const wait = activityProxy(stage, options) as Wait;
    return Object.assign((input: StageInput) => outputOf(wait(input), stage, input), {
      executeWithOptions: (options: ActivityOptions, [input]: [StageInput]) =>
        outputOf(wait.executeWithOptions(options, [input]), stage, input),
    });
  };
  return new Proxy({}, { get: (_, stage) => dispatched(stage as TaskStageName) }) as ActivityInterfaceFor<TaskStages>;
}

/**
 * Three launches, as a config has it by default: half an hour each to find room, ten minutes to start, and the half
 * hour that the documents give the work.
 */
export const onEcs = dispatchedWithin(3 * (30 + 10 + 30) * 60);

async function outputOf(
  wait: Promise<Dispatched<unknown>>,
  stage: TaskStageName,
  { pipeline, run }: StageInput,
): Promise<unknown> {
  try {
    return (await wait).output;
  } catch (error) {
    if (error instanceof ActivityFailure) {
      const { activityId } = error;
      await CancellationScope.nonCancellable(() =>
        activities.stopTasks({ pipeline, run, stage, activityId: activityId! }),
      ).catch((reason: unknown) => {
        log.warn('A task may still run', { stage, activityId, reason: failureOf(reason).reason });
      });
    }
    // A worker that died can't say so.
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure(`${stage} was cancelled.`);
    throw isOutOfTime(error) ? outOfTime(stage) : error;
  }
}

function isOutOfTime(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === 'START_TO_CLOSE'
  );
}

function outOfTime(stage: TaskStageName): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `${stage} did not end within its time, and its task was stopped; give it less work or a larger task.`,
    'TimedOut',
  );
}
