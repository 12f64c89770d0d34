import type { Pipeline } from '../config/load.js';
import type { DecideRetrainingInput, RetrainingDecision } from '../contracts/index.js';
import { countOf } from '../contracts/counts.js';
import { partitionsAsOf } from '../data/goldAsOf.js';
import { daysBetween } from '../data/periods.js';
import { splitDays, trainingSplit } from '../data/trainingSplit.js';
import { decideRetraining as decide } from '../monitoring/retraining.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { aliasKey, readPointer } from '../registry/pointers.js';
import { CHAMPION } from '../registry/aliases.js';
import { readTracker } from '../registry/timeline.js';
import type { Stage } from './context.js';

/** Whether a period trains, by `retraining` of the config, the last retraining and how the champion did on the period before. */
export const decideRetraining: Stage<DecideRetrainingInput, RetrainingDecision> = async (
  context,
  { pipeline: name, period, trainAsOf, evaluation },
) => {
  const pipeline = await context.pipeline(name);
  const stores = context.stores(pipeline);
  const tracker = await readTracker(stores.modelRegistry);
  const champion = await readPointer(stores.modelRegistry, aliasKey(CHAMPION));
  return decide(pipeline.config.retraining, {
    days: tracker ? daysBetween(tracker.last_retraining_date, period.from) : null,
    hasModel: champion !== undefined,
    lacking: await lackingData(pipeline, stores, trainAsOf),
    evaluation,
  });
};

/** Why there is too little to train on: a split without rows yet, or fewer partitions than `training_config.min_partitions`. */
async function lackingData(pipeline: Pipeline, stores: Stores, asOf: string): Promise<string | undefined> {
  const split = trainingSplit(pipeline);
  const seen = new Set<string>();
  for (const name of split.names) {
    const partitions = await partitionsAsOf(stores, splitDays(split, name, asOf), asOf);
    if (partitions.length === 0) return `The ${name} split has no rows by ${asOf} yet.`;
    for (const { name } of partitions) seen.add(name);
  }
  const { min_partitions } = pipeline.config.training_config;
  if (seen.size >= min_partitions) return undefined;
  return `The days that a training uses have ${seen.size} of ${countOf(min_partitions, 'partition')} by ${asOf}.`;
}
