import type { WorkflowHandle } from '@temporalio/client';
import { until } from '../support/until.js';
import {
  ALGORITHMS,
  evaluateExcept,
  evaluateForEver,
  nothingToRefine,
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
  /** How the run ends. */
  ends: 'COMPLETED' | 'FAILED' | 'CANCELLED';
}

const input = { pipeline: 'readmission', asOf: '2008-12-31' };
const completed = { ends: 'COMPLETED', input } as const;
const skip = skipping('There is nothing to do.');
const slow = { evaluateCandidate: evaluateForEver };

/** Every branch that has a stored history, by the file's name. */
export const BRANCHES: Record<string, Branch> = {
  'lifecycle.completed': { workflow: 'lifecycle', ...completed },
  'lifecycle.failed': { workflow: 'lifecycle', input, changes: { refit: refitExcept(...ALGORITHMS) }, ends: 'FAILED' },
  'dataProcessing.completed': { workflow: 'dataProcessing', ...completed },
  'dataProcessing.skipped': { workflow: 'dataProcessing', ...completed, changes: nothingToRefine() },
  'modelTraining.completed': { workflow: 'modelTraining', ...completed },
  'modelTraining.partial': { workflow: 'modelTraining', ...completed, changes: { refit: refitExcept('random_forest') } },
  'modelTraining.skipped': { workflow: 'modelTraining', ...completed, changes: { checkSufficientTrainingData: skip } },
  'modelTraining.failed': { workflow: 'modelTraining', input, changes: { refit: refitExcept(...ALGORITHMS) }, ends: 'FAILED' },
  'modelTraining.cancelled': { workflow: 'modelTraining', input, changes: slow, meanwhile: cancelDuringSearch, ends: 'CANCELLED' },
  'trainAlgorithm.completed': { workflow: 'trainAlgorithm', ...completed, input: TRAIN_XGBOOST },
  'trainAlgorithm.raced': { workflow: 'trainAlgorithm', ...completed, input: TRAIN_XGBOOST, changes: { planSearch: planRace } },
  'trainAlgorithm.candidateFailed': { workflow: 'trainAlgorithm', ...completed, input: TRAIN_XGBOOST, changes: { evaluateCandidate: evaluateExcept(1) } },
  'trainAlgorithm.timedOut': { workflow: 'trainAlgorithm', input: { ...TRAIN_XGBOOST, timeoutSeconds: 1 }, changes: slow, ends: 'FAILED' },
  'trainAlgorithm.cancelled': { workflow: 'trainAlgorithm', input: TRAIN_XGBOOST, changes: slow, meanwhile: cancelDuringSearch, ends: 'CANCELLED' },
  'modelInference.completed': { workflow: 'modelInference', ...completed },
  'modelInference.skipped': { workflow: 'modelInference', ...completed, changes: { findNewRows: skip } },
  'modelMonitoring.completed': { workflow: 'modelMonitoring', ...completed },
  'modelMonitoring.skipped': { workflow: 'modelMonitoring', ...completed, changes: { checkPredictionsExist: skip } },
};

async function cancelDuringSearch(handle: WorkflowHandle, calls: Fakes['calls']): Promise<void> {
  await until(() => calls.evaluateCandidate.length > 0);
  await handle.cancel();
}
