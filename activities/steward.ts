import type { StewardActivities } from '../src/contracts/index.js';
import { claimTraining } from '../src/stages/claimTraining.js';
import { moveChampion } from '../src/stages/moveChampion.js';
import { readChampion } from '../src/stages/readChampion.js';
import { readStewardPolicy } from '../src/stages/readStewardPolicy.js';
import { weighNewData } from '../src/stages/weighNewData.js';
import { look } from './look.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

export function createStewardActivities(dependencies: ActivityDependencies): StewardActivities {
  return {
    readStewardPolicy: stageActivity(dependencies, readStewardPolicy),
    readChampion: stageActivity(dependencies, readChampion),
    weighNewData: stageActivity(dependencies, weighNewData),
    moveChampion: stageActivity(dependencies, moveChampion),
    claimTraining: stageActivity(dependencies, claimTraining(async ({ workflowId, runId }) => (await look(workflowId, runId)).open)),
    lookAtRun: (workflowId) => look(workflowId),
  };
}
