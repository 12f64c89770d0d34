import type { RunStatus, StageInput } from '../contracts/index.js';
import { readTrainingClaim } from '../registry/trainingClaim.js';
import type { Stage } from './context.js';

/**
 * Id of the backfill that is at work, whoever started it; `null` where none is. A backfill has the claim of the one
 * training at a time from its first period to its last.
 */
export const findBackfill =
  (look: (workflowId: string) => Promise<RunStatus>): Stage<StageInput, string | null> =>
  async (context, { pipeline }) => {
    const { modelRegistry } = context.stores(await context.pipeline(pipeline));
    const holder = await readTrainingClaim(modelRegistry);
    if (!holder) return null;
    // The newest run of that workflow: one that continued as new has yet to take the claim.
    const { open, type } = await look(holder.workflowId);
    return open && type === 'backfill' ? holder.workflowId : null;
  };
