import type { MovedAlias, RollBackModelInput } from '../contracts/index.js';
import { rollBack } from '../registry/operations.js';
import { CHAMPION } from '../registry/resolve.js';
import type { Stage } from './context.js';

/** Takes the champion back because a person says so. Asked again by the same run, it gives the same answer. */
export const rollBackModel: Stage<RollBackModelInput, MovedAlias> = async (context, { pipeline: name, run, version, by, reason }) => {
  const pipeline = await context.pipeline(name);
  const { workflowId, runId } = run;
  return rollBack(context.stores(pipeline).modelRegistry, pipeline.config.training_config.algorithms, {
    alias: CHAMPION,
    version,
    by: { workflowId, runId, person: by },
    reason,
  });
};
