import { ActivityCancellationType, type ActivityInterfaceFor } from '@temporalio/workflow';
import {
  TASK_QUEUES,
  type DataProcessingActivities,
  type InferenceActivities,
  type MonitoringActivities,
  type ComputeActivities,
  type StewardActivities,
  type TrainingActivities,
} from '../../src/contracts/index.js';
import { activityProxies } from './activityProxies.js';

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

/** Attempts, pauses and the wait for a free worker together: a run that stood still over night may go on next morning. */
export const WHOLE_BUDGET = '1 day';

/** Activities beat every 3 s, so ten beats are missing before a worker counts as lost. */
export const HEARTBEAT_TIMEOUT = '30 seconds';

type Quick = Pick<
  TrainingActivities,
  | 'checkModelConfig'
  | 'checkGoldDataExists'
  | 'checkSufficientTrainingData'
  | 'findUnchanged'
  | 'planSearch'
  | 'selectCandidates'
  | 'discardVersion'
> &
  Pick<InferenceActivities, 'resolveModel'> &
  Pick<MonitoringActivities, 'checkPredictionsExist'> &
  Pick<StewardActivities, 'claimTraining'> &
  ComputeActivities;

/**
 * Checks and decisions over a few small documents; seconds at most. As operations they never wait behind rows or an
 * hour of fits, and clean-up works where the training workers are the trouble.
 */
export const quick = activityProxies<Quick>({
  taskQueue: TASK_QUEUES.operations,
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: WHOLE_BUDGET,
  retry: RETRY,
});

type Processing = DataProcessingActivities &
  Pick<TrainingActivities, 'promoteBest'> &
  Omit<InferenceActivities, keyof Quick> &
  Omit<MonitoringActivities, keyof Quick>;

/**
 * Reads or writes rows: 30 minutes is what the documents give a whole run of processing, so one piece is well inside.
 * A cancelled run ends when its work has, so that the next run doesn't find it still writing.
 */
export const processing = activityProxies<Processing>({
  taskQueue: TASK_QUEUES.dataProcessing,
  startToCloseTimeout: '30 minutes',
  scheduleToCloseTimeout: WHOLE_BUDGET,
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: RETRY,
});

/** Needs a training worker's memory; 30 minutes by the documents. When cancelled as {@link processing}. */
export const preprocessing = activityProxies<Pick<TrainingActivities, 'preprocess'>>({
  taskQueue: TASK_QUEUES.modelTraining,
  startToCloseTimeout: '30 minutes',
  scheduleToCloseTimeout: WHOLE_BUDGET,
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: RETRY,
});

/**
 * The steward's looks and moves over small documents. It outlives every outage, so it never gives up by itself:
 * failures that no retry can repair say so, and whoever steers is told of them within the minute.
 */
export const stewarding = activityProxies<Omit<StewardActivities, 'claimTraining' | 'signalSteward'>>({
  taskQueue: TASK_QUEUES.operations,
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** One call to Temporal. A run waits a minute at most before it ends without having told anybody. */
export const telling = activityProxies<Pick<StewardActivities, 'signalSteward'>>({
  taskQueue: TASK_QUEUES.operations,
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '15 seconds' },
});

export type Fitting = ActivityInterfaceFor<
  Pick<TrainingActivities, 'evaluateCandidate' | 'refit' | 'evaluateModel' | 'registerModel'>
>;

/**
 * Fits, and what needs their model. Nobody can say how long one fit takes, so each may use the algorithm's whole
 * budget: its workflow ends them all when that is spent. What writes into a version's folder has stopped before the
 * workflow goes on, so that nothing is added to it after it was tidied up.
 */
export function fittingWithin(budgetSeconds: number): Fitting {
  const budget = `${budgetSeconds} seconds` as const;
  const options = {
    taskQueue: TASK_QUEUES.modelTraining,
    startToCloseTimeout: budget,
    scheduleToCloseTimeout: budget,
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: RETRY,
  };
  const { evaluateCandidate } = activityProxies<Pick<TrainingActivities, 'evaluateCandidate'>>(options);
  const { refit, evaluateModel, registerModel } = activityProxies<
    Pick<TrainingActivities, 'refit' | 'evaluateModel' | 'registerModel'>
  >({
    ...options,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return { evaluateCandidate, refit, evaluateModel, registerModel };
}
