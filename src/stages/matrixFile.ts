import type { DatasetRef, SplitName } from '../contracts/index.js';
import { datasetKey, readDatasetMetadata, splitOfDataset } from '../data/dataset.js';
import type { MatrixFile } from '../ml/engines/pool.js';
import { nativeCategoricals } from '../ml/transforms/transforms.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** A split of a preprocessed dataset as the engines read it. Throws `NotFound`, and `ObjectCorrupt` for a torn file. */
export async function matrixFile(datamart: ObjectStore, dataset: DatasetRef, split: SplitName): Promise<MatrixFile> {
  const metadata = await readDatasetMetadata(datamart, dataset);
  const { features, label, folds, transforms } = metadata;
  const categoricals = nativeCategoricals(transforms);
  const { checksum, rows } = splitOfDataset(metadata, split);
  const path = await datamart.localFile(datasetKey(dataset.id, `${split}_processed.parquet`), checksum);
  return {
    path,
    checksum,
    features,
    label,
    rows,
    ...(categoricals.length > 0 && { categoricals }),
    ...(split === 'train' && folds && { folds }),
  };
}
