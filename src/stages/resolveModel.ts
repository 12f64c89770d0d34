import type { ResolveModelInput, ResolvedModel } from '../contracts/index.js';
import { resolveModel as resolve } from '../registry/resolve.js';
import type { Stage } from './context.js';

/** Finds the model version that predicts. Throws `NotFound` for a name that nothing answers to. */
export const resolveModel: Stage<ResolveModelInput, ResolvedModel> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  return resolve(modelRegistry, pipeline.config.training_config.algorithms, input.model);
};
