import type { MoveChampionInput, MovedAlias } from '../contracts/index.js';
import { moveAlias } from '../registry/operations.js';
import { CHAMPION } from '../registry/aliases.js';
import type { Stage } from './context.js';

/** Moves the champion because a person says so. Asked again by the same run, it gives the same answer. */
export const moveChampion: Stage<MoveChampionInput, MovedAlias> = async (
  context,
  { pipeline: name, run, move, model, by, reason },
) => {
  const pipeline = await context.pipeline(name);
  const { workflowId, runId } = run;
  return moveAlias(context.stores(pipeline).modelRegistry, pipeline.config.training_config.algorithms, {
    alias: CHAMPION,
    move,
    model,
    by: { workflowId, runId, person: by },
    reason,
  });
};
