import type { DatasetRef, Window } from '../contracts/index.js';
import { datasetKey, readDatasetMetadata } from '../data/dataset.js';
import type { MatrixFile } from '../ml/engines/pool.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** A window of a preprocessed dataset as the engines read it. Throws `NotFound`, and `ObjectCorrupt` for a torn file. */
export async function matrixFile(datamart: ObjectStore, dataset: DatasetRef, window: Window): Promise<MatrixFile> {
  const { features, label, windows } = await readDatasetMetadata(datamart, dataset);
  const { checksum, rows } = windows[window];
  const path = await datamart.localFile(datasetKey(dataset.id, `${window}_processed.parquet`), checksum);
  return { path, checksum, features, label, rows };
}
