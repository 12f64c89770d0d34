import type { NewData, StageInput } from '../contracts/index.js';
import { isUnlabelled, mayTrain } from '../data/goldAsOf.js';
import { lastLabelledDay } from '../data/labels.js';
import { goldPartitions } from '../data/layers.js';
import { aliasKey, readPointer } from '../registry/pointers.js';
import { CHALLENGER, CHAMPION } from '../registry/aliases.js';
import { readVersion, type Lineage } from '../registry/versions.js';
import { splitDays, trainingSplit } from '../data/trainingSplit.js';
import type { Stage } from './context.js';

/**
 * Whether gold holds enough that the newest training has not seen: partitions within the days of its splits that are
 * new, or differ from those it read. What lies outside them, or has no label that counts, would not be trained on, so it
 * doesn't count.
 */
export const checkNewData: Stage<StageInput, NewData> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const split = trainingSplit(pipeline);
  const newest =
    (await readPointer(stores.modelRegistry, aliasKey(CHALLENGER))) ??
    (await readPointer(stores.modelRegistry, aliasKey(CHAMPION)));
  const seen: Lineage['inputs'] = newest
    ? ((await readVersion(stores.modelRegistry, newest))?.lineage.inputs ?? {})
    : {};

  const within = await Promise.all(
    split.names.map((name) => goldPartitions(stores, splitDays(split, name, input.run.startedAt))),
  );
  const labelledTo = lastLabelledDay(pipeline, input.run.startedAt);
  const partitions = within.flat().filter(({ name, featureStore, labelStore, entry }) => {
    if (!mayTrain(name, isUnlabelled(entry), labelledTo)) return false;
    const read = seen[name];
    return read?.feature_store !== featureStore.checksum || read.label_store !== labelStore.checksum;
  });
  const names = [...new Set(partitions.map(({ name }) => name))];
  return { partitions: names, enough: names.length >= pipeline.config.steward.new_data.min_partitions };
};
