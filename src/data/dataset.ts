import type { DatasetRef, SplitName, TaskSpec } from '../contracts/index.js';
import type { FittedTransforms } from '../ml/transforms/fitted.js';
import type { StoredFolds } from '../ml/engines/pool.js';
import type { InputColumn } from './inputColumns.js';
import type { SharedGroups } from './splits/sharedGroups.js';
import { PerdureError } from '../errors.js';
import { checkName } from '../names.js';
import type { DatasetProfile } from '../monitoring/profile.js';
import { parseDocument, readJson } from '../platform/storage/documents.js';
import { sha256 } from '../platform/storage/checksum.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** Files of a preprocessed dataset's folder. */
export type DatasetFile = `${SplitName}_processed.parquet` | 'transforms.json' | 'profile.json' | 'metadata.json';

/** `metadata.json` of a preprocessed dataset, written last: what lies in the folder and what it was made from. */
export interface DatasetMetadata {
  /** `train_data_<timestamp>_<run>` */
  id: string;
  pipeline: string;
  as_of: string;
  /** The last day whose rows' labels count. */
  labelled_to: string;
  task: TaskSpec;
  /** The features as gold has them. */
  inputs: InputColumn[];
  /** How they become a model's columns. */
  transforms: FittedTransforms;
  /** Feature columns in the files' order. */
  features: string[];
  label: string;
  splits: Partial<Record<SplitName, DatasetSplit>>;
  /** Folds that the train split's file has, where they aren't by chance or something is fitted anew within each. */
  folds?: StoredFolds;
  /** SHA-256 of the gold files that were read, a partition. */
  partitions: Record<string, { feature_store: string; label_store: string }>;
  /** Whom or what rows are about, and how much of each evaluating split is about those that train has, too. */
  entity?: { column: string; shared: SharedGroups[] };
  /** What is suspicious in the data, in sentences. */
  warnings: string[];
  config_hash: string;
}

export interface DatasetSplit {
  /** First and last day, where the split is by time. */
  start_date?: string;
  end_date?: string;
  rows: number;
  /** Rows of each class, in the order of the task's classes. */
  classes?: number[];
  /** Rows left out as their label is null. */
  unlabelled: number;
  /** SHA-256 of `<split>_processed.parquet`. */
  checksum: string;
}

/** What a dataset has of a split. Throws `InputInvalid` where it has none of it. */
export function splitOfDataset({ id, splits }: Pick<DatasetMetadata, 'id' | 'splits'>, name: SplitName): DatasetSplit {
  const split = splits[name];
  if (!split)
    throw new PerdureError(
      'InputInvalid',
      `The dataset ${id} has no split ${name} (it has ${Object.keys(splits).join(', ')}); name another in the model config.`,
    );
  return split;
}

export function datasetKey(id: string, file: DatasetFile): string {
  return `gold/preprocessed/${checkName('a dataset', id)}/${file}`;
}

/** What one candidate of an algorithm's search left on one fold, beside the dataset that it is searched on. */
export function searchKey(id: string, algorithm: string, candidate: number, fold: number): string {
  return `gold/preprocessed/${checkName('a dataset', id)}/search/${checkName('an algorithm', algorithm)}/${candidate}_${fold}.json`;
}

/** What is done about a dataset that is damaged: nothing but its own training reads it. */
const TRAIN_AGAIN = 'run the training again, which preprocesses anew';

/** Reads a dataset's metadata. Throws `NotFound` where it is gone, `ObjectCorrupt` where it isn't what was written. */
export async function readDatasetMetadata(datamart: ObjectStore, dataset: DatasetRef): Promise<DatasetMetadata> {
  const key = datasetKey(dataset.id, 'metadata.json');
  const found = await datamart.get(key);
  if (!found) throw new PerdureError('NotFound', `${datamart.uri(key)} is not there; ${TRAIN_AGAIN}.`);
  if (sha256(found.body) !== dataset.checksum) {
    throw new PerdureError(
      'ObjectCorrupt',
      `${datamart.uri(key)} does not hold the bytes that were written; ${TRAIN_AGAIN}.`,
    );
  }
  return parseDocument<DatasetMetadata>(datamart, key, found.body, TRAIN_AGAIN);
}

/** Reads a dataset's profile of its raw training window. */
export async function readDatasetProfile(datamart: ObjectStore, dataset: DatasetRef): Promise<DatasetProfile> {
  const key = datasetKey(dataset.id, 'profile.json');
  const profile = await readJson<DatasetProfile>(datamart, key, TRAIN_AGAIN);
  if (!profile) throw new PerdureError('NotFound', `${datamart.uri(key)} is not there; ${TRAIN_AGAIN}.`);
  return profile;
}
