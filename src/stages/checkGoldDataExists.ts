import type { Check, StageInput } from '../contracts/index.js';
import { goldPartitions } from '../data/layers.js';
import type { Stage } from './context.js';

/** Whether the feature store and the label store hold anything. */
export const checkGoldDataExists: Stage<StageInput, Check> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const partitions = await goldPartitions(context.stores(pipeline));
  if (partitions.length > 0) return { status: 'ready' };
  return { status: 'skipped', reason: 'The feature store and the label store are empty: run data processing first.' };
};
