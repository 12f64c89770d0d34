import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { STEWARD, stewardIdOf, type StewardState } from '../../src/contracts/index.js';
import { until } from '../support/until.js';
import {
  ALGORITHMS,
  evaluateExcept,
  untilCancelled,
  fakeActivities,
  nothingToRefine,
  onEcs,
  planRace,
  refitExcept,
  skipping,
  TRAIN_XGBOOST,
  type Activities,
  type Fakes,
} from '../workflow/support/fakeActivities.js';
import type { AllWorkflows } from '../workflow/support/timeSkipping.js';

/** A way through a workflow. */
export interface Branch {
  workflow: keyof AllWorkflows;
  input: object;
  /** Activities that differ from those of a run that goes well. */
  changes?: Partial<Activities>;
  /** What happens to the run from outside. */
  meanwhile?: (handle: WorkflowHandle, calls: Fakes['calls']) => Promise<void>;
  /** @default the branch's name */
  workflowId?: string;
  /** How the run ends; where it continued as new, the last of its runs. */
  ends: 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TERMINATED';
}

const input = { pipeline: 'readmission', asOf: '2008-12-31' };
const completed = { ends: 'COMPLETED', input } as const;
const skip = skipping('There is nothing to do.');
const slow = { evaluateCandidate: untilCancelled };
/** Late from the start, and down at once. */
const late = { serviceLevel: () => Promise.resolve({ lateAfterMinutes: 0, downAfterMinutes: -1 }) };

const BUSY = { status: 'skipped', reason: 'A training is already running: by-hand', busyWith: 'by-hand' } as const;

/** Every branch that has a stored history, by the file's name. */
export const BRANCHES: Record<string, Branch> = {
  'lifecycle.completed': { workflow: 'lifecycle', ...completed },
  'lifecycle.failed': { workflow: 'lifecycle', input, changes: { refit: refitExcept(...ALGORITHMS) }, ends: 'FAILED' },
  'dataProcessing.completed': { workflow: 'dataProcessing', ...completed },
  'dataProcessing.skipped': { workflow: 'dataProcessing', ...completed, changes: nothingToRefine() },
  'dataProcessing.failed': { workflow: 'dataProcessing', input, changes: { gold: failing }, ends: 'FAILED' },
  'dataProcessing.onEcs': { workflow: 'dataProcessing', ...completed, changes: onEcs },
  'dataProcessing.onEcsFailed': { workflow: 'dataProcessing', input, changes: { ...onEcs, gold: failing }, ends: 'FAILED' },
  'dataProcessing.late': { workflow: 'dataProcessing', ...completed, changes: { ...late, bronze: afterTheAlert } },
  'modelTraining.completed': { workflow: 'modelTraining', ...completed },
  'modelTraining.onEcs': { workflow: 'modelTraining', ...completed, changes: onEcs },
  'modelTraining.partial': { workflow: 'modelTraining', ...completed, changes: { refit: refitExcept('random_forest') } },
  'modelTraining.skipped': { workflow: 'modelTraining', ...completed, changes: { checkSufficientTrainingData: skip } },
  'modelTraining.busy': { workflow: 'modelTraining', ...completed, changes: { claimTraining: () => Promise.resolve(BUSY) } },
  'modelTraining.failed': { workflow: 'modelTraining', input, changes: { refit: refitExcept(...ALGORITHMS) }, ends: 'FAILED' },
  'modelTraining.cancelled': { workflow: 'modelTraining', input, changes: slow, meanwhile: cancelDuring('evaluateCandidate'), ends: 'CANCELLED' },
  'trainAlgorithm.completed': { workflow: 'trainAlgorithm', ...completed, input: TRAIN_XGBOOST },
  'trainAlgorithm.onEcs': { workflow: 'trainAlgorithm', ...completed, input: { ...TRAIN_XGBOOST, compute: 'ecs' } },
  'trainAlgorithm.onEcsCancelled': { workflow: 'trainAlgorithm', input: { ...TRAIN_XGBOOST, compute: 'ecs' }, changes: { trainAlgorithm: untilCancelled }, meanwhile: cancelDuring('trainAlgorithm'), ends: 'CANCELLED' },
  'trainAlgorithm.raced': { workflow: 'trainAlgorithm', ...completed, input: TRAIN_XGBOOST, changes: { planSearch: planRace } },
  'trainAlgorithm.candidateFailed': { workflow: 'trainAlgorithm', ...completed, input: TRAIN_XGBOOST, changes: { evaluateCandidate: evaluateExcept(1) } },
  'trainAlgorithm.timedOut': { workflow: 'trainAlgorithm', input: { ...TRAIN_XGBOOST, timeoutSeconds: 1 }, changes: slow, ends: 'FAILED' },
  'trainAlgorithm.cancelled': { workflow: 'trainAlgorithm', input: TRAIN_XGBOOST, changes: slow, meanwhile: cancelDuring('evaluateCandidate'), ends: 'CANCELLED' },
  'modelInference.completed': { workflow: 'modelInference', ...completed },
  'modelInference.onEcs': { workflow: 'modelInference', ...completed, changes: onEcs },
  'modelInference.skipped': { workflow: 'modelInference', ...completed, changes: { findNewRows: skip } },
  'modelInference.failed': { workflow: 'modelInference', input, changes: { predict: failing }, ends: 'FAILED' },
  'inferenceOutage.recovered': { workflow: 'inferenceOutage', ...completed, input: { pipeline: 'readmission', since: '2008-12-31T06:00:00.000Z' }, changes: { ...late, lookForInference: downOnce() } },
  'steward.retrained': stewardship('retrained', async (steward, calls) => {
    await ask(steward, 'a');
    await until(() => calls.writeReport.length > 0);
  }),
  'steward.cooledDown': stewardship('cooled-down', async (steward, calls) => {
    await ask(steward, 'a');
    await until(() => calls.preprocess.length === 1);
    await ask(steward, 'b');
    await until(() => calls.preprocess.length === 2);
  }),
  'steward.approved': stewardship('approved', async (steward, calls) => {
    await steward.signal(STEWARD.signals.driftDetected, { severity: 'moderate', report: 'report_1' });
    await until(async () => (await steward.query<StewardState>(STEWARD.queries.state)).awaitingApproval !== null);
    await steward.executeUpdate(STEWARD.updates.approve, { args: [{ by: 'ana' }] });
    await until(() => calls.writeReport.length > 0);
  }),
  'steward.steered': stewardship('steered', async (steward, calls) => {
    await steward.executeUpdate(STEWARD.updates.pause, { args: [{ by: 'ana' }] });
    await steward.executeUpdate(STEWARD.updates.promote, { args: [{ by: 'ana', model: { alias: 'challenger' } }] });
    await steward.executeUpdate(STEWARD.updates.rollback, { args: [{ by: 'ana' }] });
    await steward.executeUpdate(STEWARD.updates.resume, { args: [{ by: 'ana' }] });
    await until(() => calls.writeReport.length > 0);
  }),
  'steward.declined': stewardship('declined', async (steward) => {
    await steward.signal(STEWARD.signals.driftDetected, { severity: 'moderate', report: 'report_1' });
    await until(async () => (await steward.query<StewardState>(STEWARD.queries.state)).awaitingApproval !== null);
    await steward.executeUpdate(STEWARD.updates.approve, { args: [{ by: 'ana', approved: false }] });
  }),
  'steward.heldUp': stewardship(
    'held-up',
    async (steward) => {
      await ask(steward, 'a');
      await until(async () => (await steward.query<StewardState>(STEWARD.queries.state)).heldUp !== null);
    },
    { changes: { readStewardPolicy: failing } },
  ),
  'steward.busy': stewardship(
    'busy',
    async (steward) => {
      await ask(steward, 'a');
      await until(async () => (await steward.query<StewardState>(STEWARD.queries.state)).inFlight.training?.workflowId === BUSY.busyWith);
    },
    { changes: { claimTraining: () => Promise.resolve(BUSY) } },
  ),
  'steward.continuedAsNew': stewardship('continued', async (steward, calls) => {
    for (const id of ['a', 'b', 'c', 'd']) await ask(steward, id);
    await until(() => calls.writeReport.length > 0);
  }, { signalsARun: 3 }),
  'modelMonitoring.completed': { workflow: 'modelMonitoring', ...completed },
  'modelMonitoring.onEcs': { workflow: 'modelMonitoring', ...completed, changes: onEcs },
  'modelMonitoring.skipped': { workflow: 'modelMonitoring', ...completed, changes: { checkPredictionsExist: skip } },
};

/** A steward that is ended after a while. */
function stewardship(
  pipeline: string,
  meanwhile: NonNullable<Branch['meanwhile']>,
  { signalsARun, changes }: { signalsARun?: number; changes?: Partial<Activities> } = {},
): Branch {
  const retrain = { drift: 'approve', severe_drift: 'auto', performance_drop: 'auto', new_data: 'auto', schedule: 'auto' } as const;
  return {
    workflow: 'steward',
    workflowId: stewardIdOf(pipeline),
    input: { pipeline, signalsARun },
    changes: { readStewardPolicy: () => Promise.resolve({ retrain, cooldownHours: 1 / 3600 }), ...changes },
    meanwhile: async (steward, calls) => {
      await meanwhile(steward, calls);
      await steward.terminate();
    },
    ends: 'TERMINATED',
  };
}

async function ask(steward: WorkflowHandle, requestId: string): Promise<void> {
  await steward.signal(STEWARD.signals.requestRetrain, { reason: 'a test', triggeredBy: 'ana', requestId });
}

function failing(): Promise<never> {
  return Promise.reject(ApplicationFailure.nonRetryable('The disk is full; make room.', 'StoreFull'));
}

async function afterTheAlert(asked: Parameters<Activities['bronze']>[0]): ReturnType<Activities['bronze']> {
  await sleep(1_000);
  return fakeActivities().activities.bronze(asked);
}

function downOnce(): Activities['lookForInference'] {
  let looks = 0;
  return ({ pipeline, since }) => Promise.resolve({ condition: 'inference_down', pipeline, at: since, since: ++looks === 1 ? since : null });
}

function cancelDuring(activity: keyof Activities): NonNullable<Branch['meanwhile']> {
  return async (handle, calls) => {
    await until(() => calls[activity].length > 0);
    await handle.cancel();
  };
}
