import {
  ActivityCancellationType,
  proxyActivities,
  type ActivityInterfaceFor,
  type ActivityOptions,
} from '@temporalio/workflow';
import {
  ACTIVITIES,
  TASK_QUEUES,
  type Activities,
  type ActivitiesOfClass,
  type ActivityName,
  type TimeoutClass,
} from '../../src/contracts/index.js';

/**
 * Fifteen attempts are spread over almost three minutes (1 + 2 + 4 + 8 s, then ten times 15 s): a store that is away
 * for two is outlasted, and its return is noticed within 15 s. They are for what lies outside the work. Failures of
 * its own and workers that die with it stop after five attempts, which `stageActivity` sees to, and those that no
 * retry can correct at once.
 */
export const RETRY = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '15 seconds',
  maximumAttempts: 15,
} as const;

/** Without an end: failures that no retry can repair say so themselves. */
const RETRY_FOR_EVER = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' } as const;

/** Attempts, pauses and the wait for a free worker together: a run that stood still over night may go on next morning. */
const WHOLE_BUDGET = '1 day';

/** Activities beat every 3 s, so ten beats are missing before a worker counts as lost. */
export const HEARTBEAT_TIMEOUT = '30 seconds';

/** The classes whose calls may use the time budget of an algorithm. */
type BudgetedClass = 'fit' | 'version';

/** Of the other classes. */
const OPTIONS: Record<Exclude<TimeoutClass, BudgetedClass>, ActivityOptions> = {
  /** Seconds at most. As operations they never wait behind rows, and clean-up works where the training workers are the trouble. */
  documents: {
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: WHOLE_BUDGET,
    retry: RETRY,
  },
  /** The steward never gives up by itself, and whoever steers is told of failures within the minute. */
  steward: {
    startToCloseTimeout: '1 minute',
    retry: RETRY_FOR_EVER,
  },
  /** A run waits a minute at most before it ends without having told anybody. */
  signal: {
    startToCloseTimeout: '10 seconds',
    scheduleToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '15 seconds' },
  },
  /** One alert is sent within a minute or given up; all attempts together hold up the end of a run by six at most. */
  alert: {
    startToCloseTimeout: '2 minutes',
    scheduleToCloseTimeout: '6 minutes',
    retry: { initialInterval: '1 second', maximumAttempts: 3 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  },
  /** Reads one file. Where its worker was killed meanwhile, the end of a phase waits for as long as an attempt may take. */
  settings: {
    startToCloseTimeout: '10 seconds',
    scheduleToCloseTimeout: '6 minutes',
    retry: { initialInterval: '1 second', maximumAttempts: 3 },
    // A run that is over sooner than its service level was read waits for the answer, rather than leave it to nobody.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  },
  /** Writes for a minute at most; what isn't written by then waits, and the run goes on. */
  tracking: {
    startToCloseTimeout: '90 seconds',
    scheduleToCloseTimeout: '3 minutes',
    retry: { initialInterval: '1 second', maximumAttempts: 2 },
  },
  /**
   * 30 minutes is what the documents give a whole run of processing, so one piece is well inside. A cancelled run ends
   * when its work has, so that the next run doesn't find it still writing.
   */
  rows: {
    startToCloseTimeout: '30 minutes',
    scheduleToCloseTimeout: WHOLE_BUDGET,
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: RETRY,
  },
  /** However long ECS is away: a task that goes on costs money. A task has two minutes to end by itself. */
  stop: {
    startToCloseTimeout: '10 minutes',
    scheduleToCloseTimeout: WHOLE_BUDGET,
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: RETRY_FOR_EVER,
  },
};

/** Every activity but those that need the time budget of an algorithm, which are of {@link fittingWithin}. */
export const activities = proxies(OPTIONS) as ActivityInterfaceFor<
  Omit<Activities, keyof ActivitiesOfClass<BudgetedClass>>
>;

export type Fitting = ActivityInterfaceFor<ActivitiesOfClass<BudgetedClass>>;

/**
 * Fits, and what needs their model. Nobody can say how long one fit takes, so each may use the algorithm's whole
 * budget: its workflow ends them all when that is spent. What writes into a version's folder has stopped before the
 * workflow goes on, so that nothing is added to it after it was tidied up.
 */
export function fittingWithin(budgetSeconds: number): Fitting {
  const budget = `${budgetSeconds} seconds` as const;
  const fit: ActivityOptions = {
    startToCloseTimeout: budget,
    scheduleToCloseTimeout: budget,
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: RETRY,
  };
  const version = { ...fit, cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED };
  return proxies({ fit, version }) as Fitting;
}

/** Activities on their queues, each with the options of its timeout class. */
function proxies(options: Partial<Record<TimeoutClass, ActivityOptions>>): object {
  const called = (name: ActivityName) => {
    const { queue, timeout } = ACTIVITIES[name];
    return activityProxy(name, { taskQueue: TASK_QUEUES[queue], ...options[timeout] });
  };
  return new Proxy({}, { get: (_, name) => called(name as ActivityName) });
}

/** One activity, whose calls carry its summary, so that a run's timeline reads as a story. */
export function activityProxy(name: ActivityName, options: ActivityOptions) {
  const { summary } = ACTIVITIES[name];
  return proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({ ...options, summary })[name]!;
}
