import type { MovedAlias, PromoteModelInput } from '../contracts/index.js';
import { promote } from '../registry/operations.js';
import { CHAMPION } from '../registry/resolve.js';
import type { Stage } from './context.js';

/** Makes a version champion because a person says so. Asked again by the same run, it gives the same answer. */
export const promoteModel: Stage<PromoteModelInput, MovedAlias> = async (context, { pipeline: name, run, model, by, reason }) => {
  const pipeline = await context.pipeline(name);
  const { workflowId, runId } = run;
  return promote(context.stores(pipeline).modelRegistry, pipeline.config.training_config.algorithms, {
    alias: CHAMPION,
    model,
    by: { workflowId, runId, person: by },
    reason,
  });
};
