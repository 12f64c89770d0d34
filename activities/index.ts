import { pinConfig } from '../src/stages/pinConfig.js';
import { readComputeTarget } from '../src/stages/readComputeTarget.js';
import { createDataProcessingActivities } from './dataProcessing.js';
import { createInferenceActivities } from './inference.js';
import { createMonitoringActivities } from './monitoring.js';
import { createStewardActivities } from './steward.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';
import { createTrainingActivities } from './training.js';

/** Every activity. Each sized worker can do all of them; the task queue decides which is asked. */
export function createActivities(dependencies: ActivityDependencies) {
  return {
    pinConfig: stageActivity(dependencies, pinConfig),
    readComputeTarget: stageActivity(dependencies, readComputeTarget),
    ...createDataProcessingActivities(dependencies),
    ...createTrainingActivities(dependencies),
    ...createInferenceActivities(dependencies),
    ...createMonitoringActivities(dependencies),
    ...createStewardActivities(dependencies),
  };
}
