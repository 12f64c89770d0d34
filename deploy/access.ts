import type { Pipeline } from '../src/config/load.js';
import type { Stores } from '../src/storage/objectStore.js';
import { manifestKey } from '../src/data/layers.js';
import { aliasKey, latestKey } from '../src/registry/pointers.js';
import { versionFolder, versionKey } from '../src/registry/versions.js';

/** Keys of a bucket, with `*` for any characters, that somebody may touch. Writing covers multipart uploads. */
export interface BucketAccess {
  read?: string[];
  write?: string[];
  delete?: string[];
}

/** What a role may do, a bucket of a pipeline. */
export type StoreAccess = Partial<Record<keyof Stores, BucketAccess>>;

/**
 * Any pointer of the registry that says which version counts. Moved by `chooseChampion`, `promoteModel` and
 * `rollBackModel`, which run on the data-processing queue: a training worker never needs to.
 */
export const ALIASES = aliasKey('*');

const PREPROCESSED = 'gold/preprocessed/*';

/** Alerts, and the row counts behind them (`countNewRows`). */
export function orchestratorAccess(): StoreAccess {
  return {
    datamart: { read: [manifestKey('gold')] },
    monitoring: { read: ['alerts/*'], write: ['alerts/*'] },
  };
}

/** The layers, inference, monitoring, the promotion gate and the steward's moves. */
export function dataProcessingAccess({ definition, config }: Pipeline): StoreAccess {
  const { algorithms } = config.training_config;
  const layers = Object.values(definition.layers).map(({ path }) => anyPartition(path));
  return {
    datamart: { read: ['*'], write: ['bronze/*', 'silver/*', manifestKey('gold'), ...layers] },
    modelRegistry: {
      read: ['model_registry/*'],
      write: [ALIASES, ...algorithms.map((algorithm) => versionKey({ algorithm, version: '*' }, 'promotion.json'))],
      // What a failed or cancelled run left (`discardVersion`).
      delete: algorithms.map((algorithm) => `${versionFolder({ algorithm, version: 'v*' })}*`),
    },
    predictions: { read: ['*'], write: ['*'] },
    monitoring: { read: ['reports/*'], write: ['reports/*'] },
  };
}

/** Gold to preprocessed data, fits, and versions with their `latest`. Neither raw data nor any alias. */
export function modelTrainingAccess({ definition, config }: Pipeline): StoreAccess {
  const { feature_store, label_store } = definition.layers;
  return {
    datamart: {
      read: [manifestKey('gold'), anyPartition(feature_store.path), anyPartition(label_store.path), PREPROCESSED],
      write: [PREPROCESSED],
    },
    modelRegistry: {
      read: config.training_config.algorithms.map(registryFolder),
      write: config.training_config.algorithms.map(registryFolder),
    },
  };
}

function anyPartition(path: string): string {
  return path.replace('{partition}', '*');
}

/** All of an algorithm's versions, its index and its `latest`. */
function registryFolder(algorithm: string): string {
  return latestKey(algorithm).replace(/[^/]*$/, '*');
}
