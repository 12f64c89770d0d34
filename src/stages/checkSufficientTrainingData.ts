import type { Check, StageInput } from '../contracts/index.js';
import { goldPartitions } from '../data/layers.js';
import type { Stage } from './context.js';
import { countOf } from '../contracts/counts.js';

/** Whether the feature store has as many partitions as training asks for. */
export const checkSufficientTrainingData: Stage<StageInput, Check> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const partitions = await goldPartitions(context.stores(pipeline));
  const { min_partitions } = pipeline.config.training_config;
  if (partitions.length >= min_partitions) return { status: 'ready' };
  return {
    status: 'skipped',
    reason: `The feature store has ${partitions.length} of the ${countOf(min_partitions, 'partition')} that training asks for: process more data, or lower training_config.min_partitions.`,
  };
};
