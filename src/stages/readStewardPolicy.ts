import type { StageInput, StewardPolicy } from '../contracts/index.js';
import type { Stage } from './context.js';

/** How the pipeline wants to be looked after, as its config says now. */
export const readStewardPolicy: Stage<StageInput, StewardPolicy> = async (context, input) => {
  const { retrain, cooldown_hours } = (await context.pipeline(input.pipeline)).config.steward;
  return { retrain, cooldownHours: cooldown_hours };
};
