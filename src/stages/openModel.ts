import type { VersionRef } from '../contracts/index.js';
import type { PredictRequest } from '../engines/pool.js';
import { PerdureError } from '../errors.js';
import { readVersion, readVersionFile, versionKey, type Preprocessing } from '../registry/versions.js';
import type { ObjectStore } from '../storage/objectStore.js';

/** A registered version at hand: its model as a file, and how a row becomes its input. */
export interface OpenModel extends Pick<PredictRequest, 'modelPath'> {
  preprocessing: Preprocessing;
}

/** Throws `NotFound` for a version that isn't registered, `ObjectCorrupt` for one that is torn. */
export async function openModel(registry: ObjectStore, ref: VersionRef): Promise<OpenModel> {
  const metadata = await readVersion(registry, ref);
  if (!metadata) throw new PerdureError('NotFound', `There is no version "${ref.version}" of ${ref.algorithm} in the registry; train it, or choose another.`);
  return {
    modelPath: await registry.localFile(versionKey(ref, 'model.ubj'), metadata.lineage.model_checksum),
    preprocessing: await readVersionFile<Preprocessing>(registry, ref, 'preprocessing.json'),
  };
}
