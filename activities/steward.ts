import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { STEWARD, stewardIdOf, type Activities } from '../src/contracts/index.js';
import { claimTraining } from '../src/stages/claimTraining.js';
import { findBackfill } from '../src/stages/findBackfill.js';
import { look } from './describeRun.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

/** What asks Temporal how runs are doing, or tells the steward. */
export function createStewardActivities(
  dependencies: ActivityDependencies,
): Pick<Activities, 'claimTraining' | 'describeRun' | 'findBackfill' | 'signalSteward'> {
  return {
    claimTraining: stageActivity(
      dependencies,
      claimTraining(async ({ workflowId, runId }) => (await look(workflowId, runId)).open),
    ),
    findBackfill: stageActivity(dependencies, findBackfill(look)),
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
