import type { WorkflowDefinitionOptions } from '@temporalio/common';
import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';
import { backfill } from './backfill.js';
import { dataProcessing } from './dataProcessing.js';
import { inferenceOutage } from './inferenceOutage.js';
import { lifecycle } from './lifecycle.js';
import { lifecycleOfPeriod } from './lifecycleOfPeriod.js';
import { modelInference } from './modelInference.js';
import { modelMonitoring } from './modelMonitoring.js';
import { modelTraining } from './modelTraining.js';
import { steward } from './steward.js';
import { trainAlgorithm } from './trainAlgorithm.js';

// An unforeseen error ends the run with its message, where the default would try the same workflow task for ever.
const options = { failureExceptionTypes: [Error] };
/**
 * Goes on with the version that is current; other runs stay with the one that they began with. A worker without
 * versions must not say so: the server refuses its every task.
 */
const longLived = (): WorkflowDefinitionOptions =>
  workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'AUTO_UPGRADE' } : {};
setWorkflowOptions(options, lifecycle);
setWorkflowOptions(() => ({ ...options, ...longLived() }), backfill);
setWorkflowOptions(options, lifecycleOfPeriod);
setWorkflowOptions(options, dataProcessing);
setWorkflowOptions(options, modelTraining);
setWorkflowOptions(options, trainAlgorithm);
setWorkflowOptions(options, modelInference);
setWorkflowOptions(() => ({ ...options, ...longLived() }), inferenceOutage);
setWorkflowOptions(options, modelMonitoring);
// It lives on through a fault in its code, which a new version repairs.
setWorkflowOptions(longLived, steward);

export {
  lifecycle,
  backfill,
  lifecycleOfPeriod,
  dataProcessing,
  modelTraining,
  trainAlgorithm,
  modelInference,
  inferenceOutage,
  modelMonitoring,
  steward,
};
