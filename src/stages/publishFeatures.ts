import type { PublishedFeatures, StageInput } from '../contracts/index.js';
import { openOnlineStore, publishFeatures as publish } from '../data/onlineStore/features.js';
import type { Stage } from './context.js';

/** Brings the online store up to date with gold; `null` where the pipeline has none. */
export const publishFeatures: Stage<StageInput, PublishedFeatures | null> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  if (!pipeline.definition.online_store) return null;
  const { datamart } = context.stores(pipeline);
  const store = await openOnlineStore(pipeline, datamart, context.scratch);
  try {
    const { features, written } = await publish(context, pipeline, datamart, store, new Date().toISOString());
    return { version: features.version, rows: features.rows, written };
  } finally {
    await store.close();
  }
};
