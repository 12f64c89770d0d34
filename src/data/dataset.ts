import { z } from 'zod';
import { ZERO_OR_ONE, type DatasetRef, type SplitName } from '../contracts/index.js';
import { splitName, taskSpec } from '../contracts/schemas.js';
import { FittedTransforms } from '../ml/transforms/fitted.js';
import { storedFolds } from '../ml/engines/pool.js';
import { inputColumn } from './inputColumns.js';
import { REFERENCE_ROWS } from './referenceRows.js';
import { TRAINED_ROWS } from './trainedRows.js';
import { sharedGroups } from './splits/sharedGroups.js';
import { PerdureError } from '../errors.js';
import { checkName } from '../names.js';
import { datasetProfile, type DatasetProfile } from '../monitoring/profile.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import { sha256 } from '../platform/storage/checksum.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** What a dataset knows of its training rows beside their matrix, which each version that is trained on it gets a copy of. */
export const ROW_FILES = [TRAINED_ROWS, REFERENCE_ROWS] as const;
export type RowFile = (typeof ROW_FILES)[number];

/** Files of a preprocessed dataset's folder. */
export type DatasetFile =
  `${SplitName}_processed.parquet` | 'transforms.json' | 'profile.json' | RowFile | 'metadata.json';

/** SHA-256 of gold files, per partition. */
export const partitionChecksums = z.record(
  z.string(),
  z.strictObject({ feature_store: z.string(), label_store: z.string() }),
);

const datasetSplit = z.strictObject({
  /** First and last day, where the split is by time. */
  start_date: z.string().optional(),
  end_date: z.string().optional(),
  rows: z.number(),
  /** Rows of each class, in the order of the task's classes. */
  classes: z.array(z.number()).optional(),
  /** Rows left out as their label is null. */
  unlabelled: z.number(),
  /** SHA-256 of `<split>_processed.parquet`. */
  checksum: z.string(),
});
export type DatasetSplit = z.infer<typeof datasetSplit>;

/** How a row becomes a model's input: the same for a dataset, and for the versions that are trained on it. */
export const preprocessingShape = {
  task: taskSpec,
  /** The features as gold has them. */
  inputs: z.array(inputColumn),
  /** How they become a model's columns. */
  transforms: FittedTransforms,
  /** Feature columns in the files' order. */
  features: z.array(z.string()),
  label: z.string(),
};

/** Preprocessing of the first format: labels are 0 or 1, features are numbers, and some of them are scaled. */
export function upgradePreprocessing({ scaler, ...more }: Record<string, unknown>): Record<string, unknown> {
  // Written between two releases, as in the next format, which has no number within the transforms.
  if (more.transforms) return { ...more, transforms: { columns: (more.transforms as FittedTransforms).columns } };
  const features = more.features as string[];
  const scaled = scaler as Record<string, { mean: number; scale: number }>;
  return {
    ...more,
    task: ZERO_OR_ONE,
    inputs: features.map((name) => ({ name, kind: 'number', type: 'numeric' })),
    transforms: {
      columns: features.map((column) => ({
        column,
        kind: 'number',
        steps: Object.hasOwn(scaled, column)
          ? [{ scale: [{ center: scaled[column]!.mean, scale: scaled[column]!.scale }] }]
          : [],
        outputs: [column],
      })),
    },
  };
}

/** Whom or what rows are about, and how much of each evaluating split is about those that train has, too. */
export const entityShare = z.strictObject({
  column: z.string(),
  shared: z.array(sharedGroups),
});

/** `metadata.json` of a preprocessed dataset, written last: what lies in the folder and what it was made from. */
export const datasetMetadata = document({
  name: 'metadata of a dataset',
  schema: z.strictObject({
    /** `train_data_<timestamp>_<run>` */
    id: z.string(),
    pipeline: z.string(),
    as_of: z.string(),
    /** The last day whose rows' labels count. */
    labelled_to: z.string(),
    ...preprocessingShape,
    splits: z.partialRecord(splitName, datasetSplit),
    /** SHA-256 of the {@link ROW_FILES} that it has; datasets of earlier releases have none. */
    row_files: z.partialRecord(z.enum(ROW_FILES), z.string()).optional(),
    /** SHA-256 of the gold files that were read, per partition that may have a row to train on. */
    partitions: partitionChecksums,
    /** Folds that the train split's file has, where they aren't by chance or something is fitted anew within each. */
    folds: storedFolds.optional(),
    entity: entityShare.optional(),
    /** What is suspicious in the data, in sentences. */
    warnings: z.array(z.string()),
    config_hash: z.string(),
  }),
  upgrades: [
    ({ windows, ...metadata }) => ({
      ...upgradePreprocessing(metadata),
      splits:
        metadata.splits ??
        Object.fromEntries(
          Object.entries(windows as Record<string, { rows: number; positives: number }>).map(
            ([name, { positives, ...split }]) => [name, { ...split, classes: [split.rows - positives, positives] }],
          ),
        ),
    }),
  ],
});
export type DatasetMetadata = DocumentOf<typeof datasetMetadata>;

/** `transforms.json` of a preprocessed dataset: those of its metadata, on their own. */
export const datasetTransforms = document({ name: 'transforms of a dataset', schema: FittedTransforms });

/** `latest.json`: the newest preprocessed dataset. */
export const latestDataset = document({
  name: 'pointer to the newest dataset',
  schema: z.strictObject({ id: z.string(), uri: z.string(), checksum: z.string() }),
});

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

/** Where the round of a search is written down. */
export function roundKey(id: string, algorithm: string, round: number): string {
  return `gold/preprocessed/${checkName('a dataset', id)}/search/${checkName('an algorithm', algorithm)}/round_${round}.json`;
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
  return datasetMetadata.parse(datamart, key, found.body, TRAIN_AGAIN);
}

/** Reads a dataset's profile of its raw train split. */
export async function readDatasetProfile(datamart: ObjectStore, dataset: DatasetRef): Promise<DatasetProfile> {
  const key = datasetKey(dataset.id, 'profile.json');
  const profile = await datasetProfile.read(datamart, key, TRAIN_AGAIN);
  if (!profile) throw new PerdureError('NotFound', `${datamart.uri(key)} is not there; ${TRAIN_AGAIN}.`);
  return profile;
}
