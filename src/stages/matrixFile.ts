import { stat } from 'node:fs/promises';
import type { DatasetRef, Window } from '../contracts/index.js';
import { datasetKey, readDatasetMetadata } from '../data/dataset.js';
import type { MatrixFile } from '../engines/pool.js';
import type { ObjectStore } from '../storage/objectStore.js';

/** Files whose bytes this process has checked, by path, size and time of change: a search reads one file hundreds of times. */
const verified = new Set<string>();

/** A window of a preprocessed dataset as the engines read it. Throws `NotFound`, and `ObjectCorrupt` for a torn file. */
export async function matrixFile(datamart: ObjectStore, dataset: DatasetRef, window: Window): Promise<MatrixFile> {
  const { features, label, windows } = await readDatasetMetadata(datamart, dataset);
  const { checksum } = windows[window];
  const path = await verifiedFile(datamart, datasetKey(dataset.id, `${window}_processed.parquet`), checksum);
  return { path, checksum, features, label };
}

async function verifiedFile(store: ObjectStore, key: string, checksum: string): Promise<string> {
  const unchecked = await store.localFile(key);
  if (verified.has(await mark(unchecked, checksum))) return unchecked;
  const path = await store.localFile(key, checksum);
  verified.add(await mark(path, checksum));
  return path;
}

async function mark(path: string, checksum: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${path} ${size} ${mtimeMs} ${checksum}`;
}
