import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { RunLook, StewardActivities } from '../src/contracts/index.js';
import { promoteModel } from '../src/stages/promoteModel.js';
import { readChampion } from '../src/stages/readChampion.js';
import { readStewardPolicy } from '../src/stages/readStewardPolicy.js';
import { rollBackModel } from '../src/stages/rollBackModel.js';
import { weighNewData } from '../src/stages/weighNewData.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

export function createStewardActivities(dependencies: ActivityDependencies): StewardActivities {
  return {
    readStewardPolicy: stageActivity(dependencies, readStewardPolicy),
    readChampion: stageActivity(dependencies, readChampion),
    weighNewData: stageActivity(dependencies, weighNewData),
    promoteModel: stageActivity(dependencies, promoteModel),
    rollBackModel: stageActivity(dependencies, rollBackModel),
    lookAtRun,
  };
}

async function lookAtRun(workflowId: string): Promise<RunLook> {
  try {
    const { status } = await Context.current().client.workflow.getHandle(workflowId).describe();
    return { open: status.name === 'RUNNING' || status.name === 'PAUSED', status: status.name };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { open: false, status: 'NOT_FOUND' };
    throw error;
  }
}
