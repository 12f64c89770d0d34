import { algorithmConfig, algorithmsToTrain, type Pipeline } from '../config/load.js';
import type { CheckModelConfigInput, TrainingPlan } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { Stage } from './context.js';

/** Whether the pipeline's settings are valid, and which algorithms train by them. Throws `NotFound` for an unknown name. */
export const checkModelConfig: Stage<CheckModelConfigInput, TrainingPlan> = async (context, input) => {
  let pipeline: Pipeline;
  try {
    pipeline = await context.pipeline(input.pipeline);
  } catch (error) {
    if (error instanceof PerdureError && error.type === 'ConfigInvalid') return { status: 'skipped', reason: error.message };
    throw error;
  }
  const { config } = pipeline;
  const names = algorithmsToTrain(config, input.algorithms);
  if (names.length === 0) {
    return { status: 'skipped', reason: 'No algorithm is enabled: set one to true in training_config.enabled_algorithms.' };
  }
  return {
    status: 'ready',
    algorithms: names.map((name) => ({ name, timeoutSeconds: algorithmConfig(config, name).timeout_hours * 3600 })),
    ...(config.compute.training === 'ecs' ? { compute: 'ecs' } : {}),
  };
};
