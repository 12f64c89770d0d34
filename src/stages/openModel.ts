import type { VersionRef } from '../contracts/index.js';
import type { PredictRequest } from '../ml/engines/pool.js';
import { modelFile, readVersionFile, requireVersion, type Preprocessing } from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** A registered version at hand: its model as a file, and how a row becomes its input. */
export interface OpenModel extends Pick<PredictRequest, 'modelPath'> {
  preprocessing: Preprocessing;
}

/** Opens all of a version that a prediction depends on. Throws `ObjectCorrupt` where any of it is gone or damaged. */
export async function openModel(registry: ObjectStore, ref: VersionRef): Promise<OpenModel> {
  const metadata = await requireVersion(registry, ref);
  return {
    modelPath: await modelFile(registry, metadata),
    preprocessing: await readVersionFile(registry, ref, 'preprocessing.json'),
  };
}
