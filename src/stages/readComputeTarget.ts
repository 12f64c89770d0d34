import type { ComputeTarget, ReadComputeTargetInput } from '../contracts/index.js';
import type { Stage } from './context.js';

/** Where the config has the heavy stages of a phase run. */
export const readComputeTarget: Stage<ReadComputeTargetInput, ComputeTarget> = async (context, { pipeline, phase }) =>
  (await context.pipeline(pipeline)).config.compute[phase];
