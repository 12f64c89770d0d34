import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { STEWARD, stewardIdOf, type StewardActivities } from '../src/contracts/index.js';
import { claimTraining } from '../src/stages/claimTraining.js';
import { moveChampion } from '../src/stages/moveChampion.js';
import { readChampion } from '../src/stages/readChampion.js';
import { readStewardPolicy } from '../src/stages/readStewardPolicy.js';
import { checkNewData } from '../src/stages/checkNewData.js';
import { look } from './describeRun.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

export function createStewardActivities(dependencies: ActivityDependencies): StewardActivities {
  return {
    readStewardPolicy: stageActivity(dependencies, readStewardPolicy),
    readChampion: stageActivity(dependencies, readChampion),
    checkNewData: stageActivity(dependencies, checkNewData),
    moveChampion: stageActivity(dependencies, moveChampion),
    claimTraining: stageActivity(
      dependencies,
      claimTraining(async ({ workflowId, runId }) => (await look(workflowId, runId)).open),
    ),
    describeRun: (workflowId) => look(workflowId),
    async signalSteward({ pipeline, signal, message }) {
      try {
        await Context.current()
          .client.workflow.getHandle(stewardIdOf(pipeline))
          .signal(STEWARD.signals[signal], message);
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
  };
}
