import { FOLDER as ONLINE_STORE } from '../src/data/onlineStore/lmdbStore.js';
import type { Pipeline } from '../src/config/load.js';
import type { Stores } from '../src/platform/storage/objectStore.js';
import { OWNER_KEY } from '../src/platform/storage/ownedStore.js';
import { manifestKey, rawKey } from '../src/data/layers.js';
import { fileNameOf } from '../src/config/schema.js';
import { NEWEST_CONFIG } from '../src/config/pinned.js';
import { VALIDATION_FOLDER } from '../src/data/validation/results.js';
import { PREDICTIONS_ENTRIES, PREDICTIONS_INDEX } from '../src/data/predictions.js';
import { aliasKey, latestKey } from '../src/registry/pointers.js';
import { TRACKING_FOLDER } from '../src/platform/tracking/waitingTrainings.js';
import { RETRAINING, TIMELINE } from '../src/registry/timeline.js';
import { TRAINING_CLAIM } from '../src/registry/trainingClaim.js';
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
 * Any pointer of the registry that says which version counts. Moved by `promoteBest`, `promoteModel` and
 * `rollBackModel`, which run on the data-processing queue: a training worker never needs to.
 */
export const ALIASES = anyName(aliasKey);

/** Every file of every version, which is written once. */
export function versionFiles({ config }: Pipeline): string[] {
  return config.training_config.algorithms.map(
    (algorithm) => `${anyName((version) => versionFolder({ algorithm, version }))}*`,
  );
}

const PREPROCESSED = 'gold/preprocessed/*';

/** What came of expectations, and the rows that break one. */
const VALIDATION = `${VALIDATION_FOLDER}*`;

/** What waits to be written to MLflow, where the pipeline has it written there. */
function tracking({ definition }: Pick<Pipeline, 'definition'>): string[] {
  return definition.tracking ? [`${TRACKING_FOLDER}*`] : [];
}

/** Where a stage that runs as a task of its own finds its input and leaves its result. */
export const TASK_DOCUMENTS = 'tasks/*';

/** The configurations that runs began with. */
const CONFIG_VERSIONS = 'conf/*';

/** What handles rows: the layers, predictions, and measuring them. Pointers and reports are for the operations. */
export function dataProcessingAccess(pipeline: Pipeline): StoreAccess {
  const { definition } = pipeline;
  const layers = Object.values(definition.layers).map(({ path }) => anyPartition(path));
  const online = definition.online_store ? [`${ONLINE_STORE}/*`] : [];
  return {
    datamart: {
      read: ['*'],
      write: ['bronze/*', 'silver/*', VALIDATION, manifestKey('gold'), ...layers, ...online],
      ...(online.length > 0 && { delete: online }),
    },
    modelRegistry: { read: [OWNER_KEY, 'model_registry/*', ...tracking(pipeline)] },
    predictions: { read: ['*'], write: ['*'] },
  };
}

/** The promotion gate, the steward's moves, launching tasks, clearing up, reports and alerts: what the data-processing worker decides and tells. */
export function operationsAccess(pipeline: Pipeline): StoreAccess {
  const { algorithms } = pipeline.config.training_config;
  return {
    // The first to write to a bucket says whose it is; in the predictions' bucket data processing has all rights.
    datamart: { write: [OWNER_KEY, TASK_DOCUMENTS, CONFIG_VERSIONS] },
    modelRegistry: {
      write: [
        OWNER_KEY,
        ALIASES,
        TRAINING_CLAIM,
        TIMELINE,
        RETRAINING,
        ...tracking(pipeline),
        ...(['promotion.json', 'readiness.json'] as const).flatMap((file) =>
          algorithms.map((algorithm) => anyName((version) => versionKey({ algorithm, version }, file))),
        ),
      ],
      // What a failed or cancelled run left (`discardVersion`).
      delete: [...versionFiles(pipeline), ...tracking(pipeline)],
    },
    monitoring: { read: [OWNER_KEY, 'reports/*', 'alerts/*'], write: [OWNER_KEY, 'reports/*', 'alerts/*'] },
  };
}

/**
 * A person who looks after pipelines by the command line: puts raw data where bronze looks for it, reads what there is, and
 * moves aliases where no steward does, has trainings written to MLflow that wait for it, and corrects rows that break an expectation. Where the configuration lies in the store, a
 * person changes it there. All other data, models and predictions are for workers alone.
 */
export function operatorAccess(pipeline: Pipeline, confInStore: boolean): StoreAccess {
  const { definition, config } = pipeline;
  const waiting = tracking(pipeline);
  const conf = confInStore ? ['conf/pipelines/*'] : [];
  const second = definition.labels ? [rawKey(fileNameOf(definition.labels.file))] : [];
  return {
    datamart: {
      read: [OWNER_KEY, manifestKey('bronze'), manifestKey('gold'), NEWEST_CONFIG, VALIDATION, ...conf],
      // Rows that break an expectation, corrected.
      write: [rawKey(definition.source.file), ...second, VALIDATION, ...conf],
    },
    modelRegistry: {
      read: [
        OWNER_KEY,
        ALIASES,
        TIMELINE,
        RETRAINING,
        ...config.training_config.algorithms.map(registryFolder),
        ...waiting,
      ],
      write: [ALIASES, ...waiting],
      ...(waiting.length > 0 && { delete: waiting }),
    },
    predictions: { read: [OWNER_KEY, PREDICTIONS_INDEX, PREDICTIONS_ENTRIES] },
    monitoring: { read: [OWNER_KEY, 'reports/*', 'alerts/*'], write: ['alerts/*'] },
  };
}

/** What a stage that runs as a task is told, saves as its checkpoint and answers; one in a worker is told by Temporal. */
export function taskAccess(): StoreAccess {
  return { datamart: { read: [TASK_DOCUMENTS], write: [TASK_DOCUMENTS] } };
}

/** Gold to preprocessed data, fits, and versions with their `latest`. Neither raw data nor any alias. */
export function modelTrainingAccess({ definition, config }: Pipeline): StoreAccess {
  const { feature_store, label_store } = definition.layers;
  // Columns that are found in the source stand there.
  const columns = definition.source.findsColumns ? [manifestKey('bronze')] : [];
  return {
    datamart: {
      read: [
        OWNER_KEY,
        ...columns,
        manifestKey('gold'),
        anyPartition(feature_store.path),
        anyPartition(label_store.path),
        PREPROCESSED,
        CONFIG_VERSIONS,
      ],
      write: [PREPROCESSED],
    },
    modelRegistry: {
      read: [OWNER_KEY, ...config.training_config.algorithms.map(registryFolder)],
      write: config.training_config.algorithms.map(registryFolder),
    },
  };
}

/** The pattern of a key that holds a name. */
function anyName(keyOf: (name: string) => string): string {
  const name = 'vANY';
  return keyOf(name).replace(name, '*');
}

function anyPartition(path: string): string {
  return path.replace('{partition}', '*');
}

/** All of an algorithm's versions, its index and its `latest`. */
function registryFolder(algorithm: string): string {
  return latestKey(algorithm).replace(/[^/]*$/, '*');
}
