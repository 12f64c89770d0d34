import { loadPipeline } from '../../config/load.js';
import { lookupFeatures, openOnlineStore } from './features.js';
import { openStores, scratchRoot, storeRoot } from '../../platform/storage/stores.js';

/** Features of keys, and of which version they are. */
export interface LookedUp {
  /** Of each key, in the order in which they were asked for; `null` for one that has none. */
  rows: (Record<string, string | number | boolean | null> | null)[];
  features: {
    version: string;
    /** ISO 8601 instant. */
    written_at: string;
    /** ISO 8601 instant from which they may not be used; `null` for never. */
    expires_at: string | null;
    rows: number;
  };
}

export interface FeatureStore {
  /**
   * The newest features of some keys.
   *
   * @param keys texts of the key's column; of a key of several columns, arrays of their texts in the order of `keys`
   * @throws PerdureError `NotFound` where no features were written, or where they are too old by their time to live;
   * `InputInvalid` for a key of another number of columns; `StoreUnavailable` where Redis is away
   */
  lookup(keys: (string | string[])[]): Promise<LookedUp>;
  close(): Promise<void>;
}

/**
 * Opens the features that processing writes for lookup, where `pipeline.json` has `online_store`.
 *
 * @example
 * const features = await openFeatureStore('churn');
 * const { rows } = await features.lookup(['7590-VHVEG']);
 *
 * @param store a folder or `s3://`; by default `PERDURE_STORE`, else `.perdure/store` in the current folder
 * @throws PerdureError `NotFound` for an unknown pipeline, `StoreUnavailable` where Redis is away
 */
export async function openFeatureStore(pipeline: string, store?: string): Promise<FeatureStore> {
  const settings = await loadPipeline(pipeline);
  const root = storeRoot(store);
  const { datamart } = (await openStores(root))(settings);
  const online = await openOnlineStore(settings, datamart, scratchRoot(root));
  return {
    lookup: (keys) => lookupFeatures(settings, online, keys),
    close: () => online.close(),
  };
}
