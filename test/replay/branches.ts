import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  BACKFILL,
  STEWARD,
  stewardIdOf,
  TASK_QUEUES,
  type Activities,
  type BackfillState,
  type Period,
  type StewardEvent,
  type StewardInput,
  type StewardSnapshot,
} from '../../src/contracts/index.js';
import { until } from '../support/until.js';
import {
  ALGORITHMS,
  evaluateExcept,
  PARTITIONS,
  weeksFrom,
  untilCancelled,
  fakeActivities,
  nothingToRefine,
  onEcs,
  planRace,
  planStudy,
  refitExcept,
  refusing,
  testsFailing,
  skipping,
  TRAIN_XGBOOST,
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
  /** A schedule starts it, rather than a person. */
  scheduled?: true;
  /** The pipeline has a steward, who starts nothing. */
  stewarded?: true;
  /** How the run ends; where it continued as new, the last of its runs. */
  ends: 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TERMINATED';
}

const input = { pipeline: 'readmission', asOf: '2008-12-31' };
const completed = { ends: 'COMPLETED', input } as const;
const skip = skipping('There is nothing to do.');
const endless = { evaluateCandidate: untilCancelled };
/** Late from the start, and down at once. */
const late = { readServiceLevel: () => Promise.resolve({ lateAfterMinutes: 0, downAfterMinutes: -1 }) };

const OUTAGE = { pipeline: 'readmission', since: '2008-12-31T06:00:00.000Z' };
const BUSY = { status: 'skipped', reason: 'A training is already running: by-hand', busyWith: 'by-hand' } as const;

const DONE = PARTITIONS.slice(0, -1);
const WEEKS = weeksFrom('2022-01-16', 3);
const [WEEK] = WEEKS as [Period];
const backfilled = {
  input: { pipeline: 'readmission', from: WEEK.from, periods: 3, asOf: '2025-01-05' },
  ends: 'COMPLETED',
} as const;
/** The first week is done, and the others are run again. */
const onceMore: Partial<Activities> = {
  planBackfill: () =>
    Promise.resolve({
      ...{ by: 'week', periods: WEEKS.slice(1), done: 1, first: false },
      again: { drop: WEEKS.slice(1), before: { algorithm: 'xgboost', version: 'v1' } },
    }),
};

/** Every branch that has a stored history, by the file's name. */
export const BRANCHES: Record<string, Branch> = {
  'lifecycle.completed': { workflow: 'lifecycle', ...completed },
  'lifecycle.failed': { workflow: 'lifecycle', input, changes: { refit: refitExcept(...ALGORITHMS) }, ends: 'FAILED' },
  'lifecycle.cancelled': {
    workflow: 'lifecycle',
    input,
    changes: endless,
    meanwhile: cancelDuring('evaluateCandidate'),
    ends: 'CANCELLED',
  },
  'dataProcessing.completed': { workflow: 'dataProcessing', ...completed },
  'dataProcessing.looked': { workflow: 'dataProcessing', ...completed, changes: partlyDone() },
  'dataProcessing.underBackfill': {
    workflow: 'dataProcessing',
    ...completed,
    changes: { findBackfill: () => Promise.resolve('readmission-backfill') },
    scheduled: true,
  },
  'dataProcessing.skipped': { workflow: 'dataProcessing', ...completed, changes: nothingToRefine() },
  'dataProcessing.failed': { workflow: 'dataProcessing', input, changes: { gold: failing }, ends: 'FAILED' },
  'dataProcessing.onEcs': { workflow: 'dataProcessing', ...completed, changes: onEcs },
  'dataProcessing.onEcsFailed': {
    workflow: 'dataProcessing',
    input,
    changes: { ...onEcs, gold: failing },
    ends: 'FAILED',
  },
  'dataProcessing.late': { workflow: 'dataProcessing', ...completed, changes: { ...late, bronze: slowly('bronze') } },
  'dataProcessing.cancelled': {
    workflow: 'dataProcessing',
    input,
    changes: { silver: untilCancelled },
    meanwhile: cancelDuring('silver'),
    ends: 'CANCELLED',
  },
  'backfill.completed': { workflow: 'backfill', ...backfilled, changes: trainsInWeek('2022-01-23') },
  'backfill.drawn': { workflow: 'backfill', ...backfilled },
  'backfill.continuedAsNew': { workflow: 'backfill', ...backfilled, input: { ...backfilled.input, periodsARun: 2 } },
  'backfill.again': { workflow: 'backfill', ...backfilled, changes: onceMore },
  'backfill.steered': { workflow: 'backfill', ...backfilled, meanwhile: pauseAndResume },
  'backfill.busy': { workflow: 'backfill', ...backfilled, changes: { claimTraining: () => Promise.resolve(BUSY) } },
  'backfill.failed': { workflow: 'backfill', ...backfilled, changes: { gold: failing }, ends: 'FAILED' },
  'lifecycleOfPeriod.trained': {
    workflow: 'lifecycleOfPeriod',
    input: {
      ...{ pipeline: 'readmission', by: 'week', period: WEEK, first: true, again: false },
      claimedBy: { workflowId: 'readmission-backfill', runId: 'abcdef12', startedAt: '2022-01-16T06:00:00.000Z' },
    },
    changes: trainsInWeek(WEEK.from),
    ends: 'COMPLETED',
  },
  'modelTraining.completed': { workflow: 'modelTraining', ...completed },
  'modelTraining.onEcs': { workflow: 'modelTraining', ...completed, changes: onEcs },
  'modelTraining.partial': {
    workflow: 'modelTraining',
    ...completed,
    changes: { refit: refitExcept('random_forest') },
  },
  'modelTraining.skipped': { workflow: 'modelTraining', ...completed, changes: { checkSufficientTrainingData: skip } },
  'modelTraining.notConfigured': { workflow: 'modelTraining', ...completed, changes: { checkModelConfig: skip } },
  'modelTraining.noGold': { workflow: 'modelTraining', ...completed, changes: { checkGoldDataExists: skip } },
  'modelTraining.unchanged': {
    workflow: 'modelTraining',
    ...completed,
    changes: {
      findUnchanged: ({ algorithms }) =>
        Promise.resolve({ unchanged: algorithms.map((algorithm) => ({ algorithm, version: 'v1' })) }),
    },
  },
  'modelTraining.someUnchanged': {
    workflow: 'modelTraining',
    ...completed,
    changes: { findUnchanged: () => Promise.resolve({ unchanged: [{ algorithm: 'xgboost', version: 'v1' }] }) },
  },
  'modelTraining.testsFailed': {
    workflow: 'modelTraining',
    ...completed,
    changes: { testModel: testsFailing, promoteBest: refusing },
  },
  'modelTraining.scheduled': { workflow: 'modelTraining', ...completed, scheduled: true },
  'modelTraining.leftToSteward': {
    workflow: 'modelTraining',
    ends: 'COMPLETED',
    input: { pipeline: 'left' },
    scheduled: true,
    stewarded: true,
  },
  'modelTraining.late': {
    workflow: 'modelTraining',
    ...completed,
    changes: { ...late, preprocess: slowly('preprocess') },
  },
  'modelTraining.busy': {
    workflow: 'modelTraining',
    ...completed,
    changes: { claimTraining: () => Promise.resolve(BUSY) },
  },
  'modelTraining.failed': {
    workflow: 'modelTraining',
    input,
    changes: { refit: refitExcept(...ALGORITHMS) },
    ends: 'FAILED',
  },
  'modelTraining.cancelled': {
    workflow: 'modelTraining',
    input,
    changes: endless,
    meanwhile: cancelDuring('evaluateCandidate'),
    ends: 'CANCELLED',
  },
  'modelTraining.cancelledTooLate': {
    workflow: 'modelTraining',
    ...completed,
    changes: { promoteBest: slowly('promoteBest') },
    meanwhile: cancelDuring('promoteBest'),
  },
  'trainAlgorithm.completed': { workflow: 'trainAlgorithm', ...completed, input: TRAIN_XGBOOST },
  'trainAlgorithm.onEcs': { workflow: 'trainAlgorithm', ...completed, input: { ...TRAIN_XGBOOST, compute: 'ecs' } },
  'trainAlgorithm.onEcsCancelled': {
    workflow: 'trainAlgorithm',
    input: { ...TRAIN_XGBOOST, compute: 'ecs' },
    changes: { trainAlgorithm: untilCancelled },
    meanwhile: cancelDuring('trainAlgorithm'),
    ends: 'CANCELLED',
  },
  'trainAlgorithm.raced': {
    workflow: 'trainAlgorithm',
    ...completed,
    input: TRAIN_XGBOOST,
    changes: { planSearch: planRace },
  },
  'trainAlgorithm.studied': {
    workflow: 'trainAlgorithm',
    ...completed,
    input: TRAIN_XGBOOST,
    changes: { planSearch: planStudy, evaluateCandidate: evaluateExcept(1) },
  },
  'trainAlgorithm.candidateFailed': {
    workflow: 'trainAlgorithm',
    ...completed,
    input: TRAIN_XGBOOST,
    changes: { evaluateCandidate: evaluateExcept(1) },
  },
  'trainAlgorithm.candidatesFailed': {
    workflow: 'trainAlgorithm',
    input: TRAIN_XGBOOST,
    changes: { evaluateCandidate: failing },
    ends: 'FAILED',
  },
  'trainAlgorithm.failed': {
    workflow: 'trainAlgorithm',
    input: TRAIN_XGBOOST,
    changes: { refit: failing },
    ends: 'FAILED',
  },
  'trainAlgorithm.notDiscarded': {
    workflow: 'trainAlgorithm',
    input: TRAIN_XGBOOST,
    changes: { refit: failing, discardVersion: failing },
    ends: 'FAILED',
  },
  'trainAlgorithm.timedOut': {
    workflow: 'trainAlgorithm',
    input: { ...TRAIN_XGBOOST, timeoutSeconds: 1 },
    changes: endless,
    ends: 'FAILED',
  },
  'trainAlgorithm.cancelled': {
    workflow: 'trainAlgorithm',
    input: TRAIN_XGBOOST,
    changes: endless,
    meanwhile: cancelDuring('evaluateCandidate'),
    ends: 'CANCELLED',
  },
  'modelInference.completed': { workflow: 'modelInference', ...completed },
  'modelInference.onEcs': { workflow: 'modelInference', ...completed, changes: onEcs },
  'modelInference.skipped': { workflow: 'modelInference', ...completed, changes: { findNewRows: skip } },
  'modelInference.noModel': { workflow: 'modelInference', ...completed, changes: { resolveModel: skip } },
  'modelInference.underBackfill': {
    workflow: 'modelInference',
    ...completed,
    changes: { findBackfill: () => Promise.resolve('readmission-backfill') },
    scheduled: true,
  },
  'modelInference.failed': { workflow: 'modelInference', input, changes: { predict: failing }, ends: 'FAILED' },
  // Recorded right after the one before, which is watched.
  'modelInference.failedAgain': { workflow: 'modelInference', input, changes: { predict: failing }, ends: 'FAILED' },
  'modelInference.down': {
    workflow: 'modelInference',
    ...completed,
    changes: { ...late, predict: slowly('predict', 5) },
  },
  'modelInference.cancelled': {
    workflow: 'modelInference',
    input,
    changes: { predict: untilCancelled },
    meanwhile: cancelDuring('predict'),
    ends: 'CANCELLED',
  },
  'inferenceOutage.recovered': {
    workflow: 'inferenceOutage',
    ...completed,
    input: OUTAGE,
    changes: { ...late, checkInferenceOutage: downOnce() },
  },
  'inferenceOutage.unsure': {
    workflow: 'inferenceOutage',
    ...completed,
    input: OUTAGE,
    changes: { ...late, checkInferenceOutage: unsureOnce() },
  },
  'steward.retrained': stewardBranch('retrained', async (steward, calls) => {
    await ask(steward, 'a');
    await until(() => calls.writeReport.length > 0);
  }),
  'steward.cooledDown': stewardBranch('cooled-down', async (steward, calls) => {
    await ask(steward, 'a');
    await until(() => calls.preprocess.length === 1);
    await ask(steward, 'b');
    await until(() => calls.preprocess.length === 2);
  }),
  'steward.approved': stewardBranch('approved', async (steward, calls) => {
    await steward.signal(STEWARD.signals.driftDetected, { severity: 'moderate', report: 'report_1' });
    await until(async () => (await steward.query<StewardSnapshot>(STEWARD.queries.state)).awaitingApproval !== null);
    await steward.executeUpdate(STEWARD.updates.approve, { args: [{ by: 'ana' }] });
    await until(() => calls.writeReport.length > 0);
  }),
  'steward.steered': stewardBranch('steered', async (steward, calls) => {
    await steward.executeUpdate(STEWARD.updates.pause, { args: [{ by: 'ana' }] });
    await steward.executeUpdate(STEWARD.updates.promote, { args: [{ by: 'ana', model: { alias: 'challenger' } }] });
    await steward.executeUpdate(STEWARD.updates.rollback, { args: [{ by: 'ana' }] });
    await steward.executeUpdate(STEWARD.updates.resume, { args: [{ by: 'ana' }] });
    await until(() => calls.writeReport.length > 0);
  }),
  'steward.declined': stewardBranch('declined', async (steward) => {
    await steward.signal(STEWARD.signals.driftDetected, { severity: 'moderate', report: 'report_1' });
    await until(async () => (await steward.query<StewardSnapshot>(STEWARD.queries.state)).awaitingApproval !== null);
    await steward.executeUpdate(STEWARD.updates.approve, { args: [{ by: 'ana', approved: false }] });
  }),
  'steward.heldUp': stewardBranch(
    'held-up',
    async (steward) => {
      await ask(steward, 'a');
      await until(async () => (await steward.query<StewardSnapshot>(STEWARD.queries.state)).heldUp !== null);
    },
    { changes: { readStewardPolicy: failing } },
  ),
  'steward.busy': stewardBranch(
    'busy',
    async (steward) => {
      await ask(steward, 'a');
      await until(
        async () =>
          (await steward.query<StewardSnapshot>(STEWARD.queries.state)).inFlight.training?.workflowId === BUSY.busyWith,
      );
    },
    { changes: { claimTraining: () => Promise.resolve(BUSY) } },
  ),
  'steward.newData': stewardBranch('new-data', async (steward, calls) => {
    await steward.signal(STEWARD.signals.runEnded, {
      workflowId: 'by-hand',
      runId: 'r',
      phase: 'processing',
      outcome: 'completed',
    });
    await until(() => calls.writeReport.length > 0);
  }),
  'steward.refused': stewardBranch(
    'refused',
    async (steward) => {
      await steward.executeUpdate(STEWARD.updates.promote, { args: [{ by: 'ana' }] }).catch(() => undefined);
    },
    { changes: { moveChampion: failing } },
  ),
  'steward.runsAlready': stewardBranch(
    'runs-already',
    async (steward, calls) => {
      const workflowId = `${steward.workflowId}-training-1`;
      const training = await steward.client.start('modelTraining', {
        workflowId,
        taskQueue: TASK_QUEUES.orchestrator,
        args: [{ pipeline: 'readmission' }],
      });
      await until(() => calls.preprocess.length > 0);
      await ask(steward, 'a');
      await until(async () =>
        (await steward.query<StewardEvent[]>(STEWARD.queries.history)).some(
          ({ what }) => what === `${workflowId} runs already`,
        ),
      );
      await training.terminate();
    },
    { changes: { preprocess: untilCancelled } },
  ),
  'steward.resynced': stewardBranch(
    'resynced',
    async (steward, calls) => {
      await ask(steward, 'a');
      await until(() => calls.describeRun.length > 0 && calls.sendAlerts.length > 0);
    },
    {
      input: { resyncSeconds: 1 },
      changes: {
        claimTraining: () => Promise.resolve(BUSY),
        describeRun: () => Promise.resolve({ open: false, status: 'TERMINATED' }),
        checkDueInference: neverStarted,
      },
    },
  ),
  'steward.cancelled': {
    ...stewardBranch('cancelled', async () => {}),
    meanwhile: cancelDuring('readChampion'),
    ends: 'CANCELLED',
  },
  'steward.continuedAsNew': stewardBranch(
    'continued',
    async (steward, calls) => {
      for (const id of ['a', 'b', 'c', 'd']) await ask(steward, id);
      await until(() => calls.writeReport.length > 0);
    },
    { input: { signalsARun: 3 } },
  ),
  'modelMonitoring.completed': { workflow: 'modelMonitoring', ...completed },
  'modelMonitoring.onEcs': { workflow: 'modelMonitoring', ...completed, changes: onEcs },
  'modelMonitoring.drifted': {
    workflow: 'modelMonitoring',
    ends: 'COMPLETED',
    input: { pipeline: 'drifted' },
    changes: { writeReport: condemning },
    stewarded: true,
  },
  'modelMonitoring.failed': {
    workflow: 'modelMonitoring',
    input,
    changes: { measurePerformance: failing },
    ends: 'FAILED',
  },
  'modelMonitoring.late': {
    workflow: 'modelMonitoring',
    ...completed,
    changes: { ...late, writeReport: slowly('writeReport') },
  },
  'modelMonitoring.cancelled': {
    workflow: 'modelMonitoring',
    input,
    changes: { writeReport: untilCancelled },
    meanwhile: cancelDuring('writeReport'),
    ends: 'CANCELLED',
  },
  'modelMonitoring.skipped': { workflow: 'modelMonitoring', ...completed, changes: { checkPredictionsExist: skip } },
};

/** A steward that is ended after a while. */
function stewardBranch(
  pipeline: string,
  meanwhile: NonNullable<Branch['meanwhile']>,
  { input, changes }: { input?: Partial<StewardInput>; changes?: Partial<Activities> } = {},
): Branch {
  const retrain = {
    drift: 'approve',
    severe_drift: 'auto',
    performance_drop: 'auto',
    new_data: 'auto',
    schedule: 'auto',
  } as const;
  return {
    workflow: 'steward',
    workflowId: stewardIdOf(pipeline),
    input: { pipeline, ...input },
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

/** An activity that does its work, and takes its time. */
function slowly<Name extends keyof Activities>(name: Name, seconds = 1): Activities[Name] {
  const work = fakeActivities().activities[name] as (asked: unknown) => Promise<unknown>;
  return (async (asked: unknown) => {
    await sleep(seconds * 1_000);
    return work(asked);
  }) as Activities[Name];
}

function downOnce(): Activities['checkInferenceOutage'] {
  let looks = 0;
  return ({ pipeline, since }) =>
    Promise.resolve({ condition: 'inference_down', pipeline, at: since, since: ++looks === 1 ? since : null });
}

function unsureOnce(): Activities['checkInferenceOutage'] {
  let looks = 0;
  return ({ pipeline, since }) =>
    ++looks === 1 ? failing() : Promise.resolve({ condition: 'inference_down', pipeline, at: since, since: null });
}

function neverStarted(pipeline: string): ReturnType<Activities['checkDueInference']> {
  const { since } = OUTAGE;
  return Promise.resolve({ condition: 'inference_down', pipeline, at: since, since });
}

/** A report that asks for a retraining, for each reason there is. */
function condemning(): ReturnType<Activities['writeReport']> {
  const verdict = {
    drift: true,
    performance_drop: true,
    missing: true,
    retrain: true,
    conclusion: 'attention' as const,
    not_measured: {},
  };
  return Promise.resolve({
    report: { uri: 'file:///store/report.json', checksum: 'c0ffee' },
    verdict,
    severity: 'severe',
  });
}

function cancelDuring(activity: keyof Activities): NonNullable<Branch['meanwhile']> {
  return async (handle, calls) => {
    await until(() => calls[activity].length > 0);
    await handle.cancel();
  };
}

function trainsInWeek(first: string): Partial<Activities> {
  const due = { retrain: true, because: 'age', reason: 'The last retraining lies 91 days back.' } as const;
  return {
    decideRetraining: (asked) =>
      asked.period.from === first ? Promise.resolve(due) : fakeActivities().activities.decideRetraining(asked),
  };
}

/** A look finds that all but one partition is up to date. */
function partlyDone(): Partial<Activities> {
  const { silver, gold } = fakeActivities().activities;
  return {
    silver: (asked) => (asked.dryRun ? silver({ ...asked, dryRun: false, partitions: DONE }) : silver(asked)),
    gold: (asked) => (asked.dryRun ? gold({ ...asked, dryRun: false, partitions: DONE }) : gold(asked)),
  };
}

async function pauseAndResume(handle: WorkflowHandle, calls: Fakes['calls']): Promise<void> {
  await until(() => calls.evaluatePeriod.length > 0);
  await handle.executeUpdate(BACKFILL.updates.pause, { args: [{ by: 'ana' }] });
  await until(async () => (await handle.query<BackfillState>(BACKFILL.queries.state)).now === null);
  await handle.executeUpdate(BACKFILL.updates.resume, { args: [{ by: 'ana' }] });
}
